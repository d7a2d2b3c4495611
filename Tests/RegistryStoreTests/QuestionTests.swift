import Arbitration
import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// What operators and auditors ask, held to plain looks at everything.
@Suite("Questions", .registryDatabase)
struct QuestionTests {
    static let seeds: [UInt64] = [2, 3]

    func pushed(_ seed: UInt64) async throws -> (registry: TestRegistry, order: [Entry]) {
        try await KeptJournal.registry(seed: seed, length: 200, decidesMeanwhile: true, isDecided: true)
    }

    // MARK: As of a past position

    @Test("claims and cases as of any position are those of the journal up to it", arguments: seeds)
    func asOf(seed: UInt64) async throws {
        let (registry, order) = try await pushed(seed)
        var changed = 0
        for position in stride(from: 1, through: order.count, by: 37) {
            let reference = try FoldedReference(Array(order[..<position]))
            var filter = RegistryStore.ClaimFilter()
            filter.asOf = Int64(position)
            let claims = try await registry.store.claims(filter, after: nil, limit: 10_000)

            let states: [Outcome.Decision] = [.reserved, .refused, .held, .withdrawn, .authorized, .paid, .reversed]
            for state in states {
                filter.state = state
                for city in [CityCode?.none, .some(.shenzhen)] {
                    filter.city = city
                    for isNewestFirst in [true, false] {
                        filter.isNewestFirst = isNewestFirst
                        let found = try await registry.store.claims(filter, after: nil, limit: 10_000).map(\.name)
                        let due = claims.filter { $0.state == state && (city == nil || $0.name.city == city) }
                        let names = due.map(\.name)
                        #expect(found == (isNewestFirst ? names.reversed() : names), "\(state)")
                    }
                }
            }
            #expect(
                Dictionary(uniqueKeysWithValues: claims.map { ($0.name, $0.state) })
                    == reference.claims.mapValues(\.state), "as of \(position)")
            changed += claims.filter { [.withdrawn, .authorized, .paid, .reversed].contains($0.state) }.count
            var cases = RegistryStore.CaseFilter()
            cases.asOf = Int64(position)
            let found = try await registry.store.cases(cases, limit: 10_000)
            #expect(
                Dictionary(uniqueKeysWithValues: found.map { ($0.id, $0.state) })
                    == reference.fold.ledger.cases.mapValues(\.state), "as of \(position)")
            #expect(
                Dictionary(uniqueKeysWithValues: found.map { ($0.id, $0.deadline) })
                    == reference.fold.ledger.cases.mapValues(\.deadline), "as of \(position)")
        }
        #expect(changed > 0, "the journal hardly changes a claim")
    }

    @Test("a claim's steps end where it stands now", arguments: seeds)
    func steps(seed: UInt64) async throws {
        let (registry, _) = try await pushed(seed)
        var stepped = 0
        for claim in try await registry.store.claims(.init(), after: nil, limit: 10_000) {
            let steps = try await registry.store.steps(ofClaim: Int64(claim.decidedAt.position))
            guard let last = steps.last else { continue }
            stepped += 1
            #expect(last.state == claim.state)
            #expect(steps.map(\.position) == steps.map(\.position).sorted())
            if let payment = claim.payment { #expect(steps.last { $0.stage != nil }?.stage == payment.stage) }
        }
        #expect(stepped > 3)
    }

    @Test("a database that was there before the history gets the very same one from its journal", arguments: seeds)
    func seeded(seed: UInt64) async throws {
        let (registry, _) = try await pushed(seed)
        let tables = ["claim_history", "party_name"]
        func contents() async throws -> [String] {
            var all: [String] = []
            for table in tables { all += try await registry.texts("SELECT t::text FROM \(table) t ORDER BY 1") }
            return all
        }
        let kept = try await contents()
        try await registry.run("TRUNCATE claim_history, party_name")
        try await registry.store.pool.transaction { try ClaimHistory.seed($0, .current) }

        #expect(!kept.isEmpty)
        #expect(try await contents() == kept)
    }

    @Test("deadlines and sums of a database that was there before them are made from what it has", arguments: seeds)
    func filled(seed: UInt64) async throws {
        let (registry, _) = try await pushed(seed)
        func contents() async throws -> [[String]] {
            [
                try await registry.texts("SELECT case_id || position || kind || deadline FROM case_event ORDER BY 1"),
                try await registry.texts("SELECT t::text FROM claim_total t WHERE claims <> 0 ORDER BY 1"),
                try await registry.texts("SELECT t::text FROM received_day t ORDER BY 1"),
                try await registry.texts("SELECT t::text FROM rule_total t ORDER BY 1"),
                try await registry.texts("SELECT t::text FROM rule_pair_total t ORDER BY 1"),
                try await registry.texts("SELECT t::text FROM red_letter t ORDER BY 1"),
            ]
        }
        let kept = try await contents()
        try await registry.run(
            """
            UPDATE case_event SET deadline = NULL; UPDATE red_letter SET applied = false;
            TRUNCATE claim_total, received_day, rule_total, rule_pair_total
            """)
        try await registry.store.pool.transaction { session in
            try CaseWriter.fillDeadlines(session, .current)
            try PaymentWriter.fillApplied(session, .current)
            try KeptTotals.fill(session)
        }

        #expect(kept.allSatisfy { !$0.isEmpty })
        #expect(try await contents() == kept)
    }

    @Test(
        "cases page by page, the most money first, are all of them, now and as of then", arguments: seeds,
        [true, false])
    func casesByMoney(seed: UInt64, isPast: Bool) async throws {
        let (registry, _) = try await pushed(seed)
        var filter = RegistryStore.CaseFilter()
        filter.isByMoney = true
        if isPast { filter.asOf = Int64(try await registry.store.feedHead().position) * 2 / 3 }
        let all = try await registry.store.cases(filter, limit: 10_000)
        let sums = all.map { $0.parties.filter(\.isLive).map(\.claimed.rawValue).reduce(0, +) }
        #expect(sums == sums.sorted(by: >))
        #expect(Set(sums).count > 1)
        for size in [1, 3] {
            var pages: [RegistryStore.CaseView] = []
            while true {
                let page = try await registry.store.cases(
                    filter, after: pages.last.map { filter.place(of: $0) }, limit: size)
                pages += page
                guard page.count == size else { break }
            }
            #expect(pages.map(\.id) == all.map(\.id))
        }
    }

    // MARK: Conditions

    /// Conditions made from one claim that is there, and a second one.
    private func conditions(
        _ claim: RegistryStore.ClaimRecord, other: RegistryStore.ClaimRecord, _ cases: [ConflictCase]
    ) -> [(inout RegistryStore.ClaimFilter) -> Void] {
        var all: [(inout RegistryStore.ClaimFilter) -> Void] = [
            { $0.city = claim.name.city }, { $0.state = claim.state }, { $0.enterprise = claim.claim.enterprise },
            { $0.provider = claim.claim.provider }, { $0.contract = claim.claim.contract },
            { $0.voucherNumber = claim.claim.voucherNumber },
            { $0.claimedAtLeast = min(claim.claim.claimed, other.claim.claimed) },
            { $0.claimedAtMost = max(claim.claim.claimed, other.claim.claimed) },
            { $0.receivedFrom = claim.receivedAt }, { $0.receivedUntil = claim.receivedAt + 1 },
        ]
        if let rule = claim.reasons.first?.rule { all.append { $0.rule = rule } }
        if let met = claim.reasons.flatMap(\.blocking).first {
            all.append { $0.pair = RegistryStore.CityPair(met.city, claim.name.city) }
        }
        if let invoice = claim.claim.invoices.last { all.append { $0.keys = invoice.number.names.map(Key.invoice) } }
        if let found = cases.first(where: { $0.concerns(claim.name) }) { all.append { $0.caseID = found.id } }
        return all
    }

    @Test("every condition, alone and with another, finds what a look at all claims finds", arguments: seeds)
    func filters(seed: UInt64) async throws {
        let (registry, order) = try await pushed(seed)
        let all = try await registry.store.claims(.init(), after: nil, limit: 10_000)
        let cases = try FoldedReference(order).fold.ledger.cases.values.sorted { $0.position < $1.position }
        var numbers = SeededGenerator(seed: seed)
        var filters: [RegistryStore.ClaimFilter] = []
        // Each alone, of a claim that is in a case: all conditions can be made of it.
        let disputed = all.filter { record in cases.contains { $0.concerns(record.name) } }
        try #require(!disputed.isEmpty)
        for condition in conditions(numbers.pick(disputed), other: numbers.pick(all), cases) {
            var filter = RegistryStore.ClaimFilter()
            condition(&filter)
            filters.append(filter)
        }
        #expect(filters.contains { !$0.keys.isEmpty } && filters.contains { $0.caseID != nil })
        for _ in 0..<20 {
            let conditions = conditions(numbers.pick(all), other: numbers.pick(all), cases)
            var filter = RegistryStore.ClaimFilter()
            for _ in 0..<2 { numbers.pick(conditions)(&filter) }
            filters.append(filter)
        }
        for (index, filter) in filters.enumerated() {
            let asked = try await registry.store.claims(filter, after: nil, limit: 10_000)
            let due = all.filter { filter.agrees($0, cases) }

            #expect(asked.map(\.name) == due.map(\.name), "\(filter)")
            if index < filters.count - 20 { #expect(!asked.isEmpty, "\(filter)") }
        }
    }

    @Test("pages in either order are the whole list, however small they are", arguments: [1, 7, 1_000])
    func pages(size: Int) async throws {
        let (registry, _) = try await pushed(1)
        let all = try await registry.store.claims(.init(), after: nil, limit: 10_000).map(\.name)
        for isNewestFirst in [false, true] {
            var filter = RegistryStore.ClaimFilter()
            filter.isNewestFirst = isNewestFirst
            var (names, after) = ([ClaimName](), Int64?.none)
            while true {
                let page = try await registry.store.claims(filter, after: after, limit: size)
                names += page.map(\.name)
                guard page.count == size else { break }
                after = page.last.map { Int64($0.decidedAt.position) }
            }
            #expect(names == (isNewestFirst ? all.reversed() : all))
        }
    }

    @Test("pages of one city, or of what once stood in a state, are the whole list in either order", arguments: seeds)
    func pagesOfSome(seed: UInt64) async throws {
        let (registry, order) = try await pushed(seed)
        var filters = [RegistryStore.ClaimFilter](repeating: .init(), count: 4)
        filters[0].city = .shenzhen
        filters[1].city = .shenzhen
        filters[1].asOf = Int64(order.count) / 2
        filters[2].city = .shenzhen
        filters[2].positions = 20...Int64(order.count)
        filters[3].state = .refused
        filters[3].asOf = Int64(order.count) * 2 / 3
        var found = 0
        for (index, isNewestFirst) in filters.indices.flatMap({ [($0, false), ($0, true)] }) {
            var filter = filters[index]
            filter.isNewestFirst = isNewestFirst
            let all = try await registry.store.claims(filter, after: nil, limit: 10_000).map(\.name)
            var (names, after) = ([ClaimName](), Int64?.none)
            while true {
                let page = try await registry.store.claims(filter, after: after, limit: 2)
                names += page.map(\.name)
                guard page.count == 2 else { break }
                after = page.last.map { Int64($0.decidedAt.position) }
            }

            #expect(names == all, "\(filter)")
            found += all.count
        }
        #expect(found > 10)
    }

    @Test("what is said to be settled only grows at its end, whatever is decided later", arguments: seeds)
    func settled(seed: UInt64) async throws {
        let registry = try await TestRegistry(policy: PushedJournal.policy)
        var claims: [(filter: RegistryStore.ClaimFilter, names: [ClaimName])] = []
        let caseFilters = [nil, true, false].map { RegistryStore.CaseFilter(isOpen: $0) }
        var cases: [[String]] = []
        _ = try await PushedJournal(seed: seed, length: 200, decidesMeanwhile: true, registry: registry) { _ in
            try await registry.decide()
            let all = try await registry.store.claims(.init(), after: nil, limit: 10_000)
            var numbers = SeededGenerator(seed: seed)
            for _ in 0..<10 {
                for condition in conditions(numbers.pick(all), other: numbers.pick(all), []) {
                    var filter = RegistryStore.ClaimFilter()
                    condition(&filter)
                    claims.append((filter, try await names(filter, registry)))
                }
            }
            for filter in caseFilters { cases.append(try await ids(filter, registry)) }
        }
        try await registry.decide()

        var changed = 0
        for (filter, before) in claims {
            let isGrown = try await names(filter, registry).starts(with: before)
            #expect(isGrown || !filter.isSettled, "\(filter)")
            if !isGrown { changed += 1 }
        }
        for (filter, before) in zip(caseFilters, cases) {
            let isGrown = try await ids(filter, registry).starts(with: before)
            #expect(isGrown || !filter.isSettled, "\(filter)")
            if !isGrown { changed += 1 }
        }
        #expect(changed > 0, "nothing that was listed has changed")
    }

    private func names(_ filter: RegistryStore.ClaimFilter, _ registry: TestRegistry) async throws -> [ClaimName] {
        try await registry.store.claims(filter, after: nil, limit: 10_000).map(\.name)
    }

    private func ids(_ filter: RegistryStore.CaseFilter, _ registry: TestRegistry) async throws -> [String] {
        try await registry.store.cases(filter, limit: 10_000).map(\.id)
    }

    // MARK: Names

    @Test(
        "a part of a name finds the claims of either party, in any case, and nothing else",
        arguments: [
            ("智能", 2), ("能科技", 1), ("ai", 1), ("AI", 1), ("ａＩ实", 1), ("算力", 2), ("（深圳）", 1), ("(深圳)", 1), ("智技", 0),
            ("%智", 0),
        ])
    func names(part: String, count: Int) async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        city.issue(.sample("V1"), .sample("V2", for: .otherBuyer))
        city.file(.sample("C1", buyerName: "智能科技（深圳）有限公司", supplierName: "算力中心", invoices: [.serial(1)]))
        city.file(
            .sample(
                "C2", voucher: "V2", buyer: .otherBuyer, contract: "HT-2", buyerName: "智能Ai实验室", supplierName: "算力中心",
                invoices: [.serial(2)]))
        try await city.push(to: registry)
        try await registry.decide()
        var filter = RegistryStore.ClaimFilter()
        filter.partyName = part

        #expect(try await registry.store.claims(filter, after: nil, limit: 10).count == count)
    }

    @Test("a name that few or very many companies bear finds the claims that a look at all finds", arguments: seeds)
    func popularNames(seed: UInt64) async throws {
        let (registry, _) = try await pushed(seed)
        let all = try await registry.store.claims(.init(), after: nil, limit: 10_000)
        let name = String(try #require(all.map(\.claim.enterpriseName).first { $0.count > 3 }).prefix(3))
        let bearers = Set(all.map(\.claim).filter { $0.enterpriseName.contains(name) }.map(\.enterprise))
        let due = all.filter { bearers.contains($0.claim.enterprise) || bearers.contains($0.claim.provider) }
        #expect(due.count > 3)
        for others in [0, 300] {
            try await registry.run(
                "INSERT INTO party_name SELECT 'X' || n, '\(name)' || n, 1 FROM generate_series(1, \(others)) n")
            for isNewestFirst in [false, true] {
                var filter = RegistryStore.ClaimFilter()
                filter.partyName = name
                filter.isNewestFirst = isNewestFirst
                let found = try await registry.store.claims(filter, after: nil, limit: 10_000).map(\.name)
                #expect(found == (isNewestFirst ? due.reversed() : due).map(\.name))
                filter.state = .reserved
                let page = try await registry.store.claims(filter, after: nil, limit: 2).map(\.name)
                let live = due.filter { $0.state == .reserved }.map(\.name)
                #expect(page == Array((isNewestFirst ? live.reversed() : live).prefix(2)))
            }
        }
    }
}

extension RegistryStore.ClaimFilter {
    /// The conditions over one claim, said in plain Swift.
    fileprivate func agrees(_ record: RegistryStore.ClaimRecord, _ cases: [ConflictCase]) -> Bool {
        let claim = record.claim
        let met = record.reasons.flatMap(\.blocking)
        let conditions: [Bool?] = [
            city.map { $0 == record.name.city }, state.map { $0 == record.state },
            enterprise.map { $0 == claim.enterprise }, provider.map { $0 == claim.provider },
            contract.map { $0 == claim.contract }, voucherNumber.map { $0 == claim.voucherNumber },
            claimedAtLeast.map { claim.claimed >= $0 }, claimedAtMost.map { claim.claimed <= $0 },
            receivedFrom.map { record.receivedAt >= $0 }, receivedUntil.map { record.receivedAt < $0 },
            rule.map { rule in record.reasons.contains { $0.rule == rule } },
            pair.map { pair in met.contains { RegistryStore.CityPair($0.city, record.name.city) == pair } },
            caseID.map { id in cases.contains { $0.id == id && $0.concerns(record.name) } },
        ]
        let names = claim.invoices.flatMap { $0.number.names.map(Key.invoice) }
        return conditions.allSatisfy { $0 ?? true } && (keys.isEmpty || !Set(keys).isDisjoint(with: names))
    }
}

extension ConflictCase {
    fileprivate func concerns(_ claim: ClaimName) -> Bool { parties.contains { $0.claim == claim } }
}
