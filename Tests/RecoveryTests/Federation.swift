import FederationWire
import PostgresClient
import RegistryStore
import Replication
import VoucherDomain

/// A whole federation of production stores, driven by one seed: cities, registries that are restored, and the network.
///
/// A run has two phases. In the *safety* phase officers file and misfortune strikes, step by step. Then all faults end, and
/// in the *healing* phase everything must become quiet within a bound.
final class Federation {
    /// Milliseconds since 1970, in 2030: ahead of the database server's clock, which dates the end of a recovery.
    static let start: UInt64 = 1_900_000_000_000

    struct Alarm {
        let city: CityCode
        let why: String
        let isHealing: Bool
    }

    let seed: UInt64
    var now = Federation.start
    var cities: [RunCity] = []
    /// In the order in which they were restored; the last one is the one that is to go on.
    var registries: [RunRegistry] = []
    /// Copies of the newest registry's database, the oldest first.
    var backups: [RunDatabase] = []
    var schedule: SeededGenerator
    var network: SeededGenerator
    var workload: Workload
    var bank = Bank()
    /// What registries have answered, and the number of the one that did.
    var hellos: [(hello: Hello, registry: Int)] = []
    var alarms: [Alarm] = []
    /// What is wrong whatever happens after it.
    var faults: [String] = []
    /// What is not as one would wish, and is as designed.
    var endings: [String] = []
    var isHealing = false
    var isQuiet = false
    var policyVersion = 1
    /// What cities have given back: a run in which it is nothing has tried little.
    var given = (feed: 0, entries: 0)
    /// How often a city went back from a branch that was given up.
    var ways = 0
    /// What happened, for people.
    private(set) var trace: [String] = []

    init(seed: UInt64) async throws {
        self.seed = seed
        var source = SeededGenerator(seed: seed &* 0x9E37_79B9_7F4A_7C15)
        schedule = SeededGenerator(seed: source.next())
        network = SeededGenerator(seed: source.next())
        workload = Workload(random: SeededGenerator(seed: source.next()))
        registries = [try await RunRegistry(1, on: .fresh(), skew: 0, now: now)]
        for _ in 0..<schedule.number(in: 3...5) { try await join() }
        _ = try await newest.decide()
    }

    /// Runs both phases and checks what they have come to.
    func run() async throws {
        try await runSteps()
        isQuiet = try await heal()
        try await check()
    }

    var newest: RunRegistry { registries[registries.count - 1] }
    var living: [RunRegistry] { registries.filter(\.isUp) }

    func note(_ line: @autoclosure () -> String) { trace.append(line()) }

    /// Lets a new city join the newest registry.
    func join() async throws {
        let city = try RunCity(UInt32(cities.count + 1), nonce: schedule.bytes(16))
        let refusal = try await newest.act { store in
            let secret = try await store.enroll(city.code, name: city.name, expiresAt: now + 1_000, now: now)
            let request = JoinRequest(
                city: city.code, secret: secret, publicKey: city.key.publicKey, processNonce: city.processNonce)
            let answer = try await store.join(request, now: now)
            try city.establish(Grant(answer.grant, by: city.registryKey).epoch)
            cities.append(city)
        }
        note("  city \(city.code) \(refusal == nil ? "joined" : "cannot join")")
    }

    // MARK: The network

    /// A request and its answer, each of which may be lost; several living registries are reached at random.
    func exchange<Answer>(
        with city: RunCity, _ body: (RunRegistry) async throws -> Answer
    ) async throws -> Answer {
        let candidates = living
        guard !city.isOffline, let registry = network.pick(candidates) else { throw Unreachable() }
        if loses() { throw Unreachable() }
        let answer = try await body(registry)
        if candidates.count > 1 { note("  (\(city.code) reached registry \(registry.number))") }
        if loses() {
            note("  (an answer to \(city.code) is lost)")
            throw Unreachable()
        }
        return answer
    }

    private func loses() -> Bool { !isHealing && network.chance(0.05) }

    /// What the run has come to, on one line.
    var summary: String {
        """
        \(cities.count) cities, \(registries.count) registries\(registries.contains(where: \.hasBranched) ? ", a branch" : "")\
        , gave \(given.feed) + \(given.entries), went back \(ways), paid \(bank.count)\
        \(cities.contains(where: \.wasAbsent) ? ", absence" : "")\(cities.contains(where: \.wasPutBack) ? ", put back" : "")
        """
    }

    /// Removes the databases.
    func close() async throws {
        for registry in registries { try await registry.drop() }
        for backup in backups { try await backup.drop() }
    }
}
