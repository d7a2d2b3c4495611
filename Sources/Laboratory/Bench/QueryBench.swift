import Arbitration
import FederationHTTP
import FederationWire
import Foundation
import PostgresClient
import RegistryStore
import Replication
import Terminal
import VoucherDomain

/// The questions of operators and auditors at a registry with many claims.
///
/// It is a ``FilledRegistry``, whose tables are smaller than real ones; the indexes that questions use are as deep.
struct QueryBench {
    let claims: Int
    /// How often each question is asked, each time about something else.
    let rounds: Int

    struct Result: Encodable, Sendable {
        let question: String
        let p50_ms: Double
        let p99_ms: Double
        /// Large tables that PostgreSQL reads from end to end for it.
        let whole_tables: [String]
    }

    /// A page as the API gives it and the console shows it, where nobody says how long it is to be.
    private static let pageRows = FederationHTTP.Question.usualLimit

    /// Tables that grow with the claims.
    private static let largeTables = [
        "claim", "claim_key", "entry", "feed", "finding", "claim_history", "batch", "payment", "cap_use",
    ]

    func run(_ cluster: BenchCluster) async throws -> [Result] {
        let registry = FilledRegistry(claims: claims)
        let (store, state) = (try await registry.open(cluster), registry.state(cluster))
        try await addReported(cluster, store)
        Output.note("asking")
        let examples = try await examples(store)
        var results: [Result] = []
        for question in Question.allCases {
            results.append(try await measure(question, examples, store))
            Output.note("asked: \(question.rawValue)")
        }
        results += [try await measureDuplicates(store), try await measureCases(store)]
        for name in RegistryStore.Report.Name.allCases { results.append(try await measure(name, store)) }
        Output.note("looking at the console")
        let console = ConsoleBench(
            federation: try Federation(directory: "\(cluster.directory)/processes"),
            database: cluster.url(of: FilledRegistry.database), state: state)
        let times = try await console.run(try await pages(examples, store), store)
        return results + times.map { result("page: \($0.name)", Percentiles($0.times), "") }
    }

    /// What an operator looks at.
    private func pages(_ examples: [Example], _ store: RegistryStore) async throws -> [ConsoleBench.Page] {
        func page(_ name: String, _ path: (Example) -> String) -> ConsoleBench.Page {
            .init(name: name, paths: examples.prefix(50).map(path))
        }
        let cases = try await store.cases(.init(isOpen: true), limit: 50).map { "/console/cases/\($0.id)" }
        return [
            page("overview") { _ in "/console" }, page("cities") { _ in "/console/cities" },
            page("claims") { _ in "/console/claims" },
            page("refused claims") { _ in "/console/claims?state=refused" },
            page("claims of an enterprise") { "/console/claims?enterprise_uscc=\($0.enterprise.rawValue)" },
            page("claims by name") {
                "/console/claims?\(FederationHTTP.Question.query(["name": String($0.name.prefix(4))]))"
            },
            page("one claim") { "/console/claims/\($0.record.name)" },
            page("duplicates") { _ in "/console/duplicates" }, page("case queue") { _ in "/console/cases" },
            page("caps used") { _ in "/console/reports/caps-used" },
            .init(name: "one case", paths: cases),
        ].filter { !$0.paths.isEmpty }
    }

    /// Adds what reports list, where a registry that was kept has it not yet.
    private func addReported(_ cluster: BenchCluster, _ store: RegistryStore) async throws {
        let mark = "\(cluster.directory)/reported-\(claims)"
        guard !FileManager.default.fileExists(atPath: mark) else { return }
        try await QueryBenchRows.fillReports(claims: claims, store)
        try Data().write(to: URL(fileURLWithPath: mark))
    }

    // MARK: Questions

    private enum Question: String, CaseIterable {
        case number = "one claim"
        case numberThen = "one claim, as of the middle"
        case enterprise, provider, contract, invoice, voucher
        case name = "part of a name"
        case rule = "by rule, the newest"
        case pair = "pair of cities"
        case refused = "refused, the newest"
        case refusedThen = "refused, as of the middle"
        case day = "received on one day"
        case amount = "narrow amount of one city"
    }

    /// A claim that a question is about, and what it would be looked for by.
    private struct Example: Sendable {
        let record: RegistryStore.ClaimRecord
        let invoice: Key
        let enterprise: CreditCode
        let name: String
        let contract: ContractNumber
        let head: Int64
    }

