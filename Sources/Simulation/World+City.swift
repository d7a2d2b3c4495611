import CityStore
import FederationWire
import Replication
import VoucherDomain

/// A city's service: what it does with the actions of its session. It mirrors the node's own service step by step.
extension World {
    /// Starts a node's process.
    mutating func start(_ id: NodeID) throws {
        guard !self[id].isRunning, !self[id].isRetired else { return }
        nodes[id.rawValue - 1].start(&nodeRandom)
        trace.note(time, id, "started process \(self[id].process)")
        note(id, .started(try World.storeFact(of: self[id])))
        queue.add(.session(id, process: self[id].process, .started), at: time)
    }

    mutating func handle(_ event: CitySession.Event, at id: NodeID) {
        let process = self[id].process
        trace.note(time, id, event.traced)
        for action in self[id].session.handle(event) {
            guard isAlive(id, process) else { return }
            perform(action, at: id)
        }
    }

    private mutating func perform(_ action: CitySession.Action, at id: NodeID) {
        if crashes(id, .before) { return }
        switch action {
        case .hello: attempt(.hello, at: id) { try $0.greet(id) }
        case .push: attempt(.push, at: id) { try $0.push(id) }
        case .pull(let wait): attempt(.feed, at: id) { try $0.pull(id, wait: wait) }
        case .wake(let flow, let delay):
            queue.add(
                .session(id, process: self[id].process, .woke(flow)), at: time + UInt64(delay / .milliseconds(1)))
        case .alarm(let message):
            trace.note(time, id, "alarm: \(message)")
            note(id, .alarm(self[id].city, message))
            self[id].alarm = message
            try? self[id].store.set(alarm: message)
        }
    }

    /// Runs the first part of an exchange; what fails before anything was sent is an event of the session as well.
    private mutating func attempt(_ flow: CitySession.Flow, at id: NodeID, _ body: (inout World) throws -> Void) {
        do { try body(&self) } catch {
            queue.add(
                .session(id, process: self[id].process, .failed(flow, CitySession.Failure(error, in: flow))), at: time)
        }
    }

    func wallClock(_ id: NodeID) -> UInt64 { self[id].clock.now(time) }

    // MARK: Asking

    private mutating func greet(_ id: NodeID) throws {
        let head = try self[id].store.headToCompare(processNonce: self[id].processNonce)
        try compareOrSayHello(head, at: id)
    }

    /// Asks what the registry has of the log after a head; with nothing left to ask, says hello, and what was compared.
    private mutating func compareOrSayHello(_ head: LogHead?, compared: LogHead? = nil, at id: NodeID) throws {
        if let head {
            send(.compare(head), .log, LogRequest(after: head, limit: 1), limit: 60_000, from: id)
        } else {
            let nonce = self[id].processNonce
            sendHello(try self[id].store.prepareHello(processNonce: nonce, compared: compared), from: id)
        }
    }

    private mutating func sendHello(_ hello: Hello, from id: NodeID) {
        send(.hello(hello), .hello, hello, limit: 20_000, from: id)
    }

    private mutating func push(_ id: NodeID) throws {
        let store = self[id].store
        let epoch = try store.session(now: wallClock(id)).epoch
        guard let batch = try store.nextBatch(sessionEpoch: epoch, signer: self[id].key, now: wallClock(id)) else {
            queue.add(.session(id, process: self[id].process, .pushed(unsent: false)), at: time)
            return
        }
        send(.push(batch), .push, batch, limit: 60_000, from: id)
    }

    private mutating func pull(_ id: NodeID, wait: Bool) throws {
        let store = self[id].store
        let request = FeedRequest(
            after: try store.feedHead(), limit: World.pageLimit, wait: wait ? .seconds(25) : .zero,
            sessionEpoch: try store.session(now: wallClock(id)).epoch)
        send(.pull(request), .feed, request, limit: (wait ? 25_000 : 0) + 10_000, from: id)
    }

    /// Entries of a feed page: few, so that pages are cut short.
    private static let pageLimit = 50

    // MARK: Answers

    /// Takes an answer to the node that waits for it, if it still does.
    mutating func deliver(_ reply: Reply, of envelope: Envelope) {
        guard !envelope.isCopy, isAlive(envelope.node, envelope.process) else { return }
        end(envelope.errand, at: envelope.node) { world in
            switch reply {
            case .answer(let bytes): return bytes
            case .refused(let refusal):
                world.trace.note(world.time, envelope.node, "refused \(refusal.kind)")
                throw refusal
            case .cut: throw Unreachable()
            }
        }
    }

    /// Ends an exchange: what came of it is in the store before the session hears of it.
    mutating func end(_ errand: UInt64, at id: NodeID, with answer: (inout World) throws -> [UInt8]) {
        guard let index = self[id].errands.firstIndex(where: { $0.id == errand }) else { return }
        let purpose = self[id].errands.remove(at: index).purpose
        note(id, .answered(purpose.flow))
        if crashes(id, .before) { return }
        let process = self[id].process
        do {
            let bytes = try answer(&self)
            let event = try take(bytes, for: purpose, at: id)
            guard isAlive(id, process), !crashes(id, .after), let event else { return }
            handle(event, at: id)
        } catch {
            if case .hello(let hello) = purpose, let refusal = error as? SimulatedRefusal, refusal.kind == "fenced" {
                let request = LogRequest(after: hello.logHead, limit: 1)
                return send(.holder(hello, refusal), .log, request, limit: 60_000, from: id)
            }
            let failure = CitySession.Failure(error, in: purpose.flow)
            if failure == .sessionLost { note(.sessionLost, at: id) }
            handle(.failed(purpose.flow, failure), at: id)
        }
    }

