import Failpoints
import Foundation
import Simulation

/// One federation of real processes that lives through one fault after the other, while its officers work.
///
/// After each fault everything must come to rest by itself, and what all clients have seen since the beginning is held
/// against the invariants.
struct Drill {
    let federation: Federation
    private let say: @Sendable (String) -> Void
    var officers: Officers
    private var found: Set<Violation> = []
    /// How many cities were chosen to fail.
    private var victims = 0
    private(set) var report = DrillReport()

    /// How long to work at most until a fault has occurred, and until all is quiet after it.
    static let patience = Duration.seconds(90)

    static let cities = [("110000", "北京市"), ("310000", "上海市"), ("330100", "杭州市")].map {
        Sample.City(code: $0.0, name: $0.1)
    }

    init(federation: Federation, officers: Officers, say: @escaping @Sendable (String) -> Void) {
        self.federation = federation
        self.officers = officers
        self.say = say
    }

    var history: ClientHistory { officers.history }

    // MARK: Before and after

    /// Starts everything: a registry with a dwell of two seconds, three cities, vouchers.
    func prepare() async throws {
        say("starting a registry and \(Self.cities.count) cities")
        try await federation.startRegistry()
        for city in Self.cities { try await federation.join(city) }
        try await publishQuickPayments()
        for city in Self.cities { try await federation.startCity(city.code) }
        try await officers.issueVouchers()
    }

    private func publishQuickPayments() async throws {
        var inForce: Data?
        try await wait("the first policy") {
            inForce = try? await federation.registry(["policy", "show", "--json"])
            return inForce != nil
        }
        var policy = try inForce.flatMap { try JSONSerialization.jsonObject(with: $0) as? [String: Any] } ?? [:]
        policy["version"] = (policy["version"] as? Int ?? 0) + 1
        policy["payments"] = ["dwell_seconds": 2, "witness_cities": 1]
        let file = "\(federation.directory)/policy.json"
        try JSONSerialization.data(withJSONObject: policy).write(to: URL(fileURLWithPath: file))
        _ = try await federation.registry(["policy", "publish", file])
    }

    /// Folds everything again, and verifies every log.
    mutating func finish() async throws {
        let start = ContinuousClock.now
        say("auditing")
        officers.history.add(.began(fault: "audit"))
        var audits: [(what: String, result: (agrees: Bool, said: String))] = []
        for verb in ["verify", "recompute"] {
            audits.append(("audit \(verb)", await Self.audit { try await federation.registry(["audit", verb]) }))
        }
        for city in officers.cities {
            audits.append(("log of \(city)", await Self.audit { try await federation.city(city, ["log", "verify"]) }))
        }
        for (what, result) in audits {
            officers.history.add(.audited(what: what, agrees: result.agrees, said: result.said))
        }
        let said = audits.map { "\($0.what): \($0.result.said)" }
        add("", "none", "everything audited", said.joined(separator: "; "), since: start)
        report.claims = Set(history.asked.map(\.name)).count
        report.payments = history.paidClaims
        report.requestsRepeated = officers.repeated
    }

    private static func audit(_ body: () async throws -> Data) async -> (agrees: Bool, said: String) {
        do {
            let text = String(decoding: try await body(), as: UTF8.self)
            return (text.contains("all agree"), text.trimmingCharacters(in: .whitespacesAndNewlines))
        } catch { return (false, DemoCommand.explain(error)) }
    }

    // MARK: One fault

