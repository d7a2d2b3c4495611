import CityStore
import Failpoints
import FederationHTTP
import FederationWire
import Foundation
import Logging
import Metrics
import Replication
import ServiceLifecycle

/// Drives the city's replication session: one loop, one event at a time; each action runs as a task that ends in
/// one event. What an action changes is in the store before its event is handled.
struct SyncService: Service {
    private let store: CityStore
    private let identity: NodeIdentity
    private let client: RegistryClient
    private let key: SigningKey
    private let status: NodeStatus
    private let logger: Logger
    private let processNonce: [UInt8]
    private let events: AsyncStream<CitySession.Event>
    private let continuation: AsyncStream<CitySession.Event>.Continuation

    /// How long the registry may hold a feed request.
    private static let feedWait = Duration.seconds(25)

    init(
        store: CityStore, identity: NodeIdentity, client: RegistryClient, key: SigningKey, status: NodeStatus,
        logger: Logger
    ) {
        self.store = store
        self.identity = identity
        self.client = client
        self.key = key
        self.status = status
        self.logger = logger
        var generator = SystemRandomNumberGenerator()
        processNonce = EntryID(using: &generator).rawValue
        // Unbounded, but at most a handful wait: one for each action under way, and appends are dropped into one.
        (events, continuation) = AsyncStream.makeStream(bufferingPolicy: .unbounded)
    }

    /// Says that the local log grew.
    func ring() { continuation.yield(.appended) }

    func run() async throws {
        continuation.yield(.started)
        await cancelWhenGracefulShutdown {
            var generator = SystemRandomNumberGenerator()
            var session = CitySession(seed: generator.next())
            await withDiscardingTaskGroup { group in
                for await event in events {
                    for action in session.handle(event) {
                        group.addTask { if let event = await perform(action) { continuation.yield(event) } }
                    }
                    let isConnected = session.isConnected
                    status.update { values in
                        values.isConnected = isConnected
                        if isConnected { values.lastError = nil }
                    }
                }
                group.cancelAll()
            }
        }
        await client.shutdown()
    }

    private func perform(_ action: CitySession.Action) async -> CitySession.Event? {
        switch action {
        case .hello: return await attempt(.hello) { try await greet() }
        case .push: return await attempt(.push) { try await push() }
        case .pull(let wait): return await attempt(.feed) { try await pull(wait: wait) }
        case .wake(let flow, let delay):
            try? await Task.sleep(for: delay)
            return .woke(flow)
        case .alarm(let message):
            logger.error("replication has stopped", metadata: ["alarm": "\(message)"])
            status.update { $0.alarm = message }
            // A disk that fails cannot keep it; the file is then read with care anyway.
            do { try store.set(alarm: message) } catch { logger.error("the alarm is not kept: \(error)") }
            return nil
        }
    }

    private func attempt(
        _ flow: CitySession.Flow, _ body: () async throws -> CitySession.Event
    ) async -> CitySession.Event {
        let start = ContinuousClock.now
        do {
            let event = try await body()
            Metrics.Timer(label: "city_node.exchange", dimensions: [("flow", "\(flow)")]).record(
                duration: start.duration(to: .now))
            return event
        } catch {
            Counter(label: "city_node.exchange_failures", dimensions: [("flow", "\(flow)")]).increment()
            let (failure, message) = SyncFailure.classify(error, in: flow)
            if !Task.isCancelled {
                logger.debug("a request failed", metadata: ["flow": "\(flow)", "error": "\(message)"])
                status.update { $0.lastError = message }
            }
            return .failed(flow, failure)
        }
    }

    // MARK: The three requests

