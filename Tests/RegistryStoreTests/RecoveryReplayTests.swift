import Arbitration
import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// In what order a recovering registry decides again, and that it decides nothing twice.
@Suite("What a restored registry decides again", .registryDatabase)
struct RecoveryReplayTests {
    @Test("a log is decided in its own order, also where two servers' clocks differed")
    func clocks() async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        try await registry.decide()
        city.write(4)
        _ = try await registry.store.receive(city.batch(1...2), from: city.code, now: .noon + 300)
        _ = try await registry.store.receive(city.batch(3...4), from: city.code, now: .noon)

        try await registry.store.beginRecovery(reason: "test", now: .noon)
        var giver = try await GivingCity(city, of: registry)
        try await giver.giveBack(to: registry)
        try await registry.expectRecovered()

        let answered = try await registry.feed().filter { $0.entry.city == city.code }
        #expect(answered.map(\.entry.answers.sequence) == [1, 2, 3, 4])
        #expect(try await registry.store.cities().map(\.undecided) == [0])
    }

    @Test("a ruling is decided on the case as it was, though the filing that opened it came back with it")
    func rulingWithItsCase() async throws {
        let registry = try await TestRegistry()
        var first = try await registry.join(.beijing)
        var second = try await registry.join(.shenzhen)
        first.issue(.sample("V1"))
        first.file(.sample("A", invoices: [.serial(1)], receipt: "R1"))
        try await first.push(to: registry)
        try await registry.decide()
        try await TestDatabase.current.copied { copy in
            second.issue(.sample("V1"))
            second.file(.sample("B", invoices: [.serial(2)], receipt: "R1"))
            try await second.push(to: registry)
            try await registry.decide()
            let conflict = try #require(try await registry.store.cases(limit: 9).first)
            let (loser, winner) = (
                ClaimName(city: .beijing, number: "A"), ClaimName(city: .shenzhen, number: "B")
            )
            try await registry.act(
                .ruled(
                    Ruling(
                        caseID: conflict.id, kept: [winner], ruledOut: [loser], code: .confirmed, reason: "查明",
                        by: "李")))
            try await registry.decide()
            try #require(try await registry.store.claim(loser)?.state == .refused)

            let restored = TestRegistry(opening: copy.pool)
            try await restored.store.beginRecovery(reason: "test", now: .noon)
            var givers: [GivingCity] = []
            for city in [first, second] { givers.append(try await GivingCity(city, of: registry)) }
            // Each shows what it has before one gives the feed.
            for _ in 0..<3 { for index in givers.indices { try await givers[index].giveBack(to: restored) } }
            try await restored.expectRecovered()

            #expect(try await restored.store.claim(loser)?.state == .refused)
            #expect(try await restored.store.claim(winner)?.state == .reserved)
        }
    }

    @Test("what was folded before a recovery is not written after it")
    func foldedAcross() async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        try await registry.decide()
        city.write(3 * PushBatch.maximumEntries)
        for first in stride(from: 1, through: city.log.count, by: PushBatch.maximumEntries) {
            _ = try await registry.receive(city.batch(first...(first + PushBatch.maximumEntries - 1)), from: city.code)
        }
        let arbiter = Arbiter(store: registry.store)
        try #require(try await arbiter.acquire())
        // Two batches are written; the third is folded meanwhile.
        #expect(try await arbiter.decide().decided == 2 * PushBatch.maximumEntries)
        try await registry.store.beginRecovery(reason: "test", now: .noon)
        var giver = try await GivingCity(city, of: registry)
        try await giver.giveBack(to: registry)

        let error = await #expect(throws: PostgresError.self) { try await arbiter.decide() }
        #expect(error?.code == .serializationFailure)
        await arbiter.release()
        try await registry.expectRecovered()
        #expect(try await registry.answers(to: city).count == city.log.count)
    }
}
