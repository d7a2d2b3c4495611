import Arbitration
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// An entry that the database will not take must not stop the nation (FAULTS.md, F24). Nobody knows which one it will
/// be: a constraint of the test's own plays the fault.
@Suite("Entries that cannot be stored", .registryDatabase)
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

    @Test("an audit of a journal that says what no table takes names all that it found")
    func audited() async throws {
        let registry = try await registry([["A", "BAD", "B"]])
        _ = try await decide(registry)
        try #require(try await registry.store.recompute { _ in }.faults == [])
        // As it was received: somebody has taken the note of the fault away.
        try await registry.run("UPDATE entry SET fault = NULL")

        let faults = try await registry.store.recompute { _ in }.faults
        #expect(faults.contains { $0.hasPrefix("position ") })
        #expect(faults.contains { $0.hasPrefix("the tables cannot be written again up to position ") }, "\(faults)")
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

    /// An arbiter that begins and dies before it has decided anything, perhaps while it tries an entry alone.
    ///
    /// - Parameter isSurvivor: Whether the process goes on and begins once more.
    private func die(
        _ registry: TestRegistry, trying entry: (city: CityCode, sequence: Int)? = nil, isSurvivor: Bool = false
    ) async throws {
        let process = RegistryStore(pool: registry.store.pool, secrets: .test)
        let arbiter = Arbiter(store: isSurvivor ? registry.store : process)
        try #require(try await arbiter.acquire())
        if let entry {
            try await registry.run(
                "UPDATE fold_watch SET city_code = \(entry.city.rawValue), sequence = \(entry.sequence)")
        }
        await arbiter.release()
    }

    @Test("an entry at which three processes in a row died is answered invalid, and every other one is decided")
    func deadly() async throws {
        let registry = try await registry([["A", "B", "C"], ["D"]])
        // Beijing's voucher is entry 1, its claim B entry 3.
        for _ in 0..<3 { try await die(registry, trying: (.beijing, 3)) }

        let alarms = try await decide(registry)

        #expect(alarms.count == 1)
        #expect(alarms.first?.contains("entry 3 of city 110000: 3 processes in a row ended") == true)
        let invalid = try await registry.feed().filter { $0.entry.decision == .invalid }
        #expect(invalid.map(\.entry.answers.sequence) == [3])
        let claims = try await registry.store.claims(.init(), after: 0, limit: 100)
        #expect(claims.map(\.name.number).sorted() == ["A", "A", "B", "C", "C", "D", "D"])
        #expect(try await registry.store.recompute { _ in }.faults == [])
    }

    @Test("processes that die at different entries, or with something decided in between, blame none")
    func blameless() async throws {
        let registry = try await registry([["A", "B", "C"], ["D"]])
        for sequence in [2, 3, 3, 4, 3, 3] { try await die(registry, trying: (.beijing, sequence)) }
        #expect(try await decide(registry) == [])
        for _ in 0..<6 { try await die(registry) }
        for _ in 0..<6 { try await die(registry, trying: (.shenzhen, 2), isSurvivor: true) }
        #expect(try await decide(registry) == [])

        #expect(try await registry.feed().allSatisfy { $0.entry.decision != .invalid })
        #expect(try await registry.numbers("SELECT starts FROM fold_watch") == [0])
    }

    @Test("after many deaths entries are tried one by one, which changes nothing of what is decided")
    func careful() async throws {
        let registry = try await registry([["A", "B"], ["C", "BAD", "D"], ["E"]])
        for _ in 0..<FoldWatch.mostStarts { try await die(registry) }

        // Each transaction by an arbiter of its own, which is careful.
        var alarms: [String] = []
        while try await registry.numbers("SELECT count(*) FROM batch WHERE NOT folded") != [0] {
            try await registry.run("UPDATE fold_watch SET starts = \(FoldWatch.mostStarts)")
            let arbiter = Arbiter(store: RegistryStore(pool: registry.store.pool, secrets: .test))
            try #require(try await arbiter.acquire())
            if let poison = try await arbiter.decide().poison { alarms.append(poison) }
            await arbiter.release()
            try #require(alarms.count < 10, "the arbiter does not come to an end")
        }

        #expect(alarms.count == 2)
        #expect(try await registry.feed().filter { $0.entry.decision == .invalid }.count == 2)
        #expect(try await registry.store.claims(.init(), after: 0, limit: 100).count == 10)
        #expect(try await registry.store.recompute { _ in }.faults == [])
        #expect(try await registry.numbers("SELECT count(*) FROM fold_watch WHERE city_code IS NOT NULL") == [0])
    }

    @Test("an arbiter that is careful stays so until nothing waits")
    func carefulToTheEnd() async throws {
        let registry = try await registry([["A"], ["B"], ["C"]])
        for _ in 0..<FoldWatch.mostStarts { try await die(registry) }
        let arbiter = Arbiter(store: registry.store)
        try #require(try await arbiter.acquire())

        // Each transaction takes one batch, and the next deadly one would be tried alone.
        var transactions = 0
        while try await registry.numbers("SELECT count(*) FROM batch WHERE NOT folded") != [0] {
            #expect(try await registry.numbers("SELECT starts FROM fold_watch") == [FoldWatch.mostStarts + 1])
            _ = try await arbiter.decide()
            transactions += 1
        }
        _ = try await arbiter.decide()

        #expect(transactions > 6)
        #expect(try await registry.numbers("SELECT starts FROM fold_watch") == [0])
        await arbiter.release()
    }
}