    /// Brings a fault about, lets everything come to rest, and looks at what is left.
    ///
    /// - Parameter round: How often this fault was met before.
    mutating func run(_ fault: DrillFault, round: Int) async throws {
        if let obstacle = fault.obstacle {
            say("\(fault.name) skipped: \(obstacle)")
            if round == 0 { report.skipped.append("\(fault.name): \(obstacle)") }
            return
        }
        say("\(fault.name)\(round == 0 ? "" : " (round \(round + 1))")")
        let start = ContinuousClock.now
        officers.history.add(.began(fault: fault.name))
        let course: Course
        switch fault {
        case .kill(let point): course = try await kill(Death(at: point, round: round))
        case .databaseStop: course = try await stopDatabase()
        case .commitCut(let cut): course = try await cutCommit(cut)
        case .partition(let manner): course = try await partition(manner)
        case .clock(let clock): course = try await mistakeTime(clock)
        case .registryLoss(let loss): course = try await loseRegistry(loss)
        case .standbyPromoted: course = try await promoteStandby()
        case .cityRestored: course = try await restoreCity()
        case .cityCopied: course = try await resumeCopy()
        case .cable: course = try await pullCable()
        case .cityDisk: course = try await fillDisk(of: nextVictim())
        case .databaseDisk: course = try await fillDisk(of: nil)
        }
        officers.history.add(.ended(fault: fault.name, occurred: course.hasOccurred))
        let over = ContinuousClock.now
        try await comeToRest()
        let quiet = over.duration(to: .now)
        add(fault.id, fault.name, course.done, "\(course.seen), quiet \(Self.text(quiet)) later", since: start)
        try await course.afterwards()
    }

    /// How a fault went.
    struct Course {
        let hasOccurred: Bool
        let done: String
        let seen: String
        /// Puts back, once all is quiet, what the fault needed to be otherwise.
        var afterwards: () async throws -> Void = {}
    }

    private mutating func add(
        _ id: String, _ fault: String, _ done: String, _ seen: String, since start: ContinuousClock.Instant
    ) {
        let violations = ClientCheck.violations(in: history).filter { !found.contains($0) }
        found.formUnion(violations)
        for violation in violations { say("  BROKEN \(violation)") }
        report.rows.append(
            DrillReport.Row(
                id: id, fault: fault, done: done, seen: seen, violations: violations.map(\.description),
                seconds: start.duration(to: .now) / .seconds(1)))
    }

    static func text(_ duration: Duration) -> String { String(format: "%.1f s", duration / .seconds(1)) }

    // MARK: Steps that faults have in common

    mutating func nextVictim() -> String {
        victims += 1
        return officers.cities[victims % officers.cities.count]
    }

    func stop(_ city: String?) {
        if let city { federation.stopCity(city, signal: SIGKILL) } else { federation.stopRegistry(signal: SIGKILL) }
    }

    func start(_ city: String?, _ death: Death? = nil) async throws {
        if let city {
            try await federation.startCity(city, death: death)
        } else {
            try await federation.startRegistry(death: death)
        }
    }

    /// A little of everything that officers do.
    mutating func work(_ round: Int) async throws {
        if round < 2 || round.isMultiple(of: 10) { try await officers.file() }
        await officers.pay()
        try await Task.sleep(for: .milliseconds(50))
    }

    func wait(_ what: String, _ condition: () async throws -> Bool) async throws {
        let deadline = ContinuousClock.now + Self.patience
        while try await !condition() {
            guard ContinuousClock.now < deadline else {
                throw Federation.Failure(message: "\(what) did not come within \(Self.patience)")
            }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Waits until a city is connected; when it does not come, its own word is in the error.
    func awaitConnection(of city: String, _ place: String) async throws {
        do {
            try await wait("city \(city) \(place)") { await officers.standing(of: city)?.connected == true }
        } catch let failure as Federation.Failure {
            let said = await officers.standing(of: city)?.last_error
            throw Federation.Failure(message: "\(failure.message); it says: \(said ?? "nothing")")
        }
    }
}

extension ClientHistory {
    fileprivate var asked: [ClaimContent] {
        observations.compactMap { if case .asked(let claim) = $0 { claim } else { nil } }
    }

    /// How many claims the bank has paid.
    fileprivate var paidClaims: Int {
        Set(observations.compactMap { if case .paid(let claim, _, _) = $0 { claim } else { nil } }).count
    }
}