    private func greet() async throws -> CitySession.Event {
        let answer: HelloAnswer
        let sent: UInt64
        do {
            let compared = try await compareRecord()
            sent = WallClock.now
            answer = try await sayHello(compared)
        } catch let refusal as RegistryClient.Refusal {
            guard RegistryRefill.kinds.contains(refusal.kind), try await refill.run() else { throw refusal }
            throw RegistryRefill.recovering
        }
        Failpoint.reach(.helloAnswered)
        if let fault = HelloReview.clockFault(
            registryTime: answer.registryTime, sent: sent, now: WallClock.now)
        {
            throw RegistryClient.Refusal(status: 0, kind: "clock", detail: fault, retryAfter: nil)
        }
        let grant = try Grant(answer.grant, by: identity.registryKey)
        guard grant.city == identity.city, grant.processNonce == processNonce else {
            throw StoreRefusal(.damaged, "the registry's grant is for another node")
        }
        let promise = try max(store.promisedIncarnation(), store.session(now: WallClock.now).epoch.incarnation)
        guard grant.epoch.incarnation >= promise else {
            // A registry that another one has outrun is told so, and begins anew above both.
            guard try await !refill.run() else { throw RegistryRefill.recovering }
            throw RegistryClient.Refusal(
                status: 0, kind: "old-registry",
                detail: "incarnation \(grant.epoch.incarnation) of the registry answers, and \(promise) has begun: the "
                    + "registry's operator must stop the old server", retryAfter: 15)
        }
        if try answer.logHead.sequence < store.progress().receivedThrough {
            // It gave a receipt for more. A registry that has gone on without this city is to receive the rest once more.
            guard try await !refill.run() else { throw RegistryRefill.recovering }
            if try !store.sendAgain(after: answer.logHead, to: grant.epoch.incarnation) {
                logger.warning(
                    "the answer to the greeting contradicts the registry's own receipts, and is not believed",
                    metadata: ["entry": "\(answer.logHead.sequence)"])
            }
        }
        if try store.isRestored() { try await takeBack(through: answer.logHead) }
        try store.compare(answer.logHead)
        try store.adopt(
            grant, software: CityNodeCommand.version, now: WallClock.now, registryTime: answer.registryTime,
            keyUntil: answer.keyUntil)
        logger.notice("greeted by the registry", metadata: ["epoch": "\(grant.epoch.counter)"])
        return .greeted(unsent: try store.session(now: WallClock.now).hasUnsent)
    }

    /// Before the first hello of a process: stops a store that another one of the city has outrun, and leaves that one
    /// alone.
    ///
    /// - Returns: The registry's head of this log that was compared; `nil` where nothing could be.
    private func compareRecord() async throws -> LogHead? {
        var head = try store.headToCompare(processNonce: processNonce)
        while let after = head {
            let record: LogPage
            do {
                record = try await client.log(LogRequest(after: after, limit: 1))
            } catch let refusal as RegistryClient.Refusal where refusal.kind == "diverged" {
                // It contradicts its own receipt: an old server, perhaps, which is told so when it refuses the hello.
                return nil
            }
            head = try store.compare(record, after: after)
            if record.entries.isEmpty { return after }
        }
        return nil
    }

    /// Says hello, and again whenever another epoch was granted than this store remembers and that one is its own to follow.
    private func sayHello(_ compared: LogHead?) async throws -> HelloAnswer {
        var hello = try store.prepareHello(processNonce: processNonce, compared: compared)
        while true {
            Failpoint.reach(.helloUnsent)
            do { return try await client.hello(hello) } catch let refusal as RegistryClient.Refusal {
                guard refusal.kind == "fenced" else { throw refusal }
                let holder = try await client.log(LogRequest(after: hello.logHead, limit: 1))
                guard let next = try store.hello(after: hello, followingThatOf: holder) else { throw refusal }
                hello = next
            }
        }
    }

    private var refill: RegistryRefill {
        RegistryRefill(store: store, identity: identity, client: client, key: key, logger: logger)
    }

