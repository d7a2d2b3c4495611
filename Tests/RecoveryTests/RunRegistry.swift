import FederationWire
import PostgresClient
import RegistryStore
import Replication
import Simulation
import VoucherDomain

/// A registry's server on a database of its own: what it answers to requests, and its arbiter.
final class RunRegistry {
    /// Counts the registries of a run.
    let number: Int
    /// How far its clock is from the others', in milliseconds.
    private let skew: Int64
    private var database: RunDatabase
    private(set) var store: RegistryStore
    private var arbiter: Arbiter
    private var lastTick: UInt64
    /// The end of its feed when it was made or restored.
    let firstHead: FeedHead
    /// Whether anybody reaches it.
    var isUp = true
    /// Whether it was restored and does not know it yet.
    private var isUnaware: Bool
    /// Whether it has granted, received or decided anything before it was found out that it had been restored.
    private(set) var hasBranched = false
    /// Positions that the guard held, and entries that could not be stored: there must be none.
    private(set) var alarms: [String] = []

    init(_ number: Int, on database: RunDatabase, skew: Int64, now: UInt64, isUnaware: Bool = false) async throws {
        self.number = number
        self.database = database
        self.skew = skew
        self.isUnaware = isUnaware
        lastTick = now
        (store, arbiter) = RunRegistry.open(database)
        firstHead = try await store.feedHead()
    }

    private static func open(_ database: RunDatabase) -> (RegistryStore, Arbiter) {
        let store = RegistryStore(pool: PostgresPool(url: database.url, size: 2), secrets: RunSecrets.registry)
        return (store, Arbiter(store: store))
    }

    private func clock(_ now: UInt64) -> UInt64 { UInt64(Int64(now) + skew) }

    /// Copies the database as it stands; the server goes on with new connections.
    func backUp() async throws -> RunDatabase {
        let copy = try await database.copy()
        (store, arbiter) = RunRegistry.open(database)
        return copy
    }

    func drop() async throws { try await database.drop() }

    // MARK: Requests

    /// Lets in what a city asks, as the gate does, and turns refusals into the kinds of problem documents.
    private func admit<Answer>(
        _ city: CityCode, givesBack: Bool = false, _ body: () async throws -> Answer
    ) async throws -> Answer {
        do {
            guard let credentials = try await store.credentials(of: city) else {
                try await store.requireOpen()
                throw Refusal("unknown-city", "city \(city) has not joined")
            }
            if credentials.isSuspended {
                let isAwaited = givesBack ? try await store.isRecovering() : false
                if !isAwaited {
                    try await store.requireOpen()
                    throw Refusal("suspended", "city \(city) is suspended")
                }
            }
            return try await body()
        } catch { throw try Refusal(error) }
    }

    func hello(_ hello: Hello, now: UInt64) async throws -> HelloAnswer {
        let answer = try await admit(hello.city) {
            try await store.greet(Hello(hello.encoded(as: .protobuf), as: .protobuf), now: clock(now))
        }
        noteWriting()
        return answer
    }

    func push(_ batch: PushBatch, from city: CityCode, now: UInt64) async throws -> PushAnswer {
        let answer = try await admit(city) {
            try await store.receive(
                PushBatch(batch.encoded(as: .protobuf), as: .protobuf), from: city, now: clock(now))
        }
        noteWriting()
        return answer
    }

    func feed(_ request: FeedRequest, to city: CityCode, now: UInt64) async throws -> FeedAnswer {
        try await admit(city) { try await store.feed(request, city: city, now: clock(now)) }
    }

    func log(_ request: LogRequest, of city: CityCode) async throws -> LogPage {
        try await admit(city) { try await store.ownLog(request, of: city) }
    }

    func present(_ presentation: Presentation, now: UInt64) async throws -> RecoveryStanding {
        let standing = try await admit(presentation.city, givesBack: true) {
            try await store.present(
                Presentation(presentation.encoded(as: .protobuf), as: .protobuf), now: clock(now))
        }
        if standing.incarnation > 0 { isUnaware = false }
        return standing
    }

    func refill(_ page: RefillPage, from city: CityCode, now: UInt64) async throws -> RecoveryStanding {
        try await admit(city, givesBack: true) {
            try await store.refill(
                RefillPage(page.encoded(as: .protobuf), as: .protobuf), from: city, now: clock(now))
        }
    }

    // MARK: Operators

    /// An act of the operators, who try again later where the registry recovers.
    ///
    /// - Returns: Why it is refused; `nil` when it is done.
    func act(_ body: (RegistryStore) async throws -> Void) async throws -> RegistryRefusal? {
        do {
            try await body(store)
            noteWriting()
            return nil
        } catch let refusal as RegistryRefusal { return refusal }
    }

    private func noteWriting() { if isUnaware { hasBranched = true } }

    // MARK: Deciding

    /// Decides what waits, as the arbiter's service does.
    ///
    /// - Returns: How many entries, and what stopped it.
    func decide() async throws -> (count: Int, trouble: String?) {
        var count = 0
        do {
            guard try await arbiter.acquire() else { return (0, "another arbiter") }
            while true {
                let report = try await arbiter.decide()
                count += report.decided
                alarms += report.guarded.map { "the guard held position \($0)" } + [report.poison].compactMap { $0 }
                if report.more { continue }
                guard try await store.followBranches(now: clock(lastTick)) else { break }
            }
        } catch {
            await arbiter.release()
            arbiter = Arbiter(store: store)
            if let refusal = error as? RegistryRefusal, refusal.code == .diverged {
                try await store.note(recoveryProblem: refusal.message)
            }
            return (count, "\(error)")
        }
        if count > 0 { noteWriting() }
        return (count, nil)
    }

    /// - Returns: Whether a tick was appended.
    func tick(now: UInt64) async throws -> Bool {
        let report = try await store.tickIfDue(now: clock(now), sinceLast: Int64(now - lastTick))
        alarms += report.strangers.map { "city \($0) has sealed a feed head that is not on this feed" }
        if report.isAppended {
            lastTick = now
            noteWriting()
        }
        return report.isAppended
    }
}
