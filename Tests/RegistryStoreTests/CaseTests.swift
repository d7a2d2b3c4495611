import Arbitration
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

@Suite("Cases", .database)
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
        #expect(try await registry.store.cases(after: found.position, limit: 10) == [])
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
