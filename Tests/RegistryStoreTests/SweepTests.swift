import Arbitration
import FederationWire
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

@Suite("The nightly pass", .registryDatabase)
struct SweepTests {
    private func company(_ code: CreditCode) -> Register.Company {
        let phone = Register.Attribute(kind: .phone, hash: .sixteen(3))
        return Register.Company(code: code, name: "", headOffice: nil, attributes: [phone])
    }

    @Test("what the ownership file says later opens a case on a claim decided before, once")
    func lateRegister() async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        city.issue(.sample("V1"))
        city.file(.sample("C1", invoices: [.serial(1)]))
        try await city.push(to: registry)
        try await registry.decide()
        let name = ClaimName(city: .shenzhen, number: "C1")
        #expect(try await registry.store.sweep(isTrial: false, now: .noon) { _ in } == [])

        try await registry.act(.companiesListed([company(.buyer), company(.supplier)]))
        try await registry.decide()
        #expect(try await registry.store.sweep(isTrial: true, now: .noon) { _ in } == [name])
        #expect(try await registry.store.cases(limit: 9) == [])
        #expect(try await registry.store.sweep(isTrial: false, now: .noon) { _ in } == [name])
        try await registry.decide()

        let cases = try await registry.store.cases(limit: 9)
        #expect(cases.map(\.rules) == [["related-parties"]])
        #expect(cases.first?.parties.map(\.claim) == [name])
        #expect(try await registry.store.claim(name)?.state == .reserved)
        #expect(try await registry.store.sweep(isTrial: false, now: .noon) { _ in } == [])
        #expect(try await registry.store.recompute { _ in }.faults == [])
    }
}
