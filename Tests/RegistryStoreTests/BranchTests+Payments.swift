import Arbitration
import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// What a branch has released that is given up.
extension BranchTests {
    @Test(
        "a payment that a branch has released which is given up is honoured, though what stands knew nothing of it",
        arguments: [false, true])
    func released(isInBoth: Bool) async throws {
        let policy = CappedPolicy.document(yearCap: .yuan(1_000_000), witnesses: 0)
        try await withBranches(policy: policy) { registry, restored, cities in
            var (city, other) = cities
            try await release(&city, in: isInBoth ? [restored, registry] : [restored], with: other)
            try await write(20, &other, registry)
            let feed = try await registry.feed()
            let given = try await reference(in: restored)

            try await beginRecovery(of: restored, from: [(city, restored), (other, registry)])
            try await restored.expectRecovered()

            #expect(try await restored.feed().starts(with: feed))
            #expect(try await reference(in: restored) == given)
            #expect(try await found(restored) == (isInBoth ? 0 : 1))
            // It is told for good: once it has failed and is asked for again, it must not be found.
            #expect(try await restored.numbers("SELECT count(*) FROM given_up_payment WHERE NOT told") == [0])
            #expect(try await restored.store.frozenPayments() == [])
            #expect(try await restored.store.cases(limit: 9) == [])
        }
    }

