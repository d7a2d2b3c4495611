import CityStore
import FederationWire
import Replication
import VoucherDomain

/// What goes wrong beside the network: crashes, clocks, disks, clones, replays and lies.
extension World {
    enum CrashPoint { case before, after }

    /// Ends a node's process, perhaps: before or after what it is about to commit.
    mutating func crashes(_ id: NodeID, _ point: CrashPoint) -> Bool {
        guard plan.rate(.cityCrash) > 0, !isHealing, faultRandom.chance(plan.rate(.cityCrash) / 3) else { return false }
        note(point == .before ? .crashBeforeCommit : .crashAfterCommit, at: id)
        crash(id)
        return true
    }

    private mutating func crash(_ id: NodeID) {
        guard self[id].isRunning else { return }
        note(.cityCrash, at: id)
        self[id].stop()
        queue.add(.restart(id), at: time + faultRandom.number(in: 100...10_000))
    }

    /// Draws, for each kind that befalls steps, whether it does now.
    mutating func strike() throws {
        for kind in plan.kinds {
            switch kind {
            case .loss, .duplication, .reordering, .cutBefore, .cutAfter, .liar, .suspension, .bankTimeout,
                .bankRefusal:
                continue
            default: break
            }
            guard faultRandom.chance(plan.rate(kind)) else { continue }
            let candidates = nodes.filter { !$0.isRetired }.map(\.id)
            guard !candidates.isEmpty else { return }
            try strike(kind, at: faultRandom.pick(candidates))
        }
    }

    private mutating func strike(_ kind: FaultKind, at id: NodeID) throws {
        switch kind {
        case .cityCrash: crash(id)
        case .registryCrash: crashRegistry()
        case .partition: block(id, kind, SimulatedLink(passesRequests: false, passesAnswers: false))
        case .oneWay:
            let passesRequests = faultRandom.chance(0.5)
            block(id, kind, SimulatedLink(passesRequests: passesRequests, passesAnswers: !passesRequests))
        case .flapping: flap(id)
        case .cityClock:
            nodes[id.rawValue - 1].clock.upset(&faultRandom, at: time)
            note(kind, at: id)
        case .registryClock:
            registryClock.upset(&faultRandom, at: time)
            note(kind, at: .registry)
        case .restore, .unmarkedCopy:
            guard let backup = self[id].backup, isSingle(id) else { return }
            note(kind, at: id)
            try restore(id, from: backup, isMarked: kind == .restore)
            // Nobody knows that it is an old copy: officers go on with it before it is started.
            if kind == .unmarkedCopy { try workOffline(id) }
        case .clone: try clone(id)
        case .replay: replay()
        case .diskGone:
            // A suspended city cannot join again.
            guard isSingle(id), !isSuspended(id) else { return }
            note(kind, at: id)
            try rejoin(id)
        case .loss, .duplication, .reordering, .cutBefore, .cutAfter, .liar, .suspension, .bankTimeout, .bankRefusal:
            break
        }
    }

    /// Whether the city has one node; what befalls a cloned one is told apart no more.
    func isSingle(_ id: NodeID) -> Bool {
        nodes.count { $0.city == self[id].city && !$0.isRetired } == 1
    }

    private mutating func block(_ id: NodeID, _ kind: FaultKind, _ link: SimulatedLink) {
        note(kind, at: id)
        self[id].link = link
        queue.add(.link(id, SimulatedLink()), at: time + faultRandom.number(in: 1_000...60_000))
    }

    private mutating func flap(_ id: NodeID) {
        note(.flapping, at: id)
        var when = time
        for turn in 0..<6 {
            let isOpen = turn % 2 == 1
            queue.add(.link(id, SimulatedLink(passesRequests: isOpen, passesAnswers: isOpen)), at: when)
            when += faultRandom.number(in: 50...3_000)
        }
    }

    /// A second machine starts with the same store and key.
    private mutating func clone(_ id: NodeID) throws {
        guard isSingle(id), nodes.count < 2 * plan.cities else { return }
        note(.clone, at: id)
        let original = self[id]
        let disk = try newDisk()
        try disk.store.become(original.store)
        var copy = SimulatedNode(
            id: NodeID(rawValue: nodes.count + 1), city: original.city, identity: original.identity,
            key: original.key, disk: disk)
        copy.notedThrough = original.notedThrough
        nodes.append(copy)
        try start(copy.id)
    }

    /// Somebody sends again what was recorded; or what was lost arrives after all.
    private mutating func replay() {
        if !undelivered.isEmpty, faultRandom.chance(0.5) {
            note(.replay, at: .registry)
            let late = faultRandom.pick(undelivered)
            undelivered.removeAll { $0.errand == late.errand }
            return queue.add(.arrives(late), at: time + 1)
        }
        guard !recorded.isEmpty else { return }
        note(.replay, at: .registry)
        queue.add(.arrives(faultRandom.pick(recorded)), at: time + 1)
    }

    /// The lying city lies, straight to the registry.
    mutating func lie() throws {
        guard var liar, memory.isUp, faultRandom.chance(plan.rate(.liar)) else { return }
        note(.liar, at: .registry)
        let victims = nodes.map(\.city)
        let batch = try liar.nextLie(feedHead: registry.feedHead, now: registryTime, victims: victims)
        do {
            let answer = try registry.receive(batch.batch, from: liar.code, now: registryTime)
            trace.note(time, .registry, "the liar's \(batch.kind): \(answer.answers.map(\.name))")
            liar.wasAccepted(batch)
            wakeArbiter()
        } catch let refusal as SimulatedRefusal {
            trace.note(time, .registry, "the liar's \(batch.kind): refused \(refusal.kind)")
            noteRefusal(refusal)
        }
        self.liar = liar
    }
}
