import Arbitration
import FederationWire
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// What operators see of each city.
@Suite("How cities stand", .registryDatabase)
struct CityHealthTests {
    private func health(_ city: CityCode, _ registry: TestRegistry) async throws -> RegistryStore.CityHealth {
        try #require(try await registry.store.cityHealth().first { $0.summary.code == city })
    }

    @Test(
        "before its first seal nothing is known of a city's feed; then whether it is this one",
        arguments: [true, false])
    func agreement(isOurs: Bool) async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        try await registry.decide()
        let before = try await health(.shenzhen, registry)
        #expect(before.agrees == nil)
        #expect(before.sealedFeed == nil)
        #expect(before.watermark == 0)
        #expect(before.summary.protocolVersion != nil)

        let end = try await registry.store.feedHead()
        city.feedHead =
            isOurs ? end : FeedHead(incarnation: end.incarnation, position: end.position, hash: Digest(.feed, [7]))
        city.issue(.sample("V1"))
        try await city.push(to: registry)
        try await registry.decide()

        let after = try await health(.shenzhen, registry)
        #expect(after.agrees == isOurs)
        #expect(after.sealedFeed == end.position)
    }
}
