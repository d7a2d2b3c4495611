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

    @Test("the caps that are used most are those of a plain look at all that is held", arguments: seeds)
    func capsUsed(seed: UInt64) async throws {
        let (registry, order) = try await pushed(seed)
        let policy = try #require(try FoldedReference(order).nextPolicy)
        let ofYear = try #require(policy.fixedCapacity(of: .enterpriseYear)).rawValue
        let live = try await registry.storedHoldings().filter(\.isLive).map(\.holding)
        var due: [(key: Key, claims: Int, used: Int64, capacity: Int64)] = []
        for (key, holdings) in Dictionary(grouping: live, by: \.key) {
            let first = holdings.filter { $0.capacity > 0 }.min { $0.position < $1.position }
            guard let stated = first?.capacity else { continue }
            let used = holdings.reduce(Int64(0)) { $0 + $1.amount }
            if key.kind == .voucher, used >= stated / 2 { due.append((key, holdings.count, used, stated)) }
            if key.kind == .enterpriseYear, used >= stated / 10 { due.append((key, holdings.count, used, ofYear)) }
        }
        due.sort { one, other in
            let shares = (Double(one.used) / Double(one.capacity), Double(other.used) / Double(other.capacity))
            return shares.0 == shares.1 ? one.key < other.key : shares.0 > shares.1
        }
        let rows = due.map { cap -> [String] in
            let permille = (2_000 * cap.used + cap.capacity) / (2 * cap.capacity)
            return [
                cap.key.readable, "\(cap.claims)", Money(rawValue: cap.used).yuan, Money(rawValue: cap.capacity).yuan,
                "\(permille / 10).\(permille % 10)",
            ]
        }

        try #require(rows.count > 2)
        #expect(try await registry.store.report(.capsUsed, today: today, limit: 1_000).rows == rows)
        let first = try await registry.store.report(.capsUsed, today: today, limit: 2)
        #expect(first.rows == Array(rows.prefix(2)))
        #expect(first.isCut)
    }

    @Test("a voucher is listed from half of it on, a year from a tenth on and by today's limit, until claims go")
    func listedCaps() async throws {
        let registry = try await TestRegistry(policy: CappedPolicy.document(yearCap: .yuan(1_000)))
        var city = try await registry.join(.shenzhen)
        func listed() async throws -> [[String]] {
            try await registry.store.report(.capsUsed, today: today, limit: 10).rows
        }
        city.issue(.sample("V1", faceValue: .yuan(100)))
        city.file(.sample("C1", invoices: [.serial(1)], claimed: .yuan(40)))
        try await city.push(to: registry)
        try await registry.decide()
        #expect(try await listed() == [])

        city.file(.sample("C2", invoices: [.serial(2)], claimed: .yuan(60)))
        try await city.push(to: registry)
        try await registry.decide()
        let (voucher, year) = ("voucher 440300 V1", Key.enterpriseYear(.buyer, year: 2026).readable)
        #expect(
            try await listed() == [
                [voucher, "2", "100.00", "100.00", "100.0"], [year, "2", "100.00", "1000.00", "10.0"],
            ])

        try await registry.act(
            .policyPublished(version: 2, document: CappedPolicy.document(version: 2, yearCap: .yuan(200))))
        try await registry.decide()
        #expect(try await listed().last == [year, "2", "100.00", "200.00", "50.0"])

        city.withdraw("C2")
        try await city.push(to: registry)
        try await registry.decide()
        #expect(try await listed() == [])
    }

    @Test("what reports list is read in the order of indexes of their own")
    func reportIndexes() async throws {
        _ = try await pushed(2)
        // A connection of its own, whose planner takes the tables for large ones.
        let registry = TestRegistry(opening: PostgresPool(url: TestDatabase.current.url, size: 1))
        try await registry.run("SET enable_seqscan = off; SET enable_bitmapscan = off; SET enable_sort = off")

        let caps = try await registry.store.plan(of: .capsUsed, today: today, limit: 10)
        #expect(caps.contains("cap_use_voucher"))
        #expect(caps.contains("cap_use_year"))
        #expect(try await registry.store.plan(of: .rulings, today: today, limit: 10).contains("case_event_ruling"))
    }

    @Test("what reports list is made by the migration of a database that was there before it", arguments: seeds)
    func migrated(seed: UInt64) async throws {
        let (registry, _) = try await pushed(seed)
        func contents() async throws -> [String] {
            try await registry.texts(
                """
                SELECT 'cap_use ' || t::text FROM cap_use t
                UNION ALL SELECT 'paid_twice ' || t::text FROM paid_twice t
                UNION ALL SELECT 'uncleared_payment ' || t::text FROM uncleared_payment t ORDER BY 1
                """)
        }
        let kept = try await contents()
        try await registry.run(
            """
            DROP TABLE cap_use, paid_twice, uncleared_payment; DROP INDEX case_event_ruling;
            CREATE INDEX entry_bank_paid ON entry (city_code, sequence) WHERE kind = 7;
            CREATE INDEX feed_refused ON feed (city_code, sequence) WHERE decision IN (3, 5);
            DELETE FROM schema_migration WHERE id = 'registry_v021_reports'
            """)

        let done = try await registry.store.migrate(policyDocument: PushedJournal.policy, now: .noon)
        #expect(done == ["registry_v021_reports"])
        #expect(!kept.isEmpty)
        #expect(try await contents() == kept)
    }

    @Test("what the claims of cases claim stands beside them, also after the migration of a database of before")
    func migratedCases() async throws {
        let (registry, _) = try await pushed(QuestionTests.seeds[0])
        func amounts() async throws -> [String] {
            try await registry.texts(
                """
                SELECT case_id || ' ' || city_code || '/' || claim_no || ' ' || claimed_fen
                FROM conflict_case_claim ORDER BY 1
                """)
        }
        func difference() async throws -> Int {
            try await registry.texts(
                """
                SELECT p.claim_no FROM conflict_case_claim p LEFT JOIN claim c USING (city_code, claim_no)
                WHERE p.claimed_fen IS DISTINCT FROM c.claimed_fen
                """
            ).count
        }
        let kept = try await amounts()
        #expect(!kept.isEmpty)
        #expect(try await difference() == 0)
        try await registry.run(
            """
            ALTER TABLE conflict_case_claim DROP COLUMN claimed_fen;
            DELETE FROM schema_migration WHERE id = 'registry_v028_case_amounts'
            """)

        let done = try await registry.store.migrate(policyDocument: PushedJournal.policy, now: .noon)
        #expect(done == ["registry_v028_case_amounts"])
        #expect(try await amounts() == kept)
    }

    @Test("a second claim that is authorised on one invoice is named, though fold and constraint let it pass")
    func paidTwice() async throws {
        let registry = try await TestRegistry()
        try await registry.run("ALTER TABLE authorized_key DROP CONSTRAINT authorized_key_one_holder")
        var city = try await registry.join(.shenzhen)
        city.issue(.sample("V1"))
        func duplicates() async throws -> [[String]] {
            try await registry.store.report(.duplicatesPaid, today: today, limit: 10).rows
        }
        func authorized() async throws -> [Payment] {
            try await registry.act(.ticked(TickAct(wallMilliseconds: Int64(UInt64.noon))))
            try await registry.decide()
            return try await registry.store.payments(stage: .authorized, after: 0, limit: 9)
        }
        func difference() async throws -> String? {
            try await registry.store.pool.run { try KeptTotals.difference($0) }
        }
        city.file(.sample("C1", invoices: [.serial(1)]))
        city.request("C1")
        try await city.push(to: registry)
        try await registry.decide()
        try #require(try await authorized().map(\.claim.number) == ["C1"])
        // As if the fold had let go of the invoice while its money is out.
        try await registry.run("UPDATE claim_key SET live = false WHERE get_byte(key, 0) = 1")
        city.file(.sample("C2", contract: "HT-2", invoices: [.serial(1)]))
        city.request("C2")
        try await city.push(to: registry)
        try await registry.decide()
        let payment = try #require(try await authorized().last)
        try #require(payment.claim.number == "C2")

        let found = try await duplicates()
        let pair = ["440300/C2", "authorized", "440300/C1", "authorized", "10.00"]
        #expect(found.map { Array($0.dropFirst()) } == [pair])
        #expect(found.first?.first?.hasPrefix("invoice ") == true)
        #expect(try await difference() == nil)

        let reference = try #require(payment.authorization).reference
        let failure = PaymentAct(claimNumber: "C2", step: .failed(reference, .rejected, reason: "退票"))
        city.append(failure.step.kind, PayloadCoding.encode(failure))
        try await city.push(to: registry)
        try await registry.decide()
        #expect(try await duplicates() == [])
        #expect(try await difference() == nil)
    }

    @Test("a payment that a city says was made, and that the registry never authorised, is named")
    func neverAuthorized() async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        city.issue(.sample("V1"))
        city.file(.sample("C1", invoices: [.serial(1)]))
        let reference = try #require(PaymentReference(rawValue: .sixteen(9)))
        let bank = PaymentAct.BankRecord(transaction: "T1", amount: .yuan(10), day: today)
        let act = PaymentAct(claimNumber: "C1", step: .confirmed(reference, bank))
        city.append(act.step.kind, PayloadCoding.encode(act))
        try await city.push(to: registry)
        try await registry.decide()

        let uncleared = try await registry.store.report(.unclearedPayments, today: today, limit: 10)
        #expect(uncleared.rows == [["", "440300", "\(city.head.sequence)", "confirmation refused", "0.00"]])
    }

    @Test("what was changed behind the registry's back is named once all is looked at again")
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
        try await registry.store.addUpAgain()
        let uncleared = try await registry.store.report(.unclearedPayments, today: today, limit: 10)
        #expect(uncleared.rows.map(\.first) == ["440300/C1"])
        #expect(try await registry.store.report(.duplicatesPaid, today: today, limit: 10).rows == [])

        try await registry.run(
            """
            INSERT INTO payment SELECT position, city_code, claim_no, position, 5, position + 9,
                substr(sha256(claim_no::bytea), 1, 16), claimed_fen, 1, 'T', 0, '', 0, 0, '' FROM claim
            """)
        try await registry.store.addUpAgain()
        let twice = try await registry.store.report(.duplicatesPaid, today: today, limit: 10)
        #expect(Set(twice.rows.map { $0[1] }) == ["440300/C2"])
        #expect(Set(twice.rows.map { $0[3] }) == ["440300/C1"])
        #expect(twice.rows.contains { $0[0].hasPrefix("invoice ") })
    }
}
