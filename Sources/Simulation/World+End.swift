import Arbitration
import CityStore
import FederationWire
import Replication
import VoucherDomain

/// The end of a run: when is everything quiet, and what has it come to.
extension World {
    /// Whether every city has sent, got and applied everything, and the registry has decided everything.
    func hasDrained() throws -> Bool {
        guard memory.isUp, registry.waiting.isEmpty else { return false }
        let candidates = nodes.filter { !$0.isRetired }
        guard Set(candidates.map(\.city)).count == candidates.count else { return false }
        for node in candidates {
            guard node.isRunning, node.alarm == nil else { return false }
            let state = try node.store.syncState()
            guard state.unsent == 0, state.undecided == 0, state.feedPosition == registry.feedHead.position else {
                return false
            }
        }
        return true
    }

    mutating func endState() throws -> EndState {
        var end = EndState(nodes: try nodes.filter { !$0.isRetired }.map(endState))
        if let liar { end.liars = [liar.code] }
        end.hasNationalPolicy = plan.hasNationalPolicy
        end.registryFeedPosition = registry.feedHead.position
        end.registryFeedHash = registry.feedHead.hash
        end.registryIndexDigest = World.digest(ofIndex: expectedIndex)
        end.registryUndecided = registry.waiting.reduce(0) { $0 + $1.entries.count }
        end.refoldedHash = try registry.refolded()
        end.changingReplays = replayEverything()
        return end
    }

    private func endState(of node: SimulatedNode) throws -> EndState.Node {
        let state = try node.store.syncState()
        let fact = try World.storeFact(of: node)
        return EndState.Node(
            id: node.id, city: node.city, log: try node.store.log(after: 0).map(EntryFact.init), states: fact.states,
            cases: Dictionary(
                uniqueKeysWithValues: try node.store.cases(limit: 10_000).map { ($0.id, $0.state.rawValue) }),
            feedPosition: fact.feedPosition, feedHash: fact.feedHash, indexDigest: fact.indexDigest,
            unsent: state.unsent, undecided: state.undecided, alarm: node.alarm)
    }

    /// What a node's store says of the feed that it has applied.
    static func storeFact(of node: SimulatedNode) throws -> StoreFact {
        let head = try node.store.feedHead()
        return StoreFact(
            city: node.city, feedPosition: head.position, feedHash: head.hash,
            states: Dictionary(try node.store.claimStates().map { ($0.number, $0.state) }) { _, later in later },
            indexDigest: digest(ofIndex: try node.store.dump("key_index")))
    }

    private static func digest(ofIndex rows: [String]) -> Digest {
        Digest(.feed, Array(rows.joined(separator: "\n").utf8))
    }

    /// The rows of a city's key index as the registry's ledger has them, in the index's order and as a store writes them out.
    private var expectedIndex: [String] {
        var rows: [(hash: String, position: Int64, rest: String)] = []
        for (key, occupancy) in registry.fold.ledger.occupancies {
            guard let kind = key.kind, kind.isPublished else { continue }
            let hash = RunSecrets.hasher.hash(key).hexadecimal
            // A claim has one row under a key, however many of its invoices count there.
            var seen: Set<Int64> = []
            for holding in occupancy.holdings where seen.insert(holding.position).inserted {
                let tag = kind == .contractParties ? RunSecrets.hasher.tag(holding.holder) : []
                rows.append(
                    (hash, holding.position, "\(kind.rawValue) \(holding.claim.city.rawValue) \(tag.hexadecimal)"))
            }
        }
        return rows.sorted { ($0.hash, $0.position) < ($1.hash, $1.position) }.map {
            "\($0.hash) \($0.position) \($0.rest)"
        }
    }

    /// Every recorded request comes once more, after a restart of the registry. Then what was lost arrives after all, which
    /// may change something, once: all of it comes again after that.
    ///
    /// - Returns: Those that changed something when they came again.
    private mutating func replayEverything() -> [String] {
        let changing = replay(recorded)
        let late = undelivered
        // Where that changed nothing, the same requests would meet the same registry once more.
        guard !replay(late).isEmpty else { return changing }
        return changing + replay(recorded) + replay(late)
    }

    private mutating func replay(_ envelopes: [Envelope]) -> [String] {
        memory.gate = SimulatedGate()
        var last = stateHash
        return envelopes.compactMap { envelope in
            let before = last
            arrive(envelope)
            last = stateHash
            return last == before ? nil : "\(envelope.path) of \(envelope.node), process \(envelope.process)"
        }
    }

    /// Over all that the registry has committed but for what it only notes.
    private var stateHash: Digest {
        var bytes = registry.feedHead.hash.rawValue
        for code in registry.codes {
            guard let row = registry.cities[code] else { continue }
            bytes += row.head.hash.rawValue + (row.grantedEpoch?.bytes ?? [])
            bytes += withUnsafeBytes(of: row.watermark.rawValue.bigEndian, Array.init)
        }
        return Digest(.feed, bytes)
    }
}
