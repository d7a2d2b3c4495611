import Arbitration
import Replication
import VoucherDomain

extension Checker {
    /// I12: whatever a process before it has left, a process finds a store in which cursor and effect agree. Each claim that
    /// the feed has decided up to the cursor stands as it does there, each other one as undecided; and all stores at one
    /// place of the feed have one key index.
    ///
    /// A simulated process ends between two calls of its store. What is left within one is for the crash images to see.
    package static let cursorAndEffectAgree = Checker("I12") { history in
        let found = history.moments.compactMap { moment -> (node: NodeID, store: StoreFact)? in
            guard case .started(let store) = moment.event else { return nil }
            return (moment.node, store)
        }
        var book = StoreBook()
        var later = history.decisions[...]
        return found.sorted { $0.store.feedPosition < $1.store.feedPosition }.flatMap { node, store -> [String] in
            while let next = later.first, next.position <= store.feedPosition {
                book.take(next)
                later.removeFirst()
            }
            return book.faults(of: store).map { "\(node) started at feed position \(store.feedPosition): \($0)" }
        }
    }
}

/// What a store must say at one place of the feed.
private struct StoreBook {
    private var states: [ClaimName: Outcome.Decision] = [:]
    /// By the feed's hash.
    private var indices: [Digest: Digest] = [:]

    mutating func take(_ decision: DecisionFact) { states.take(decision) }

    mutating func faults(of store: StoreFact) -> [String] {
        var shown = store.states
        var faults: [String] = []
        for (name, state) in states.sorted(by: { $0.key < $1.key }) where name.city == store.city {
            let found = shown.removeValue(forKey: name.number)
            if found != "\(state)" { faults.append("\(name) is \(state), and is shown as \(found ?? "nothing")") }
        }
        // A row that is no entry is invalid as well.
        for (number, state) in shown.sorted(by: { $0.key < $1.key }) {
            if ["recorded", "received", "invalid"].contains(state) { continue }
            faults.append("\(store.city)/\(number) is shown as \(state), and the feed says nothing of it")
        }
        let index = indices[store.feedHash, default: store.indexDigest]
        indices[store.feedHash] = index
        return index == store.indexDigest ? faults : faults + ["it has another key index than another store there"]
    }
}
