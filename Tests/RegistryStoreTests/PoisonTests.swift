import Arbitration
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// An entry that the database will not take must not stop the nation (FAULTS.md, F24). Nobody knows which one it will
/// be: a constraint of the test's own plays the fault.
@Suite("Entries that cannot be stored", .database)
struct PoisonTests {
    /// Two cities with batches of claims, of which the database refuses those that are numbered `BAD…`.
    private func registry(_ claims: [[String]]) async throws -> TestRegistry {
        let registry = try await TestRegistry()
        var serial = 0
        for code in [CityCode.beijing, .shenzhen] {
            var city = try await registry.join(code)
            city.issue(.sample("V1"))
            for batch in claims {
                for number in batch {
                    serial += 1
                    city.file(.sample(number, contract: "HT-\(serial)", invoices: [.serial(serial)]))
                }
                try await city.push(to: registry)
            }
        }
        try await registry.run("ALTER TABLE claim ADD CONSTRAINT poison CHECK (claim_no NOT LIKE 'BAD%')")
        return registry
    }

    /// Lets one arbiter work until nothing waits.
    private func decide(_ registry: TestRegistry) async throws -> [String] {
        let arbiter = Arbiter(store: registry.store)
        try #require(try await arbiter.acquire())
        var alarms: [String] = []
        for _ in 0..<200 {
            let report = try await arbiter.decide()
            if let poison = report.poison { alarms.append(poison) }
            if !report.more { return alarms }
        }
        Issue.record("the arbiter does not come to an end")
        return alarms
    }

    @Test(
        "each is answered invalid with an alarm, and every other entry is decided",
        arguments: [
            [["BAD"]], [["A", "BAD", "B"]], [["A", "B", "BAD"]], [["A"], ["B", "BAD1", "C", "BAD2"], ["D"]],
            [["BAD1", "BAD2", "BAD3"]], [["A", "B"], ["C"]],
        ])
    func isolated(batches: [[String]]) async throws {
        let registry = try await registry(batches)
        let numbers = batches.flatMap { $0 }
        let bad = numbers.filter { $0.hasPrefix("BAD") }

        let alarms = try await decide(registry)

        #expect(alarms.count == 2 * bad.count)
        let claims = try await registry.store.claims(.init(), after: 0, limit: 100)
        #expect(claims.map(\.name.number).sorted() == (numbers + numbers).filter { !bad.contains($0) }.sorted())
        #expect(claims.allSatisfy { $0.state == .reserved })
        let invalid = try await registry.feed().filter { $0.entry.decision == .invalid }
        #expect(invalid.count == 2 * bad.count)
        #expect(try await registry.numbers("SELECT count(*) FROM batch WHERE NOT folded") == [0])
        #expect(try await registry.store.recompute { _ in }.faults == [])
        #expect(try await registry.store.verify { _ in }.faults == [])
    }

    @Test("the next arbiter goes on where one was stopped in the middle of its search")
    func takenOver() async throws {
        let registry = try await registry([["A", "BAD", "B"], ["C"]])
        let first = Arbiter(store: registry.store)
        try #require(try await first.acquire())
        _ = try await first.decide()
        await first.release()

        #expect(try await decide(registry).count == 2)
        #expect(try await registry.store.claims(.init(), after: 0, limit: 100).count == 6)
    }
}
