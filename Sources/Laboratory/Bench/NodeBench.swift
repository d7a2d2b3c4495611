import AsyncHTTPClient
import CityStore
import FederationWire
import Foundation
import Replication
import Terminal
import VoucherDomain

/// What a city's node with many claims of its own costs the machine that it runs on: a real `serve`, first without a network
/// and with nothing decided, then at a registry that has decided everything.
///
/// The claims are filed straight at the store, through the door that the API goes through; the registry decides them as it
/// would.
struct NodeBench {
    /// Claims that the city has filed.
    let claims: Int
    /// How long the node has nothing to do while its processor time is looked at.
    let idle: Duration
    /// How often it is started, and how often each request is made.
    let starts: Int
    let rounds: Int
    /// Whether it is also looked at with a registry.
    let meetsRegistry: Bool

    /// The aims with a million claims.
    static let aim = (readyMilliseconds: 300.0, idleMegabytes: 40.0, idlePercent: 0.5)

    struct Result: Encodable {
        let claims: Int
        let filing_seconds: Double
        let store_megabytes: Double
        let offline: Condition
        let connected: Condition?
        let aim_ready_ms: Double
        let aim_idle_megabytes: Double
        let aim_idle_percent: Double
    }

    /// The node in one condition.
    struct Condition: Encodable {
        /// From the start of the process until it says that it listens, and until it has answered a first request.
        let listening_p50_ms: Double
        let listening_worst_ms: Double
        let answered_p50_ms: Double
        let answered_worst_ms: Double
        /// Parts of the last start: what comes before the program's own code, then as the node's log has them.
        let parts_ms: [String: Double]
        let started: ProcessFigures.Memory
        /// Once it has had nothing to do for a while.
        let idle: ProcessFigures.Memory
        let idle_work: Idle
        let requests: [Request]
        /// Right after the requests, and once it has had nothing to do for a while again.
        let worked: ProcessFigures.Memory
        let idle_again: ProcessFigures.Memory
    }

    /// A time in which nobody asks the node anything.
    struct Idle: Encodable {
        let seconds: Double
        /// Processor time by the system's ticks, in percent of one core; and by its scheduler's clock.
        let processor_percent: Double
        let scheduled_percent: Double
        /// How often a thread was given a core.
        let turns_per_second: Double
        /// The threads that had most of it.
        let busiest: [Thread]

        struct Thread: Encodable {
            let name: String
            let scheduled_percent: Double
            let turns_per_second: Double
        }
    }

    struct Request: Encodable {
        let request: String
        let p50_ms: Double
        let p99_ms: Double
    }

    private static let city = Sample.City(code: "110000", name: "北京市")

    func run() async throws -> Result {
        let federation = try Federation(directory: "/tmp/federation-node-\(getpid())")
        defer {
            federation.stopAll()
            try? FileManager.default.removeItem(atPath: federation.directory)
        }
        guard let city = CityCode(Self.city.code) else { throw Sample.Failure(message: "no city") }
        try await federation.startRegistry()
        try await federation.join(Self.city)
        Output.note("filing \(claims) claims without a network")
        // As many claims a company as in a city that rebuilds its store (`bench rebuild`).
        var generator = ClaimGenerator(seed: 37, cities: [city], enterprises: max(1, min(claims / 4, 20_000)))
        let start = ContinuousClock.now
        try OfflineFiling.file(claims: claims, by: &generator, of: city, in: federation.data(Self.city.code))
        let filing = start.duration(to: .now).seconds
        let size = try storeMegabytes(federation)
        Output.note("looking at the node without a network")
        let offline = try await measure(federation, &generator, city, isOffline: true)
        let connected = meetsRegistry ? try await decide(federation, &generator, city) : nil
        return Result(
            claims: claims, filing_seconds: filing, store_megabytes: size, offline: offline, connected: connected,
            aim_ready_ms: NodeBench.aim.readyMilliseconds, aim_idle_megabytes: NodeBench.aim.idleMegabytes,
            aim_idle_percent: NodeBench.aim.idlePercent)
    }

    /// Has everything decided first.
    private func decide(
        _ federation: Federation, _ generator: inout ClaimGenerator, _ city: CityCode
    ) async throws -> Condition {
        Output.note("sending everything to the registry")
        try await federation.startCity(Self.city.code)
        _ = try await federation.city(Self.city.code, ["status", "--wait", "--timeout", "86400"])
        federation.stopCity(Self.city.code)
        Output.note("looking at the node with the registry")
        return try await measure(federation, &generator, city, isOffline: false)
    }

    private func storeMegabytes(_ federation: Federation) throws -> Double {
        let path = "\(federation.data(Self.city.code))/\(CityStore.fileName)"
        let size = try FileManager.default.attributesOfItem(atPath: path)[.size] as? Int ?? 0
        return Double(size) / Double(1 << 20)
    }

    // MARK: One condition

    private func measure(
        _ federation: Federation, _ generator: inout ClaimGenerator, _ city: CityCode, isOffline: Bool
    ) async throws -> Condition {
        try await HTTPClient.with { client in
            try await measure(federation, client, &generator, city, isOffline: isOffline)
        }
    }

