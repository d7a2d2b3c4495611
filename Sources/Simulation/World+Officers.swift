import Arbitration
import CityStore
import FederationWire
import Replication
import VoucherDomain

/// What officers do, day by day and when something is broken.
extension World {
    /// One step of the safety phase: misfortune strikes, perhaps, and an officer acts.
    mutating func step() throws {
        guard stepsDone < plan.steps else { return try heal() }
        stepsDone += 1
        queue.add(.step, at: time + officerRandom.number(in: 1...(2 * plan.pace)))
        try strike()
        try lie()
        try suspendSomeCity()
        try decideSomeCase()
        try answerSomeCase()
        try workAtPayDesk()
        let candidates = nodes.filter { !$0.isRetired }.map(\.id)
        guard let id = workload.pick(candidates) else { return }
        let act = workload.nextAct()
        guard try isWritable(id) else { return }
        if crashes(id, .before) { return }
        try attempt(act, at: id)
    }

    /// Whether officers can write at a node: one that does not run takes nothing, and one whose replication was stopped is
    /// read-only.
    func isWritable(_ id: NodeID) throws -> Bool {
        guard self[id].isRunning, self[id].alarm == nil else { return false }
        return try self[id].store.alarm() == nil
    }

    /// Where officers can write.
    func writableNodes() throws -> [NodeID] { try nodes.map(\.id).filter { try isWritable($0) } }

    /// Commands write into a store while its node does not run.
    mutating func workOffline(_ id: NodeID) throws {
        for _ in 0..<officerRandom.number(in: 0...3) { try attempt(workload.nextAct(), at: id) }
    }

    /// An officer acts; what the store refuses changes nothing.
    mutating func attempt(_ act: Workload.Act, at id: NodeID) throws {
        try unlessRefused(at: id) { world in
            try world.perform(act, at: id)
            try world.noteAppended(id)
        }
    }

    /// Does what a node's store may refuse.
    mutating func unlessRefused(at id: NodeID, _ body: (inout World) throws -> Void) throws {
        do { try body(&self) } catch let refusal as StoreRefusal {
            trace.note(time, id, "the store refuses: \(refusal.message)")
        }
    }

    private mutating func perform(_ act: Workload.Act, at id: NodeID) throws {
        let store = self[id].store
        switch act {
        case .issueVouchers(let rows):
            _ = try store.issueVouchers(rows, now: wallClock(id))
        case .file(let rows):
            if try store.logHead().sequence <= 1 {
                _ = try store.issueVouchers(workload.vouchers(), now: wallClock(id))
            }
            let results = try store.fileClaims(rows, now: wallClock(id))
            let entries = try noteAppended(id)
            // A crash here takes the answer away, and leaves the claim.
            if crashes(id, .after) { return }
            acknowledge(results, entries, at: id)
        case .withdraw:
            guard let claim = workload.pick(try store.claimStates()) else { return }
            try store.withdraw(claimNumber: claim.number, reason: "改正", now: wallClock(id))
        case .requestPayment:
            guard let claim = workload.pick(try store.claimStates().filter { $0.state == "reserved" }) else { return }
            try store.take(.request, ofClaim: claim.number, now: wallClock(id))
        case .requestPaymentOf(let number): try store.take(.request, ofClaim: number, now: wallClock(id))
        case .advancePayments: try advancePayments(id)
        case .answer(let answer): try store.answer(answer, now: wallClock(id))
        case .backUp: return try backUp(id)
        }
        queue.add(.session(id, process: self[id].process, .appended), at: time)
    }

    /// The officer sees that the claims are recorded.
    private mutating func acknowledge(_ results: [FilingResult], _ entries: [Entry], at id: NodeID) {
        let recorded = results.filter { $0.outcome == .recorded }
        for (result, entry) in zip(recorded, entries.filter { $0.kind == .claimFiled }) {
            trace.note(time, id, "recorded \(result.number)")
            note(id, .acknowledged(ClaimName(city: self[id].city, number: result.number), EntryFact(entry)))
        }
    }

    private mutating func backUp(_ id: NodeID) throws {
        let disk: SimulatedDisk
        if let old = self[id].backup { disk = old } else { disk = try newDisk() }
        try disk.store.become(self[id].store)
        self[id].backup = disk
        trace.note(time, id, "backed up")
    }

