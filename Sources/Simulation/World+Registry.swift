import FederationWire
import Replication

/// The registry's process: requests in, answers out, the arbiter, and the clock.
extension World {
    var registryTime: UInt64 { registryClock.now(time) }

    /// A request reaches the registry's machine.
    mutating func arrive(_ envelope: Envelope) {
        guard memory.isUp else { return reply(.cut, to: envelope) }
        if registryCrashes(.registryCrashBeforeCommit) { return reply(.cut, to: envelope) }
        do {
            let row = registry.cities[envelope.signer]
            try memory.gate.admit(
                envelope, registered: row?.publicKey, isSuspended: row?.isSuspended ?? false, now: registryTime)
            let answer = try answer(envelope)
            if !envelope.isCopy { record(envelope) }
            if registryCrashes(.registryCrashAfterCommit) { return reply(.cut, to: envelope) }
            if let answer { reply(.answer(answer), to: envelope) }
        } catch let refusal as SimulatedRefusal {
            noteRefusal(refusal)
            reply(.refused(refusal), to: envelope)
        } catch {
            reply(.refused(SimulatedRefusal("malformed", "\(error)")), to: envelope)
        }
    }

    /// Does what is asked.
    ///
    /// - Returns: `nil` when the answer comes later, or nobody waits for it.
    private mutating func answer(_ envelope: Envelope) throws -> [UInt8]? {
        switch envelope.path {
        case .hello:
            let hello = try Hello(envelope.body, as: .protobuf)
            guard hello.city == envelope.signer else { throw SimulatedRefusal("other-city", "another city") }
            let answer = try registry.greet(hello, now: registryTime)
            wakeArbiter()
            return answer.encoded(as: .protobuf)
        case .push:
            let batch = try PushBatch(envelope.body, as: .protobuf)
            let answer = try registry.receive(batch, from: envelope.signer, now: registryTime)
            if !batch.entries.isEmpty { try suspendIfDue(envelope.signer) }
            wakeArbiter()
            return answer.encoded(as: .protobuf)
        case .log:
            let request = try LogRequest(envelope.body, as: .protobuf)
            let page = try registry.ownLog(request, of: envelope.signer)
            note(.registry, .served(envelope.signer))
            return page.encoded(as: .protobuf)
        case .feed:
            let request = try FeedRequest(envelope.body, as: .protobuf)
            let page = try registry.page(request, city: envelope.signer)
            // Reading changes nothing, and nobody waits for the answer to a copy.
            guard page.entries.isEmpty, request.wait > .zero, !envelope.isCopy else {
                note(.registry, .served(envelope.signer))
                return try envelope.isCopy ? nil : sealed(page)
            }
            nextErrand += 1
            memory.polls.append((nextErrand, envelope, request))
            queue.add(.pollEnds(nextErrand), at: time + UInt64(request.wait / .milliseconds(1)))
            return nil
        }
    }

    /// A page of the feed as it travels.
    private mutating func sealed(
        _ page: (entries: ArraySlice<SealedFeedEntry>, head: FeedHead)
    ) throws -> [UInt8] {
        FeedAnswer(
            entries: page.entries.map(\.bytes),
            seal: try feedSeals.sign(FeedSeal(head: page.head, sealedAt: registryTime)),
            more: page.head.position < registry.feedHead.position
        ).encoded(as: .protobuf)
    }

    mutating func noteRefusal(_ refusal: SimulatedRefusal) {
        switch refusal.kind {
        case "fenced": note(.fenced, at: .registry)
        case "diverged": note(.diverged, at: .registry)
        case "clock": note(.clockRefused, at: .registry)
        case "suspended": note(.suspendedRefused, at: .registry)
        case "replay": note(.replayRefused, at: .registry)
        case "seal": note(.badSeal, at: .registry)
        case "chain": note(.chainRefused, at: .registry)
        default: break
        }
    }

    /// How many recorded requests are kept for replays.
    private static let mostRecorded = 200

    /// Keeps what the registry has carried out.
    private mutating func record(_ envelope: Envelope) {
        var copy = envelope
        copy.isCopy = true
        if recorded.count < World.mostRecorded {
            recorded.append(copy)
        } else {
            recorded[Int(envelope.errand % UInt64(World.mostRecorded))] = copy
        }
    }

    // MARK: Long polls

    mutating func endPoll(_ id: UInt64) {
        guard let index = memory.polls.firstIndex(where: { $0.id == id }) else { return }
        answer(memory.polls.remove(at: index))
    }

    private mutating func answer(_ poll: (id: UInt64, envelope: Envelope, request: FeedRequest)) {
        do {
            let page = try registry.page(poll.request, city: poll.envelope.signer)
            note(.registry, .served(poll.envelope.signer))
            reply(.answer(try sealed(page)), to: poll.envelope)
        } catch let refusal as SimulatedRefusal {
            noteRefusal(refusal)
            reply(.refused(refusal), to: poll.envelope)
        } catch {
            reply(.cut, to: poll.envelope)
        }
    }

    // MARK: The arbiter

    /// Lets the arbiter look soon.
    mutating func wakeArbiter() {
        guard memory.isUp, !memory.isArbiterAwake else { return }
        memory.isArbiterAwake = true
        queue.add(.arbiter(generation: memory.generation), at: time + registryRandom.number(in: 1...30))
    }

    mutating func decide() {
        memory.isArbiterAwake = false
        guard !registry.waiting.isEmpty else { return }
        if registryCrashes(.registryCrashBeforeCommit) { return }
        do { try registry.decide(batches: registryRandom.number(in: 1...8)) } catch {
            preconditionFailure("the fold's outcome cannot be written: \(error)")
        }
        if registryCrashes(.registryCrashAfterCommit) { return }
        if !registry.waiting.isEmpty { wakeArbiter() }
        let polls = memory.polls
        memory.polls = []
        if !polls.isEmpty { note(.longPollRang, at: .registry) }
        for poll in polls { answer(poll) }
    }

    /// How often the arbiter looks at the clock, in milliseconds.
    private static let tickPace: UInt64 = 2_000

    mutating func lookAtClock() {
        queue.add(.tickLook(generation: memory.generation), at: time + World.tickPace)
        do {
            if try registry.tickIfDue(now: registryTime, sinceLast: Int64(time - memory.lastTick)) {
                memory.lastTick = time
                wakeArbiter()
            }
        } catch {
            preconditionFailure("a tick cannot be written: \(error)")
        }
    }

    // MARK: Crashes

    /// Ends the registry's process, perhaps: what it has not committed is lost.
    private mutating func registryCrashes(_ occasion: Sometimes) -> Bool {
        guard plan.rate(.registryCrash) > 0, !isHealing, faultRandom.chance(plan.rate(.registryCrash) / 5) else {
            return false
        }
        note(occasion, at: .registry)
        crashRegistry()
        return true
    }

    mutating func crashRegistry() {
        guard memory.isUp else { return }
        note(.registryCrash, at: .registry)
        let polls = memory.polls
        memory = RegistryMemory(isUp: false, generation: memory.generation + 1)
        for poll in polls { reply(.cut, to: poll.envelope) }
        queue.add(.restart(.registry), at: time + faultRandom.number(in: 100...8_000))
    }

    mutating func startRegistry() {
        guard !memory.isUp else { return }
        trace.note(time, .registry, "started")
        memory = RegistryMemory(isUp: true, generation: memory.generation, lastTick: time)
        queue.add(.tickLook(generation: memory.generation), at: time + World.tickPace)
        wakeArbiter()
    }
}
