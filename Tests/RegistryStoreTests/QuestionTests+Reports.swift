import Arbitration
import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// Lists of duplicates, and reports.
extension QuestionTests {
    // MARK: Duplicates

    @Test("lists of duplicates are read in the order of an index of their own")
    func indexes() async throws {
        _ = try await pushed(2)
        // A connection of its own, whose planner takes the tables for large ones.
        let registry = TestRegistry(opening: PostgresPool(url: TestDatabase.current.url, size: 1))
        try await registry.run("SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off")

        #expect(try await registry.store.planOfDuplicates(limit: 10).contains("finding_duplicate"))
    }

    @Test("duplicates page by page are the whole list, and each names all who met", arguments: seeds)
    func duplicates(seed: UInt64) async throws {
        let (registry, _) = try await pushed(seed)
        let all = try await registry.store.duplicates(.init(), after: nil, limit: 10_000)
        #expect(!all.isEmpty)
        for size in [1, 3] {
            var (pages, after) = ([RegistryStore.Duplicate](), RegistryStore.DuplicatePlace?.none)
            while true {
                let page = try await registry.store.duplicates(.init(), after: after, limit: size)
                pages += page
                guard page.count == size else { break }
                after = page.last.flatMap { RegistryStore.DuplicatePlace($0.place.description) }
                #expect(after != nil)
            }
            #expect(pages == all)
        }
        let claims = try await registry.store.claims(.init(), after: nil, limit: 10_000)
        for claim in claims {
            for reason in claim.reasons where reason.outcome != .flag && !reason.blocking.isEmpty {
                let met = Set(reason.blocking + [claim.name])
                #expect(
                    all.contains { $0.rule == reason.rule && met.isSubset(of: $0.claims) },
                    "\(claim.name) under \(reason.rule)")
            }
        }
        let some = try #require(all.first { Set($0.claims.map(\.city)).count == 2 })
        var filter = RegistryStore.DuplicateFilter()
        filter.rule = some.rule
        let cities = some.claims.map(\.city)
        filter.pair = RegistryStore.CityPair(try #require(cities.min()), try #require(cities.max()))
        let ofPair = try await registry.store.duplicates(filter, after: nil, limit: 10_000)
        #expect(ofPair.contains(some))
        #expect(ofPair.allSatisfy { $0.rule == some.rule && Set($0.claims.map(\.city)).isSuperset(of: cities) })
    }

    @Test("nothing that was found later is told as of an earlier position")
    func duplicatesAsOf() async throws {
        let (registry, order) = try await pushed(2)
        var counts: [Int] = []
        for position in stride(from: 0, through: order.count, by: 40) {
            var filter = RegistryStore.DuplicateFilter()
            filter.asOf = Int64(position)
            counts.append(try await registry.store.duplicates(filter, after: nil, limit: 10_000).count)
        }
        #expect(counts.first == 0)
        #expect(counts == counts.sorted())
        #expect(Set(counts).count > 2)
    }

    // MARK: Reports

    private var today: CalendarDate { valid(CalendarDate("2026-12-31")) }

    @Test("what must be empty is empty over generated journals, and every report can be made", arguments: seeds)
    func reports(seed: UInt64) async throws {
        let (registry, _) = try await pushed(seed)
        for name in RegistryStore.Report.Name.allCases {
            let report = try await registry.store.report(name, today: today, limit: 1_000)
            #expect(report.rows.allSatisfy { $0.count == report.columns.count })
        }
        #expect(try await registry.store.report(.duplicatesPaid, today: today, limit: 1_000).rows == [])
        // The journal's cities also say what no bank was asked for.
        let refused = try await registry.numbers(
            """
            SELECT count(*) FROM feed f JOIN entry e ON e.city_code = f.city_code AND e.sequence = f.sequence
            WHERE e.kind = 7 AND f.decision IN (3, 5)
            """)
        let uncleared = try await registry.store.report(.unclearedPayments, today: today, limit: 1_000)
        #expect([Int64(uncleared.rows.count)] == refused)
        for name in [RegistryStore.Report.Name.duplicatesByRule, .capsUsed, .rulings] {
            #expect(try await registry.store.report(name, today: today, limit: 1_000).rows != [], "\(name)")
        }
    }

    @Test("a payment that nobody authorised, and two claims paid on one invoice, are named")
    func breaches() async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        city.issue(.sample("V1"))
        city.file(.sample("C1", invoices: [.serial(1)]))
        try await city.push(to: registry)
        try await registry.decide()
        // As if the fold had let go of the first one while its money was out.
        try await registry.run("UPDATE claim_key SET live = false WHERE live")
        city.file(.sample("C2", contract: "HT-2", invoices: [.serial(1)]))
        try await city.push(to: registry)
        try await registry.decide()
        let paid = Outcome.Decision.paid.rawValue
        try await registry.run("UPDATE claim SET state = \(paid) WHERE claim_no = 'C1'")
        let uncleared = try await registry.store.report(.unclearedPayments, today: today, limit: 10)
        #expect(uncleared.rows.map(\.first) == ["440300/C1"])
        #expect(try await registry.store.report(.duplicatesPaid, today: today, limit: 10).rows == [])

        try await registry.run(
            """
            INSERT INTO payment SELECT position, city_code, claim_no, position, 5, position + 9,
                substr(sha256(claim_no::bytea), 1, 16), claimed_fen, 1, 'T', 0, '', 0, 0, '' FROM claim
            """)
        let twice = try await registry.store.report(.duplicatesPaid, today: today, limit: 10)
        #expect(Set(twice.rows.map { $0[1] }) == ["440300/C2"])
        #expect(Set(twice.rows.map { $0[3] }) == ["440300/C1"])
        #expect(twice.rows.contains { $0[0].hasPrefix("invoice ") })
    }
}