    /// An empty disk, whose ids nobody else makes.
    mutating func newDisk() throws -> SimulatedDisk { try shelf.take(SeededGenerator(seed: nodeRandom.next())) }

    // MARK: Healing

    /// All faults end.
    private mutating func heal() throws {
        isHealing = true
        trace.note(time, .registry, "all faults end")
        registryClock.mend()
        for id in nodes.map(\.id) {
            self[id].link = SimulatedLink()
            self[id].clock.mend()
        }
        dueSuspension = nil
        for code in registry.codes { try reinstate(code) }
        startRegistry()
        queue.add(.look, at: time + 1_000)
    }

    /// Looks, each second, whether everything is quiet; officers mend what does not mend itself.
    mutating func look() throws {
        looks += 1
        for code in registry.codes where code != liar?.code {
            guard let id = try survivor(of: code) else { continue }
            try start(id)
            try reconcile(id)
        }
        if try hasDrained() {
            isQuiet = true
        } else {
            queue.add(.look, at: time + 1_000)
        }
    }

    /// The node that goes on for a city: one that is not stopped, else one that an officer puts right.
    private mutating func survivor(of city: CityCode) throws -> NodeID? {
        let candidates = nodes.filter { $0.city == city && !$0.isRetired }.map(\.id)
        for id in candidates where !self[id].isRunning { try start(id) }
        if candidates.count > 1 { return try chooseAmong(candidates) }
        guard let id = candidates.first else { return nil }
        if self[id].alarm != nil { try repair(id) }
        return id
    }

    /// Of a node and its clone the one goes on that the registry lets.
    private mutating func chooseAmong(_ candidates: [NodeID]) throws -> NodeID? {
        let stopped = candidates.filter { self[$0].alarm != nil }
        if let loser = stopped.first {
            retire(loser)
        } else if looks > 60, let last = candidates.last {
            // Both are quiet, as when neither has said anything since: one is switched off.
            retire(last)
        }
        return nodes.first { $0.city == self[candidates[0]].city && !$0.isRetired }?.id
    }

    private mutating func retire(_ id: NodeID) {
        trace.note(time, id, "retired")
        self[id].stop()
        self[id].isRetired = true
        note(id, .diskLost(self[id].city))
    }

    /// An officer puts a stopped node right: with the store that it has the first time; when that does not help from its
    /// backup, and then with an empty disk.
    private mutating func repair(_ id: NodeID) throws {
        if !self[id].wentOnInPlace {
            self[id].wentOnInPlace = true
            self[id].stop()
            try self[id].store.markRestored()
            trace.note(time, id, "goes on with its store")
            queue.add(.restart(id), at: time + 500)
        } else if let backup = self[id].backup {
            self[id].backup = nil
            try restore(id, from: backup, isMarked: true)
            shelf.putBack(backup)
        } else {
            try rejoin(id)
        }
    }

    /// Puts an old copy of the store in the place of the present one.
    mutating func restore(_ id: NodeID, from copy: SimulatedDisk, isMarked: Bool) throws {
        self[id].stop()
        try self[id].store.become(copy.store)
        if isMarked { try self[id].store.markRestored() }
        self[id].notedThrough = try self[id].store.logHead().sequence
        note(id, .diskLost(self[id].city))
        trace.note(time, id, isMarked ? "restored" : "overwritten by an old copy")
        queue.add(.restart(id), at: time + 500)
    }

    /// The disk is gone: the city joins again on an empty one, with its key or, where that was lost, too, with a new one.
    mutating func rejoin(_ id: NodeID) throws {
        self[id].stop()
        note(id, .diskLost(self[id].city))
        if keyRandom.chance(0.5) {
            self[id].key = RunSecrets.key(keyRandom.number(in: RunSecrets.laterKeys))
            note(.keyChanged, at: id)
        }
        let nonce = nodeRandom.bytes(16)
        try self[id].store.erase()
        self[id].notedThrough = 0
        let (grant, hasFiled) = try registry.join(
            self[id].city, name: self[id].identity.cityName, key: self[id].key.publicKey, processNonce: nonce,
            now: registryTime)
        try self[id].store.establish(
            self[id].identity, epoch: grant.epoch, processNonce: nonce, isRestored: hasFiled)
        trace.note(time, id, "joined again")
        wakeArbiter()
        queue.add(.restart(id), at: time + 500)
    }
}