    private func examples(_ store: RegistryStore) async throws -> [Example] {
        let head = Int64(try await store.feedHead().position)
        var random = SeededGenerator(seed: 11)
        var found: [Example] = []
        while found.count < rounds {
            var filter = RegistryStore.ClaimFilter()
            let place = Int64.random(in: 0..<head, using: &random)
            filter.positions = place...head
            guard let record = try await store.claims(filter, after: nil, limit: 1).first else { continue }
            let row = try await QueryBenchRows.written(Int64(record.decidedAt.position), store)
            guard let enterprise = CreditCode(rawValue: row.enterprise), let contract = ContractNumber(row.contract)
            else { continue }
            found.append(
                Example(
                    record: record, invoice: row.invoice, enterprise: enterprise, name: row.name, contract: contract,
                    head: head))
        }
        return found
    }

    private func filter(_ question: Question, _ example: Example) -> RegistryStore.ClaimFilter {
        var filter = RegistryStore.ClaimFilter()
        switch question {
        case .number: filter.number = example.record.name
        case .numberThen:
            filter.number = example.record.name
            filter.asOf = example.head / 2
        case .enterprise: filter.enterprise = example.enterprise
        case .provider: filter.provider = example.record.claim.provider
        case .contract: filter.contract = example.contract
        case .invoice: filter.keys = [example.invoice]
        case .voucher: filter.voucherNumber = example.record.claim.voucherNumber
        case .name: filter.partyName = String(example.name.prefix(4))
        case .rule:
            filter.rule = "invoice-once"
            filter.isNewestFirst = true
        case .pair: filter.pair = RegistryStore.CityPair(example.record.name.city, example.record.name.city.next)
        case .refused, .refusedThen:
            filter.state = .refused
            filter.isNewestFirst = true
            if question == .refusedThen { filter.asOf = example.head / 2 }
        case .day:
            filter.receivedFrom = example.record.receivedAt
            filter.receivedUntil = example.record.receivedAt + 86_400_000
        case .amount:
            filter.city = example.record.name.city
            filter.claimedAtLeast = example.record.claim.claimed
            filter.claimedAtMost = example.record.claim.claimed
        }
        return filter
    }

    private func measure(
        _ question: Question, _ examples: [Example], _ store: RegistryStore
    ) async throws -> Result {
        let plan = try await store.plan(of: filter(question, examples[0]), limit: QueryBench.pageRows)
        let times = try await timed(examples) { example in
            _ = try await store.claims(filter(question, example), after: nil, limit: QueryBench.pageRows)
        }
        return result(question.rawValue, times, plan)
    }

    private func measureDuplicates(_ store: RegistryStore) async throws -> Result {
        let times = try await timed(Array(0..<min(rounds, 20))) { _ in
            _ = try await store.duplicates(.init(), after: nil, limit: QueryBench.pageRows)
        }
        return result("duplicates, first page", times, try await store.planOfDuplicates(limit: QueryBench.pageRows))
    }

    private func measureCases(_ store: RegistryStore) async throws -> Result {
        var filter = RegistryStore.CaseFilter(isOpen: true)
        filter.isByMoney = true
        let times = try await timed(Array(0..<min(rounds, 20))) { [filter] _ in
            _ = try await store.cases(filter, limit: QueryBench.pageRows)
        }
        return result("case queue by money", times, try await store.plan(of: filter, limit: QueryBench.pageRows))
    }

    /// As many rows as the console shows.
    private func measure(_ name: RegistryStore.Report.Name, _ store: RegistryStore) async throws -> Result {
        let today = CalendarDate.inChina(milliseconds: Int64(WallClock.now))
        let times = try await timed(Array(0..<min(rounds, 20))) { _ in
            _ = try await store.report(name, today: today, limit: 500)
        }
        return result("report: \(name.rawValue)", times, try await store.plan(of: name, today: today, limit: 500))
    }

    private func timed<Item: Sendable>(
        _ items: [Item], _ body: (Item) async throws -> Void
    ) async throws -> Percentiles {
        // The first one fills the caches of the connection.
        if let first = items.first { try await body(first) }
        var times: [Double] = []
        for item in items {
            let start = ContinuousClock.now
            try await body(item)
            times.append(start.duration(to: .now) / .milliseconds(1))
        }
        return Percentiles(times)
    }

    private func result(_ question: String, _ times: Percentiles, _ plan: String) -> Result {
        Result(
            question: question, p50_ms: times.at(0.5), p99_ms: times.at(0.99),
            whole_tables: QueryBench.largeTables.filter { plan.contains("Seq Scan on \($0) ") })
    }
}

extension CityCode {
    /// The next city of the bench.
    fileprivate var next: CityCode { CityCode(rawValue: 110_000 + (rawValue - 110_000 + 1) % 17) ?? self }
}
