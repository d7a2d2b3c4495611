import Arbitration
import DefaultPolicy
import FederationWire
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

@Suite("Publishing a policy", .registryDatabase)
struct PolicyPublishTests {
    private let lowCap = CappedPolicy.document(version: 2, yearCap: .yuan(100))

    /// A registry with one claim of 60 yuan reserved.
    private func registry() async throws -> (TestRegistry, TestCity) {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        city.issue(.sample("V1"))
        city.file(.sample("C1", invoices: [.serial(1)], claimed: .yuan(60)))
        try await city.push(to: registry)
        try await registry.decide()
        return (registry, city)
    }

    @Test("a policy binds what is decided after it, and nothing before")
    func binds() async throws {
        var (registry, city) = try await registry()

        #expect(try await registry.store.publish(policy: lowCap, now: .noon))
        city.file(.sample("C2", invoices: [.serial(2)], claimed: .yuan(60)))
        try await city.push(to: registry)
        try await registry.decide()

        let claims = try await registry.store.claims(.init(), after: 0, limit: 10)
        #expect(claims.map(\.state) == [.reserved, .refused])
        #expect(claims.map(\.policyVersion) == [1, 2])
        #expect(try await registry.store.policyDocuments().first?.document == lowCap)
        #expect(try await registry.store.recompute { _ in }.faults == [])
    }

    @Test("the same file again changes nothing, decided or not")
    func again() async throws {
        let (registry, _) = try await registry()

        #expect(try await !registry.store.publish(policy: DefaultPolicy.document, now: .noon))
        #expect(try await registry.store.publish(policy: lowCap, now: .noon))
        #expect(try await !registry.store.publish(policy: lowCap, now: .noon))
        try await registry.decide()
        #expect(try await !registry.store.publish(policy: lowCap, now: .noon))
    }

    @Test("a version that is taken is refused with the next free one, also while the first still waits")
    func takenVersion() async throws {
        let (registry, _) = try await registry()
        try await #require(registry.store.publish(policy: lowCap, now: .noon))
        let other = CappedPolicy.document(version: 2, yearCap: .yuan(200))

        let refusal = await #expect(throws: RegistryRefusal.self) {
            try await registry.store.publish(policy: other, now: .noon)
        }
        #expect(refusal?.message == "policy version 2 is published already: give this file version 3")
    }

    @Test("a file that is no policy is refused with its fault, and nothing is appended")
    func noPolicy() async throws {
        let (registry, _) = try await registry()
        let head = try await registry.numbers("SELECT log_sequence FROM city WHERE city_code = 0")

        await #expect(throws: RegistryRefusal.self) { try await registry.store.publish(policy: [1], now: .noon) }
        await #expect(throws: RegistryRefusal.self) {
            try await registry.store.publish(
                policy: CappedPolicy.document(version: 0, yearCap: .yuan(1)), now: .noon)
        }
        #expect(try await registry.numbers("SELECT log_sequence FROM city WHERE city_code = 0") == head)
    }

    @Test("two operators who publish one version at the same time: one is told to take the next")
    func atOnce() async throws {
        let (registry, _) = try await registry()
        let files = [100, 200].map { CappedPolicy.document(version: 2, yearCap: .yuan($0)) }

        async let first = Result { try await registry.store.publish(policy: files[0], now: .noon) }
        async let second = Result { try await registry.store.publish(policy: files[1], now: .noon) }
        let results = await [first, second]

        #expect(results.filter { (try? $0.get()) == true }.count == 1)
        #expect(results.filter { (try? $0.get()) == nil }.count == 1)
    }

    @Test("a preview names what would change, and changes nothing itself")
    func preview() async throws {
        var (registry, city) = try await registry()
        city.file(.sample("C2", invoices: [.serial(2)], claimed: .yuan(60)))
        try await city.push(to: registry)
        try await registry.decide()
        let head = try await registry.store.feedHead()

        let preview = try await registry.store.preview(policy: lowCap) { _ in }

        #expect(preview.compared == 2)
        #expect(preview.changes.map(\.claim.number) == ["C2"])
        #expect(preview.changes.map(\.rules) == [["enterprise-year-cap"]])
        #expect(try await registry.store.feedHead() == head)
        #expect(try await registry.store.policyDocuments().first?.policy.version == 1)
    }
}
