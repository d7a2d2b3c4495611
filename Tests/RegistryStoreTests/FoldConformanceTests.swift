import Arbitration
import FederationWire
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

@Suite("The fold in PostgreSQL is the fold in memory", .registryDatabase)
struct FoldConformanceTests {
    private static let seeds: [UInt64] = [1, 2, 3, 4]
    private static let length = 320

    private func pushed(
        _ seed: UInt64, decidesMeanwhile: Bool = true
    ) async throws -> (registry: TestRegistry, order: [Entry]) {
        try await KeptJournal.registry(
            seed: seed, length: Self.length, decidesMeanwhile: decidesMeanwhile, isDecided: false)
    }

    @Test("one journal in batches, and in memory: the same outcomes, reasons, keys and findings", arguments: seeds)
    func sameOutcomes(seed: UInt64) async throws {
        let (registry, order) = try await pushed(seed)
        try await registry.decide()
        let reference = try FoldedReference(order)

        let feed = try await registry.feed()
        #expect(feed.map(\.entry.entryID) == order.map(\.id))
        #expect(feed.map(\.entry.decision) == reference.decisions)
        let firstDifference = zip(feed, reference.feed).first { $0.bytes != $1.bytes }
        #expect(firstDifference?.0.entry == firstDifference?.1.entry)
        #expect(feed.map(\.hash) == reference.feed.map(\.hash))
        #expect(try await registry.storedClaims() == reference.claims)
        #expect(Set(feed.map(\.entry.policyVersion)).isSuperset(of: [1, 2, 3]))
        let payments = try await registry.store.payments(stage: nil, after: 0, limit: 1_000)
        #expect(payments == reference.fold.ledger.payments.all)
        #expect(Set(payments.map(\.stage)).count > 2, "the journal hardly pays: \(payments.map(\.stage))")
        let cases = reference.fold.ledger.cases.values
        #expect(cases.contains(where: \.isAutomatic) && !cases.allSatisfy(\.isAutomatic))
        let holdings = try await registry.storedHoldings()
        #expect(holdings.count == reference.holdings.count)
        #expect(Set(holdings) == Set(reference.holdings))
        let findings = try await registry.storedFindings()
        #expect(findings.count == reference.findings.count)
        #expect(Set(findings) == Set(reference.findings))
    }

    @Test(
        "the ledger that is loaded again is the ledger in memory, at the end and on the way", arguments: seeds.prefix(2)
    )
    func sameState(seed: UInt64) async throws {
        let (registry, order) = try await pushed(seed, decidesMeanwhile: false)
        while try await registry.decideOneBatch() {
            let position = Int(try await registry.store.feedHead().position)
            guard position.isMultiple(of: 10) || position == order.count else { continue }
            let reference = try FoldedReference(Array(order[..<position]))
            let ledger = try await registry.ledger(for: reference.journal)

            #expect(ledger.policy?.version == reference.nextPolicyVersion)
            #expect(ledger.claims == reference.fold.ledger.claims)
            #expect(ledger.vouchers == reference.fold.ledger.vouchers)
            #expect(ledger.cases.allSatisfy { $0.value == reference.fold.ledger.cases[$0.key] })
            #expect(ledger.register.companies == reference.fold.ledger.register.companies)
            #expect(ledger.register.providers == reference.fold.ledger.register.providers)
            #expect(ledger.prices == reference.fold.ledger.prices)
            #expect(ledger.holdings == reference.fold.ledger.holdings, "at position \(position)")
        }
        #expect(try await registry.store.feedHead().position == UInt64(order.count))
    }

    @Test("the audits find nothing to say about a folded journal", arguments: seeds.prefix(2))
    func audits(seed: UInt64) async throws {
        let (registry, order) = try await pushed(seed)
        try await registry.decide()

        let recomputed = try await registry.store.recompute { _ in }
        #expect(recomputed.faults == [])
        #expect(recomputed.examined == order.count)
        #expect(recomputed.head == (try await registry.store.feedHead()))
        let verified = try await registry.store.verify { _ in }
        #expect(verified.faults == [])
        #expect(verified.head == recomputed.head)
    }

    @Test("one log folded batch by batch, a few at a time and at once gives the same rows and bytes", arguments: seeds)
    func sameInAnyBatches(seed: UInt64) async throws {
        let (registry, order) = try await pushed(seed, decidesMeanwhile: false)
        var states: [[String]] = []
        for size in [1, 7, .max] {
            // A database of its own each time.
            let state = try await registry.copied { copy in
                try await copy.decide(batchesAtATime: size)
                #expect(try await copy.store.feedHead().position == UInt64(order.count))
                return try await copy.foldedState()
            }
            states.append(state)
        }

        #expect(states[1] == states[0])
        #expect(states[2] == states[0])
    }