    private mutating func take(
        _ bytes: [UInt8], for purpose: SimulatedNode.Errand.Purpose, at id: NodeID
    ) throws -> CitySession.Event? {
        switch purpose {
        case .compare(let head):
            let record = try LogPage(bytes, as: .protobuf)
            let next = try self[id].store.compare(record, after: head)
            try compareOrSayHello(next, compared: record.entries.isEmpty ? head : nil, at: id)
            return nil
        case .hello:
            let answer = try HelloAnswer(bytes, as: .protobuf)
            let now = wallClock(id)
            if let fault = HelloReview.clockFault(registryTime: answer.registryTime, sent: now, now: now) {
                throw SimulatedRefusal("clock", fault)
            }
            return try goOn(answer, at: id)
        case .holder(let hello, let refusal):
            let holder = try LogPage(bytes, as: .protobuf)
            guard let next = try self[id].store.hello(after: hello, followingThatOf: holder) else { throw refusal }
            note(.helloFollowed, at: id)
            sendHello(next, from: id)
            return nil
        case .takeBack(let answer):
            let page = try LogPage(bytes, as: .protobuf)
            let key = self[id].identity.registryKey
            let receipts = try page.receipts.map { (receipt: try Receipt($0, by: key), signed: $0) }
            try self[id].store.takeBack(page.entries, receipts)
            note(.tookBack, at: id)
            return try goOn(answer, at: id)
        case .push(let batch): return try received(PushAnswer(bytes, as: .protobuf), of: batch, at: id)
        case .pull(let request): return try apply(FeedAnswer(bytes, as: .protobuf), after: request.after, at: id)
        }
    }

    /// Gets back what a restored store lacks; then compares heads and takes over the grant.
    private mutating func goOn(_ answer: HelloAnswer, at id: NodeID) throws -> CitySession.Event? {
        let node = self[id]
        let grant = try Grant(answer.grant, by: node.identity.registryKey)
        guard grant.city == node.city, grant.processNonce == node.processNonce else {
            throw StoreRefusal(.damaged, "the registry's grant is for another node")
        }
        let isRestored = try node.store.isRestored()
        let head = try node.store.receivedHead()
        if isRestored, head.sequence < answer.logHead.sequence {
            let request = LogRequest(after: head, limit: 2_000)
            send(.takeBack(answer), .log, request, limit: 60_000, from: id)
            return nil
        }
        try node.store.compare(answer.logHead)
        if isRestored { self[id].notedThrough = try node.store.logHead().sequence }
        let late = try node.store.syncState().unseenLate
        try node.store.adopt(grant, software: "simulation", now: wallClock(id), registryTime: answer.registryTime)
        if late > 0 {
            note(.appendedLate, at: id)
            try node.store.noteLateEntriesSeen()
        }
        self[id].alarm = nil
        try noteAppended(id)
        return .greeted(unsent: try node.store.session(now: wallClock(id)).hasUnsent)
    }

    private mutating func received(
        _ answer: PushAnswer, of batch: PushBatch, at id: NodeID
    ) throws -> CitySession.Event {
        let node = self[id]
        let receipt = try Receipt(answer.receipt, by: node.identity.registryKey)
        guard receipt.city == node.city else { throw StoreRefusal(.damaged, "the receipt is another city's") }
        try node.store.store(
            receipt, signed: answer.receipt, reported: batch.seal.feedHead, now: wallClock(id))
        note(id, .receipted(node.city, sequence: receipt.through.sequence, hash: receipt.through.hash))
        return .pushed(unsent: try node.store.session(now: wallClock(id)).hasUnsent)
    }

    private mutating func apply(
        _ page: FeedAnswer, after cursor: FeedHead, at id: NodeID
    ) throws -> CitySession.Event {
        let node = self[id]
        let seal = try feedSeals.read(page.seal)
        if page.entries.isEmpty {
            guard seal.head == cursor else { throw FeedPage.Fault.badSeal }
        } else {
            let entries = try page.entries.map { try feedEntries.read($0) }
            try node.store.apply(
                entries, sealed: seal.head, detailKey: node.identity.detailKey, now: wallClock(id))
            for entry in entries { note(id, .applied(position: entry.entry.position, hash: entry.hash)) }
        }
        if try node.store.session(now: wallClock(id)).hasUnsent {
            queue.add(.session(id, process: node.process, .appended), at: time)
        }
        return .fed(more: page.more)
    }

    /// Notes what was written into the node's log since the last time.
    ///
    /// - Returns: It.
    @discardableResult
    mutating func noteAppended(_ id: NodeID) throws -> [Entry] {
        let entries = try self[id].store.log(after: self[id].notedThrough)
        for entry in entries { note(id, .appended(EntryFact(entry))) }
        if let last = entries.last { self[id].notedThrough = last.sequence }
        return entries
    }
}
