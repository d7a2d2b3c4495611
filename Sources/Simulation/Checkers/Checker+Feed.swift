import Replication

extension Checker {
    /// I8: positions are gapless from 1, one feed.
    package static let positionsAreGapless = Checker("I8") { history in
        zip(history.decisions, 1...).compactMap { decision, expected in
            decision.position == UInt64(expected) ? nil : "position \(decision.position) where \(expected) is next"
        }
    }

    /// I11: what each node applies is the feed, entry after entry, each once; after a disk was put back or lost it goes on
    /// from an earlier place.
    package static let appliedIsPrefix = Checker("I11") { history in
        let feed = history.decisions.map(\.feedHash)
        var heads: [NodeID: UInt64] = [:]
        var mayJump: Set<NodeID> = []
        var faults: [String] = []
        for moment in history.moments {
            switch moment.event {
            case .diskLost: mayJump.insert(moment.node)
            case .applied(let position, let hash):
                let head = heads[moment.node]
                // A clone begins where its original was.
                let isFirst = head == nil || mayJump.remove(moment.node) != nil
                if !isFirst, position != (head ?? 0) + 1 {
                    faults.append("\(moment.node) applied \(position) after \(head ?? 0)")
                }
                if position < 1 || position > feed.count || feed[Int(position) - 1] != hash {
                    faults.append("\(moment.node) applied another entry \(position) than the feed's")
                }
                heads[moment.node] = position
            default: break
            }
        }
        return faults
    }

    /// I10: the journal folded once more, without crashes and in other batches, gives the same feed. That other processes
    /// give it, too, is seen by comparing traces.
    package static let refolding = Checker("I10") { history in
        guard let end = history.end else { return [] }
        return end.refoldedHash == end.registryFeedHash ? [] : ["the journal folded once more gives another feed"]
    }

    /// I13: every recorded request sent once more changes nothing.
    package static let replaysChangeNothing = Checker("I13") { history in
        (history.end?.changingReplays ?? []).map { "a replay changed the registry: \($0)" }
    }
}