    private func measure(
        _ federation: Federation, _ client: HTTPClient, _ generator: inout ClaimGenerator, _ city: CityCode,
        isOffline: Bool
    ) async throws -> Condition {
        var (listening, answered) = ([Double](), [Double]())
        for round in 1...starts {
            let times = try await start(federation, client, isOffline: isOffline)
            listening.append(times.listening)
            answered.append(times.answered)
            if round < starts { federation.stopCity(Self.city.code) }
        }
        let figures = try federation.figures(ofCity: Self.city.code)
        let started = try figures.memory()
        let parts = try parts(federation, of: listening.last ?? 0)
        // What it does for its start's sake is over.
        try await Task.sleep(for: idle / 10)
        let work = try await watch(figures)
        let memory = try figures.memory()
        let api = try NodeAPI(client: client, directory: federation.data(Self.city.code))
        let requests = try await ask(api, &generator, city)
        let worked = try figures.memory()
        try await Task.sleep(for: idle + idle / 10)
        let again = try figures.memory()
        federation.stopCity(Self.city.code)
        let (listen, answer) = (Percentiles(listening), Percentiles(answered))
        return Condition(
            listening_p50_ms: listen.at(0.5), listening_worst_ms: listen.at(1), answered_p50_ms: answer.at(0.5),
            answered_worst_ms: answer.at(1), parts_ms: parts, started: started, idle: memory, idle_work: work,
            requests: requests, worked: worked, idle_again: again)
    }

    /// Starts the node.
    ///
    /// - Returns: Milliseconds until it says that it listens, and until it has answered.
    private func start(
        _ federation: Federation, _ client: HTTPClient, isOffline: Bool
    ) async throws -> (listening: Double, answered: Double) {
        let start = ContinuousClock.now
        // With a log that tells how long the parts take.
        try await federation.startCity(
            Self.city.code, isOffline ? ["--registry", "https://127.0.0.1:1"] : [],
            words: ["/usr/bin/env", "LOG_LEVEL=info"], death: nil)
        let listening = start.duration(to: .now) / .milliseconds(1)
        try await NodeAPI(client: client, directory: federation.data(Self.city.code)).get("/v1/claims?limit=1")
        return (listening, start.duration(to: .now) / .milliseconds(1))
    }

    /// The parts of the last start, in milliseconds.
    private func parts(_ federation: Federation, of listening: Double) throws -> [String: Double] {
        let log = try String(contentsOfFile: "\(federation.data(Self.city.code)).log", encoding: .utf8)
        let line = log.split(separator: "\n").last { $0.contains("start.listen.us=") } ?? ""
        var parts: [String: Double] = [:]
        for match in line.matches(of: /start\.([a-z]+)\.us=([0-9]+)/) {
            parts[String(match.output.1)] = (Double(match.output.2) ?? 0) / 1_000
        }
        guard parts.count == 3 else { throw Sample.Failure(message: "the node's log tells not how it started") }
        parts["program"] = listening - parts.values.reduce(0, +)
        return parts
    }

    /// Looks on while the node has nothing to do.
    private func watch(_ figures: ProcessFigures) async throws -> Idle {
        let before = try figures.work()
        let start = ContinuousClock.now
        try await Task.sleep(for: idle)
        let seconds = start.duration(to: .now).seconds
        let after = try figures.work()
        let threads = after.threads.map { name, work in
            let known = before.threads[name] ?? (seconds: 0, turns: 0)
            return Idle.Thread(
                name: name, scheduled_percent: (work.seconds - known.seconds) / seconds * 100,
                turns_per_second: Double(work.turns - known.turns) / seconds)
        }.sorted { ($0.scheduled_percent, $0.name) > ($1.scheduled_percent, $1.name) }
        return Idle(
            seconds: seconds, processor_percent: (after.ticked - before.ticked) / seconds * 100,
            scheduled_percent: threads.reduce(0) { $0 + $1.scheduled_percent },
            turns_per_second: threads.reduce(0) { $0 + $1.turns_per_second }, busiest: Array(threads.prefix(5)))
    }

    // MARK: Requests

    private func ask(
        _ api: NodeAPI, _ generator: inout ClaimGenerator, _ city: CityCode
    ) async throws -> [Request] {
        var random = SeededGenerator(seed: 41)
        func serial() -> Int { Int.random(in: 1...claims, using: &random) }
        var requests: [Request] = []
        requests.append(
            try await timed("file a claim") {
                guard let claim = generator.claim(city: city) else { throw Sample.Failure(message: "no claim") }
                try await api.post("/v1/claims", ClaimForm(claim).filled)
            })
        requests.append(try await timed("one claim") { try await api.get("/v1/claims/\(city)-C\(serial())") })
        requests.append(
            try await timed("a claim by its number") { try await api.get("/v1/claims?q=\(city)-C\(serial())") })
        requests.append(
            try await timed("the newest 100") { try await api.get("/v1/claims?order=newest&limit=100") })
        requests.append(
            try await timed("100 from anywhere") { try await api.get("/v1/claims?limit=100&after=\(serial() - 1)") })
        requests.append(
            try await timed("check a claim") {
                guard let claim = generator.claim(city: city) else { throw Sample.Failure(message: "no claim") }
                try await api.post(
                    "/v1/checks",
                    CheckRequestDocument(
                        enterprise_uscc: claim.enterprise.rawValue, provider_uscc: claim.provider.rawValue,
                        contract_no: claim.contract.rawValue, invoices: claim.invoices.map(\.number.text),
                        city_code: nil))
            })
        requests.append(try await timed("where replication stands") { try await api.get("/v1/sync") })
        return requests
    }

    private func timed(_ name: String, _ body: () async throws -> Void) async throws -> Request {
        var times: [Double] = []
        for _ in 0..<rounds {
            let start = ContinuousClock.now
            try await body()
            times.append(start.duration(to: .now) / .milliseconds(1))
        }
        let percentiles = Percentiles(times)
        return Request(request: name, p50_ms: percentiles.at(0.5), p99_ms: percentiles.at(0.99))
    }
}
