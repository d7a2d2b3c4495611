import FederationWire
import Replication

/// The network between the cities and the registry.
extension World {
    /// Sends a request; its answer, or its end, comes as an event.
    ///
    /// - Parameter limit: How long the node waits, in milliseconds.
    mutating func send(
        _ purpose: SimulatedNode.Errand.Purpose, _ path: Envelope.Path, _ message: some SyncMessage, limit: UInt64,
        from id: NodeID
    ) {
        nextErrand += 1
        let node = self[id]
        self[id].errands.append(SimulatedNode.Errand(id: nextErrand, purpose: purpose))
        note(id, .asked(purpose.flow))
        queue.add(.timesOut(id, process: node.process, errand: nextErrand), at: time + limit)
        var envelope = Envelope(
            errand: nextErrand, node: id, process: node.process, signer: node.city, key: node.key.publicKey,
            created: Int64(wallClock(id) / 1_000), nonce: networkRandom.next(), path: path,
            body: message.encoded(as: .protobuf))
        if crashes(id, .after) { return }
        guard node.link.passesRequests else {
            lose(envelope)
            // A refused connection is noticed at once, a packet that is swallowed only by the time-out.
            if networkRandom.chance(0.5) { queue.add(.answered(envelope, .cut), at: time + delay()) }
            return
        }
        if strikes(.loss, at: id) { return lose(envelope) }
        if strikes(.cutBefore, at: id) {
            lose(envelope)
            queue.add(.answered(envelope, .cut), at: time + delay())
            return
        }
        envelope.isCutAfter = strikes(.cutAfter, at: id)
        queue.add(.arrives(envelope), at: time + delay(of: id))
        if strikes(.duplication, at: id) {
            envelope.isCopy = true
            queue.add(.arrives(envelope), at: time + delay(of: id))
        }
    }

    /// How many lost requests are kept.
    private static let mostUndelivered = 100

    /// A request that does not arrive, or not yet.
    private mutating func lose(_ envelope: Envelope) {
        undelivered.append(envelope)
        if undelivered.count > World.mostUndelivered { undelivered.removeFirst() }
    }

    /// Sends an answer back.
    mutating func reply(_ reply: Reply, to envelope: Envelope) {
        guard !envelope.isCopy else { return }
        guard !envelope.isCutAfter else {
            queue.add(.answered(envelope, .cut), at: time + delay())
            return
        }
        guard self[envelope.node].link.passesAnswers else { return }
        if strikes(.loss, at: envelope.node) { return }
        queue.add(.answered(envelope, reply), at: time + delay(of: envelope.node))
    }

    /// A usual delay, in milliseconds.
    private mutating func delay() -> UInt64 { networkRandom.number(in: 1...20) }

    /// A delay, which may let later messages pass.
    private mutating func delay(of id: NodeID) -> UInt64 {
        strikes(.reordering, at: id) ? networkRandom.number(in: 20...8_000) : delay()
    }

    /// Whether a fault of the network befalls this message.
    private mutating func strikes(_ kind: FaultKind, at id: NodeID) -> Bool {
        let rate = plan.rate(kind)
        guard rate > 0, !isHealing, networkRandom.chance(rate) else { return false }
        note(kind, at: id)
        return true
    }
}