    @Test("one arbiter that writes, folds ahead and reads ahead of that gives the same", arguments: seeds)
    func sameAhead(seed: UInt64) async throws {
        let (registry, order) = try await pushed(seed, decidesMeanwhile: false)
        let reference = try FoldedReference(order)
        for batches in [1, 3] {
            let (count, feed, claims, holdings) = try await registry.copied { copy in
                (
                    try await copy.decide(batches: batches), try await copy.feed(), try await copy.storedClaims(),
                    try await copy.storedHoldings()
                )
            }
            #expect(count == order.count)
            #expect(feed.map(\.hash) == reference.feed.map(\.hash))
            #expect(claims == reference.claims)
            #expect(Set(holdings) == Set(reference.holdings))
        }
    }

    @Test("the same invoice in batches in a row, of which one is written, one folded and one read at a time")
    func repeatsInARow() async throws {
        let registry = try await TestRegistry()
        var cities: [TestCity] = []
        for code in [CityCode.beijing, .hangzhou, .shenzhen] { cities.append(try await registry.join(code)) }
        for index in cities.indices {
            cities[index].issue(.sample("V1"))
            try await cities[index].push(to: registry)
        }
        try await registry.decide()
        for number in 1...30 {
            for index in cities.indices {
                cities[index].file(.sample("C\(number)", invoices: [.serial(number)], claimed: .yuan(1)))
                try await cities[index].push(to: registry)
            }
        }

        try await registry.decide(batches: 1)
        let decisions = try await registry.feed().map(\.entry.decision).suffix(90)
        #expect(decisions.enumerated().allSatisfy { ($1 == .reserved) == $0.isMultiple(of: 3) }, "\(decisions)")
        #expect(try await registry.store.recompute { _ in }.faults == [])
    }

    @Test("a backlog of more batches than one transaction takes is folded as in memory, by one arbiter in a row")
    func backlog() async throws {
        let registry = try await TestRegistry(policy: PushedJournal.policy)
        let journal = try await PushedJournal(seed: 7, length: 2_400, decidesMeanwhile: false, registry: registry)
        try #require(try await registry.numbers("SELECT count(*) FROM batch")[0] > 1_000)
        let reference = try FoldedReference(journal.order)

        #expect(try await registry.decide() == journal.order.count)
        let firstDifference = zip(try await registry.feed(), reference.feed).first { $0.bytes != $1.bytes }
        #expect(firstDifference?.0.entry == firstDifference?.1.entry)
        #expect(try await registry.storedClaims() == reference.claims)
        #expect(Set(try await registry.storedHoldings()) == Set(reference.holdings))
    }

    @Test("the journals reach every decision and every rule")
    func notVacuous() async throws {
        var decisions: Set<Outcome.Decision> = []
        var rules: Set<String> = []
        for seed in Self.seeds {
            var generator = JournalGenerator(
                seed: seed, statesOtherAmounts: true, policy: try PolicyCoding.decode(PushedJournal.policy))
            var fold = Fold()
            for outcome in generator.journal(length: Self.length).map({ fold.apply($0) }) {
                decisions.insert(outcome.decision)
                rules.formUnion(outcome.reasons.map(\.rule))
            }
        }

        let byPeople: Set<Outcome.Decision> = [.pending, .authorized, .paid, .reversed, .tooLate]
        #expect(decisions == Set(Outcome.Decision.allCases).subtracting(byPeople))
        let all = Set(try PolicyCoding.decode(PushedJournal.policy).rules.map(\.id) + ["entry"])
        #expect(rules == all.subtracting(["reversed-invoice", "programme-rate"]))
    }
}

extension Ledger {
    /// Every live holding by key; the order of one claim's items under a key has no meaning.
    fileprivate var holdings: [Key: Set<Holding>] { occupancies.mapValues { Set($0.holdings) } }
}

extension TestRegistry {
    /// Decides the oldest batch that waits, alone.
    ///
    /// - Returns: Whether one waited.
    fileprivate func decideOneBatch() async throws -> Bool {
        guard
            let first = try await numbers("SELECT min(batch_id) FROM batch WHERE NOT folded HAVING count(*) > 0").first
        else { return false }
        let rest = try await numbers("SELECT batch_id FROM batch WHERE NOT folded AND batch_id > \(first)")
        try await run("UPDATE batch SET folded = true WHERE batch_id > \(first)")
        try await decide()
        guard !rest.isEmpty else { return true }
        try await run("UPDATE batch SET folded = false WHERE batch_id > \(first)")
        return true
    }

    /// Lends a copy of the whole database, and drops it afterwards.
    fileprivate func copied<T: Sendable>(_ body: (TestRegistry) async throws -> T) async throws -> T {
        let copy = try await TestDatabase.current.copied()
        let result = await Result { try await body(TestRegistry(opening: copy.pool)) }
        try await copy.drop()
        return try result.get()
    }
}
