import Arbitration
import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// Recoveries that begin anew while the tables are made anew.
extension BranchTests {
    @Test("tables that are made anew while the recovery begins anew and ends the feed earlier raise no alarm")
    func begunAnewMeanwhile() async throws {
        let registry = try await TestRegistry()
        var (city, other) = (try await registry.join(.shenzhen), try await registry.join(.hangzhou))
        try await registry.decide()
        var later = other
        let third = try await TestDatabase.current.copied()
        let another = TestRegistry(opening: third.pool)
        try await write(3, &city, registry)
        let copy = try await TestDatabase.current.copied()
        let restored = TestRegistry(opening: copy.pool)
        try await restored.act(.enrolled(.guangzhou, name: "广州"))
        try await restored.decide()
        try await write(20, &other, registry)
        try await write(60, &later, another)
        var givers = try await beginRecovery(of: restored, from: [(city, registry), (other, registry)])
        let seen = try await restored.store.pool.run { try RegistryRow.read($0) }
        try #require(seen.recovery == .rewinding)

        // This time another tail is chosen, which leaves the feed earlier.
        try await restored.store.beginRecovery(reason: "test", now: .noon)
        givers[1] = try await GivingCity(later, of: another)
        try await giveBack(&givers, to: restored)
        try #require(try await restored.store.feedHead().position < seen.feedHead.position)
        let dialect = restored.store.dialect
        let error = await #expect(throws: PostgresError.self) {
            try await restored.store.pool.transaction { try TableRewind.run(from: seen, $0, .test, dialect) }
        }

        #expect(error?.code == .serializationFailure)
        try await restored.expectRecovered()
        try await copy.drop()
        try await third.drop()
    }
}
