import Arbitration
import FederationWire
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

@Suite("Cases", .registryDatabase)
struct CaseTests {
    /// Two claims in two cities with one bank receipt: the second is held.
    private func registry() async throws -> (TestRegistry, TestCity) {
        let registry = try await TestRegistry()
        for (code, number) in [(CityCode.beijing, "B1"), (.shenzhen, "S1")] {
            var city = try await registry.join(code)
            city.issue(.sample("V1"))
            city.file(.sample(number, invoices: [.serial(number == "B1" ? 1 : 2)], receipt: "R1"))
            try await city.push(to: registry)
            try await registry.decide()
            if code == .shenzhen { return (registry, city) }
        }
        throw RegistryRefusal(.notFound, "no second city")
    }

    @Test("a held claim opens one case with every claim involved, found by its spoken id")
    func opened() async throws {
        let (registry, _) = try await registry()
        let claim = try #require(try await registry.store.claim(ClaimName(city: .shenzhen, number: "S1")))
        let found = try #require(try await registry.store.conflictCase(claim.caseID ?? ""))

        #expect(found.isOpen)
        #expect(found.rules == ["evidence-once"])
        #expect(found.parties.map(\.claim.description) == ["440300/S1", "110000/B1"])
        #expect(found.parties.map(\.state) == [.held, .reserved])
        #expect(try await registry.store.cases(limit: 10) == [found])
        #expect(try await registry.store.cases(.init(isOpen: false), limit: 10) == [])
        #expect(try await registry.store.cases(after: .init(position: found.position), limit: 10) == [])
    }

    @Test("what a city answered is told with when it came and the digests of what it showed, which nothing else has")
    func evidence() async throws {
        var (registry, city) = try await registry()
        let id = try #require(try await registry.store.cases(limit: 1).first).id
        let digests = [[UInt8](repeating: 7, count: 32), [UInt8](repeating: 1, count: 32)]
        for (kind, shown) in [(CaseAnswer.Kind.contest, digests), (.notDuplicate, [])] {
            let answer = CaseAnswer(caseID: id, kind: kind, reason: "两份合同", evidence: shown)
            city.append(.caseAnswered, PayloadCoding.encode(answer))
        }
        let later = UInt64.noon + 90_000
        _ = try await registry.store.receive(
            city.batch(city.log.count - 1...city.log.count), from: .shenzhen, now: later)
        try await registry.decide()

        let steps = try await registry.store.steps(ofCase: id)
        #expect(steps.map(\.kind) == [.opened, .answered, .answered])
        #expect(steps.map(\.evidence) == [[], digests, []])
        #expect(steps.map(\.receivedAt) == [Int64(UInt64.noon), Int64(later), Int64(later)])
    }

    @Test("an operator's act on a case waits from when it is recorded until it is decided")
    func awaited() async throws {
        let (registry, _) = try await registry()
        let found = try #require(try await registry.store.cases(limit: 1).first)
        func waiting(_ id: String? = nil, by name: String = "李") async throws -> Set<CaseEvent.Kind> {
            try await registry.store.awaitedSteps(onCase: id ?? found.id, by: name)
        }
        #expect(try await waiting() == [])
        let ruling = Ruling(
            caseID: found.id, kept: found.parties.map(\.claim), ruledOut: [], code: .falsePositive, reason: "查明",
            by: "李")
        _ = try await registry.store.rule(ruling, now: .noon)
        #expect(try await waiting() == [.ruled, .proposed])
        #expect(try await waiting(by: "王") == [])
        #expect(try await waiting("22222-2") == [])
        try await registry.decide()
        #expect(try await waiting() == [])

        try await registry.store.reopen(caseID: found.id, reason: "新证据", by: "李", now: .noon)
        #expect(try await waiting() == [.reopened])
        try await registry.decide()
        #expect(try await waiting() == [])
    }

    @Test("withdrawing the held claim closes its case, in a later transaction or in its own", arguments: [true, false])
    func closed(later: Bool) async throws {
        var (registry, city) = try await registry()
        city.file(.sample("S2", invoices: [.serial(3)], receipt: "R1"))
        try await city.push(to: registry)
        if later { try await registry.decide() }
        city.withdraw("S2")
        try await city.push(to: registry)
        try await registry.decide()

        #expect(try await registry.store.cases(limit: 10).map(\.isOpen) == [true, false])
        let closed = try #require(try await registry.store.cases(.init(isOpen: false), limit: 10).first)
        #expect(closed.parties.map(\.state).contains(.withdrawn))
        #expect(try await registry.store.recompute { _ in }.faults == [])
    }
}
