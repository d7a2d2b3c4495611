import Foundation
import Terminal
import VoucherDomain

/// Runs the sample through a federation of real processes and shows what came of it.
struct Demonstration {
    let sample: Sample
    let federation: Federation
    /// Cities that file while they cannot reach the registry.
    let offline: Set<String>
    /// Whether the directory held a federation before.
    let resumes: Bool

    struct Disagreement: Error {}

    /// Everything up to the tables; the processes stay up.
    func run() async throws {
        try await play()
        try await report()
    }

    /// Starts all processes, imports everything, and waits until every claim is decided and applied.
    func play() async throws {
        let cities = sample.cities
        step("starting the national registry (PostgreSQL in \(federation.directory)/registry)")
        try await federation.startRegistry()
        if !resumes {
            step("enrolling and joining \(cities.count) cities")
            try await eachCity("joined") { try await federation.join($0) }
        }
        try await importRegister()
        step("starting \(cities.count) city nodes")
        try await eachCity("started") { try await federation.startCity($0.code, offline: offline.contains($0.code)) }
        step("importing vouchers and claims in all cities at once")
        try await eachCity("imported") { city in
            try await federation.importFile(city.code, "vouchers", "\(sample.directory)/\(city.code)/vouchers.csv")
            try await federation.importFile(city.code, "claims", "\(sample.directory)/\(city.code)/claims.csv")
        }
        let online = cities.filter { !offline.contains($0.code) }
        step("waiting until every claim is decided and applied")
        try await settle(online)
        try await reconnectOffline()
    }

    /// Every claim of every city, as its node shows it.
    func claims() async throws -> [DecidedClaim] {
        var claims: [DecidedClaim] = []
        for city in sample.cities { claims += try await federation.claims(of: city.code) }
        return claims
    }

    /// What the registry itself is given: the ownership file and the list of providers, where the sample has them.
    private func importRegister() async throws {
        for (verb, file) in [("company", "companies.csv"), ("provider", "providers.csv")] {
            let path = "\(sample.directory)/\(file)"
            guard FileManager.default.fileExists(atPath: path) else { continue }
            step("importing \(file) at the registry")
            _ = try await federation.registry([verb, "import", path])
        }
    }

    private func step(_ text: String) { Output.note("==> \(text)") }

    private func eachCity(_ verb: String, _ body: @escaping @Sendable (Sample.City) async throws -> Void) async throws {
        let bar = ProgressBar(verb, total: sample.cities.count)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for city in sample.cities { group.addTask { try await body(city) } }
            var done = 0
            for try await _ in group {
                done += 1
                bar.show(done)
            }
        }
        bar.finish()
    }

    private func settle(_ cities: [Sample.City]) async throws {
        // A large set takes its time: a claim a millisecond is slow.
        let seconds = 180 + sample.labels.count / 1_000
        try await withThrowingTaskGroup(of: Void.self) { group in
            for city in cities {
                group.addTask {
                    _ = try await federation.city(city.code, ["status", "--wait", "--timeout", "\(seconds)"])
                }
            }
            try await group.waitForAll()
        }
    }

    private func reconnectOffline() async throws {
        guard !offline.isEmpty else { return }
        for code in offline.sorted() {
            let claims = try await federation.claims(of: code, state: "recorded")
            Output.line("city \(code) is cut off: \(claims.count) claims are recorded there and nowhere else")
        }
        step("reconnecting \(offline.sorted().joined(separator: ", "))")
        for code in offline.sorted() {
            federation.stopCity(code)
            try await federation.startCity(code)
        }
        try await settle(sample.cities.filter { offline.contains($0.code) })
        // What the others applied may now have grown.
        try await settle(sample.cities)
    }

    private func report() async throws {
        var claims: [DecidedClaim] = []
        var table = TextTable(
            ["city", "", "filed", "reserved", "refused", "held", "invalid", "yuan refused"],
            rightAligned: [2, 3, 4, 5, 6, 7])
        for city in sample.cities {
            let own = try await federation.claims(of: city.code)
            claims += own
            table.add([city.code, city.name] + Demonstration.figures(own))
        }
        table.add(["", "all cities"] + Demonstration.figures(claims))
        Output.line("\n" + table.text + "\n")
        try await reportDuplicates()
        let evaluation = Evaluation(sample.labels, claims)
        reportAgreement(evaluation)
        Output.line(String(decoding: try await federation.registry(["audit", "recompute"]), as: UTF8.self))
        Output.line("Where to look next / 下一步:")
        Output.line("  a refusal explained   city-node claim list --state refused, then city-node claim show NO")
        Output.line("  the nation's view     national-registry duplicates; national-registry claim show CITY/NO")
        Output.line("  keep it running       federation-lab demo --keep DIR; later federation-lab demo --resume DIR")
        guard evaluation.isMet else { throw Disagreement() }
    }

    private static func figures(_ claims: [DecidedClaim]) -> [String] {
        func count(_ state: String) -> String { String(claims.count { $0.state == state }) }
        let refused = claims.filter { $0.state == "refused" }.map { Money(rawValue: $0.claimedFen) }.total ?? .zero
        return [
            String(claims.count), count("reserved"), count("refused"), count("held"), count("invalid"), refused.yuan,
        ]
    }

    private func reportDuplicates() async throws {
        struct List: Decodable {
            struct Item: Decodable {
                let rule: String
                let claims: [DecidedClaim.Reason.Blocking]
                let claimed_yuan: String
            }
            let items: [Item]
        }
        let items = try JSONDecoder().decode(List.self, from: try await federation.registry(["duplicates", "--json"]))
            .items
        var table = TextTable(["rule", "duplicates", "claims", "yuan stopped"], rightAligned: [1, 2, 3])
        for (rule, found) in Dictionary(grouping: items, by: \.rule).sorted(by: { $0.key < $1.key }) {
            let yuan = found.compactMap { Money(yuan: $0.claimed_yuan) }.total ?? .zero
            table.add([rule, String(found.count), String(found.reduce(0) { $0 + $1.claims.count }), yuan.yuan])
        }
        Output.line("Duplicates found, by rule:\n" + table.text + "\n")
    }

    private func reportAgreement(_ evaluation: Evaluation) {
        var table = TextTable(["pattern", "claims", "groups", "as expected", ""], rightAligned: [1, 2, 3])
        for result in evaluation.results {
            table.add([
                result.pattern, String(result.claims), String(result.groups), String(result.met),
                result.failures.isEmpty ? "ok" : "WRONG",
            ])
        }
        Output.line("Agreement with truth.csv, by pattern:\n" + table.text + "\n")
        for result in evaluation.results {
            for failure in result.failures.prefix(5) { Output.note("\(result.pattern) \(failure)") }
        }
    }
}