    /// Gets back from the registry what a restored store lacks of the city's own log, or has otherwise.
    private func takeBack(through end: LogHead) async throws {
        func ask(after head: LogHead) async throws -> LogPage? {
            head.sequence < end.sequence ? try await client.log(LogRequest(after: head, limit: 2_000)) : nil
        }
        var answer = try await ask(after: store.receivedHead())
        while let page = answer {
            // The next page is on its way while this one is written.
            async let next = ask(after: page.entries.last?.head ?? end)
            let receipts = try page.receipts.map { (receipt: try Receipt($0, by: identity.registryKey), signed: $0) }
            try store.takeBack(page.entries, receipts)
            let reached = try store.receivedHead().sequence
            logger.notice("got back from the registry", metadata: ["entry": "\(reached) of \(end.sequence)"])
            answer = try await next
        }
    }

    private func push() async throws -> CitySession.Event {
        let epoch = try store.session(now: WallClock.now).epoch
        guard let batch = try store.nextBatch(sessionEpoch: epoch, signer: key, now: WallClock.now) else {
            return .pushed(unsent: false)
        }
        Failpoint.reach(.pushUnsent)
        let answer = try await client.push(batch)
        Failpoint.reach(.pushAnswered)
        let receipt = try Receipt(answer.receipt, by: identity.registryKey)
        guard receipt.city == identity.city else { throw StoreRefusal(.damaged, "the receipt is another city's") }
        for case .rejected(let reason) in answer.answers {
            logger.warning("the registry rejected an entry", metadata: ["reason": "\(reason)"])
        }
        try store.store(receipt, signed: answer.receipt, reported: batch.seal.feedHead, now: WallClock.now)
        return .pushed(unsent: try store.session(now: WallClock.now).hasUnsent)
    }

    private func pull(wait: Bool) async throws -> CitySession.Event {
        let cursor = try store.feedHead()
        let page = try await client.feed(
            FeedRequest(
                after: cursor, limit: 2_000, wait: wait ? SyncService.feedWait : .zero,
                sessionEpoch: try store.session(now: WallClock.now).epoch))
        Failpoint.reach(.pageAnswered, when: !page.entries.isEmpty)
        let seal = try FeedSeal(page.seal, by: identity.registryKey)
        if page.entries.isEmpty {
            guard seal.head == cursor else { throw FeedPage.Fault.badSeal }
            try store.keep(feedSeal: page.seal, of: cursor)
        } else {
            let entries = try page.entries.map { try FeedCoding.decode($0) }
            try store.apply(
                entries, sealed: seal.head, seal: page.seal, detailKey: identity.detailKey, now: WallClock.now)
        }
        if try store.session(now: WallClock.now).hasUnsent { ring() }
        return .fed(more: page.more)
    }
}

/// Tells failures that pass from those that do not.
enum SyncFailure {
    /// What the session is told, and a sentence for the officer.
    static func classify(_ error: any Error, in flow: CitySession.Flow) -> (CitySession.Failure, String) {
        switch error {
        case let refusal as RegistryClient.Refusal
        where flow != .hello && CitySession.Failure.sessionEndingKinds.contains(refusal.kind):
            return (.sessionLost, refusal.detail)
        case let refusal as RegistryClient.Refusal:
            let patience = refusal.retryAfter.map { Duration.seconds($0) }
            return (.init(refusal: refusal.kind, refusal.detail, retryAfter: patience), refusal.detail)
        case let refusal as StoreRefusal: return (.refused(refusal.message), refusal.message)
        case let unreachable as RegistryClient.Unreachable: return (.unreachable, unreachable.message)
        case let fault as FeedPage.Fault: return (.refused(fault.message), fault.message)
        case let fault as WireFault: return (.unreachable, "the registry's answer cannot be read: \(fault.message)")
        default:
            if error.isDiskFailure {
                return (
                    .refused("the disk fails: \(error); stop the node, check the disk, then run city-node log verify"),
                    "the disk fails: \(error)"
                )
            }
            if error.isDiskFull { return (.busy(retryAfter: .seconds(5)), "cannot save, disk full: free some space") }
            return (.unreachable, "the registry is not reached: \(error)")
        }
    }
}