    @Test("where its key has another authorised holder both are frozen: a case rules, and the loser's money comes back")
    func frozen() async throws {
        let policy = CappedPolicy.document(yearCap: .yuan(1_000_000), witnesses: 0)
        try await withBranches(policy: policy) { registry, restored, cities in
            var (city, other) = cities
            // Both have one invoice, each on a registry of its own.
            try await release(&city, in: [restored], with: other)
            try await release(&other, in: [registry], with: city)
            try await write(20, &other, registry)
            let names = [other, city].map { ClaimName(city: $0.code, number: "A") }

            try await beginRecovery(of: restored, from: [(city, restored), (other, registry)])
            try await restored.expectRecovered()

            let frozen = try #require(try await restored.store.frozenPayments().first)
            #expect(frozen.claims == names)
            let conflict = try #require(try await restored.store.cases(limit: 9).first)
            #expect(conflict.id == frozen.caseID)
            #expect(Set(conflict.parties.map(\.claim)) == Set(names))
            #expect(
                try await restored.numbers("SELECT count(*) FROM audit_event WHERE action = 'payments frozen'") == [1])
            let released = try await restored.store.payments(stage: .released, after: 0, limit: 9)
            #expect(released.map(\.isFrozen) == [true, true])

            try await restored.rule(for: names[0], against: names[1])
            let ruled = try await restored.store.payments(stage: .released, after: 0, limit: 9)
            #expect(Set(ruled.filter(\.isBarred).map(\.claim)) == [names[1]])
            #expect(Set(ruled.filter(\.isFrozen).map(\.claim)) == [names[0]])

            try await greet(&city, restored)
            let reference = try #require(ruled.first(where: \.isBarred)?.authorization).reference
            let failed = PaymentAct(claimNumber: "A", step: .failed(reference, .cancelled, reason: "撤单"))
            city.append(.paymentFailed, PayloadCoding.encode(failed))
            try await city.push(to: restored)
            try await restored.expectRecovered()
            #expect(try await restored.store.frozenPayments() == [])
            let rest = try await restored.store.payments(stage: .released, after: 0, limit: 9)
            #expect(rest.map(\.claim) == [names[0]])
            #expect(rest.map(\.isFrozen) == [false])
        }
    }

    @Test("a payment that was authorised before both parted, and that one of them released, goes on")
    func releasedByOne() async throws {
        let registry = try await TestRegistry(policy: CappedPolicy.document(yearCap: .yuan(1_000_000), witnesses: 0))
        var (city, other) = (try await registry.join(.shenzhen), try await registry.join(.hangzhou))
        city.issue(.sample("V1"))
        city.file(.sample("A", invoices: [.serial(1)]))
        city.request("A")
        try await city.push(to: registry)
        try await authorise(registry, [city, other])
        try #require(try await registry.store.payments(stage: .authorized, after: 0, limit: 9).count == 1)
        let copy = try await TestDatabase.current.copied()
        let restored = TestRegistry(opening: copy.pool)
        try await tick(restored, [city, other])
        let released = try await restored.store.payments(stage: .released, after: 0, limit: 9)
        try #require(released.count == 1)
        try await write(20, &other, registry)

        try await beginRecovery(of: restored, from: [(city, restored), (other, registry)])
        try await restored.expectRecovered()
        #expect(try await restored.store.payments(stage: .authorized, after: 0, limit: 9).count == 1)
        try await tick(restored, [city, other])

        #expect(try await restored.store.payments(stage: .released, after: 0, limit: 9) == released)
        try await copy.drop()
    }

    @Test("a payment that the first tail honoured is found when another tail is chosen that knows nothing of it")
    func releasedAndChosenAnew() async throws {
        let policy = CappedPolicy.document(yearCap: .yuan(1_000_000), witnesses: 0)
        try await withBranches(policy: policy) { registry, restored, cities in
            var (city, other) = cities
            var later = other
            let third = try await TestDatabase.current.copied()
            let another = TestRegistry(opening: third.pool)
            try await release(&city, in: [restored, registry], with: other)
            let given = try await reference(in: restored)
            try await write(20, &other, registry)
            try await write(60, &later, another)

            var givers = try await beginRecovery(of: restored, from: [(city, restored), (other, registry)])
            try #require(try await restored.store.recoveryReport()?.phase == "rewinding")
            try await restored.store.beginRecovery(reason: "test", now: .noon)
            givers[1] = try await GivingCity(later, of: another)
            try await giveBack(&givers, to: restored)

            try await restored.expectRecovered()
            #expect(try await reference(in: restored) == given)
            #expect(try await found(restored) == 1)
            try await third.drop()
        }
    }

    @Test("what only the branch that is given up had authorised does not speak for a payment that a third one released")
    func releasedOnThird() async throws {
        let policy = CappedPolicy.document(yearCap: .yuan(1_000_000), witnesses: 0)
        try await withBranches(policy: policy) { registry, restored, cities in
            var (city, other) = cities
            city.issue(.sample("V1"))
            city.file(.sample("A", invoices: [.serial(1)]))
            city.request("A")
            _ = try await restored.receive(city.batch(1...3), from: city.code)
            try await authorise(restored, [city, other])
            try #require(try await restored.store.payments(stage: .authorized, after: 0, limit: 9).count == 1)
            let own = try await restored.store.feedHead().position
            try await write(20, &other, registry)
            // A third one leaves the feed that is to stand behind all of that.
            try #require(try await registry.store.feedHead().position > own)
            let third = try await TestDatabase.current.copied()
            let another = TestRegistry(opening: third.pool)
            try await release(&city, in: [another], with: other)
            let given = try await reference(in: another)
            try await write(60, &other, registry)

            try await beginRecovery(of: restored, from: [(city, another), (other, registry)])
            try await restored.expectRecovered()

            #expect(try await reference(in: restored) == given)
            #expect(try await found(restored) == 1)
            try await third.drop()
        }
    }

    @Test("a payment of which the claim's own entry is nowhere stops the recovery: its keys could not be bound")
    func releasedAndNotFiled() async throws {
        let policy = CappedPolicy.document(yearCap: .yuan(1_000_000), witnesses: 1)
        try await withBranches(policy: policy) { registry, restored, cities in
            var (city, other) = cities
            let third = try await TestDatabase.current.copied()
            let another = TestRegistry(opening: third.pool)
            try await release(&city, in: [another], with: other)
            try await write(60, &other, registry)

            // The city whose claim it is does not come. The other one has first the one feed, then the longer one.
            for feed in [another, registry] {
                try await restored.store.beginRecovery(reason: "test", now: .noon)
                try await restored.store.acceptAbsence(of: city.code, reason: "test", now: .noon)
                var giver = try await GivingCity(other, of: feed)
                try await giver.giveBack(to: restored)
            }

            let report = try #require(try await restored.store.recoveryReport())
            #expect(report.phase == "collecting")
            #expect(report.problem?.contains("the entry that filed its claim is nowhere") ?? false)
            try await third.drop()
        }
    }

    @Test("a payment that a city brings which comes late is found once its claim is decided")
    func releasedByLatecomer() async throws {
        // An absence is accepted where an authorisation has a witness.
        let policy = CappedPolicy.document(yearCap: .yuan(1_000_000), witnesses: 1)
        try await withBranches(policy: policy) { registry, restored, cities in
            var city = cities.0
            let other = cities.1
            try await release(&city, in: [registry], with: other)
            let given = try await reference(in: registry)
            _ = try await recover(restored, without: city, with: other)
            try await restored.expectRecovered()

            var late = try await GivingCity(city, of: registry)
            for _ in 0..<2 { try await late.giveBack(to: restored) }
            #expect(try await restored.store.refusedFeeds() == [])
            #expect(try await restored.store.frozenPayments().map(\.caseID) == [nil])
            // What waits for a city that may never come is not asked for by a lock, again and again.
            #expect(try await hasToTell(restored) == false)
            try await restored.store.followBranches(now: .later)
            #expect(try await found(restored) == 0)
            try await greet(&city, restored)
            try await city.push(to: restored)
            try await restored.decide()
            #expect(try await hasToTell(restored))
            for _ in 0..<2 { try await restored.store.followBranches(now: .later) }
            try await restored.expectRecovered()

            #expect(try await found(restored) == 1)
            #expect(try await reference(in: restored) == given)
            #expect(try await restored.store.frozenPayments() == [])
            #expect(try await hasToTell(restored) == false)
        }
    }

    private func hasToTell(_ registry: TestRegistry) async throws -> Bool {
        try await registry.store.pool.run { try Recovery.hasToTell($0) }
    }

    @Test("a payment that was authorised and not released is authorised again, under the same reference")
    func authorised() async throws {
        let policy = CappedPolicy.document(yearCap: .yuan(1_000_000))
        try await withBranches(policy: policy) { registry, restored, cities in
            var (city, other) = cities
            city.issue(.sample("V1"))
            city.file(.sample("A", invoices: [.serial(1)]))
            city.request("A")
            _ = try await restored.receive(city.batch(1...3), from: city.code)
            try await authorise(restored, [city, other])
            let given = try #require(try await restored.store.payments(stage: .authorized, after: 0, limit: 9).first)
            try await write(20, &other, registry)

            try await beginRecovery(of: restored, from: [(city, restored), (other, registry)])
            try await restored.expectRecovered()
            #expect(try await restored.store.payments(stage: .requested, after: 0, limit: 9).count == 1)
            try await authorise(restored, [city, other])

            let again = try #require(try await restored.store.payments(stage: .authorized, after: 0, limit: 9).first)
            #expect(again.authorization?.reference == given.authorization?.reference)
        }
    }

    /// Lets the dwell of a request pass, so that it is authorised, and not yet released.
    private func authorise(_ registry: TestRegistry, _ cities: [TestCity]) async throws {
        for _ in 0..<2 { try await tick(registry, cities) }
    }

    /// The reference of the only payment that is released.
    private func reference(in registry: TestRegistry) async throws -> PaymentReference? {
        let released = try await registry.store.payments(stage: .released, after: 0, limit: 9)
        try #require(released.count == 1)
        return released[0].authorization?.reference
    }

    /// How many payments the registry's log tells of that were found.
    private func found(_ registry: TestRegistry) async throws -> Int {
        try await registry.log(of: .registry).filter { $0.kind == .paymentFound }.count
    }

    /// A claim of a city is filed and its payment released, in each of these registries.
    private func release(_ city: inout TestCity, in registries: [TestRegistry], with other: TestCity) async throws {
        if city.log.isEmpty {
            city.issue(.sample("V1"))
            city.file(.sample("A", invoices: [.serial(1)]))
            city.request("A")
        }
        for registry in registries {
            _ = try await registry.receive(city.batch(1...3), from: city.code)
            for _ in 0..<3 { try await tick(registry, [city, other]) }
            try #require(try await registry.store.payments(stage: .released, after: 0, limit: 9).count == 1)
        }
    }
}
