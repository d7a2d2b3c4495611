import Arbitration
import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// What pages tell of a claim, a case or a city besides their lists.
@Suite("What pages tell", .registryDatabase)
struct PageQuestionTests {
    @Test("a decided claim is told with its place in its city's log and the grant that it was written under")
    func logPlace() async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        city.issue(.sample("V1"))
        let filed = city.file(.sample("C1", invoices: [.serial(1)]), .sample("C2", invoices: [.serial(2)]))
        try await city.push(to: registry)
        try await registry.decide()

        let claims = try await registry.store.claims(.init(), after: nil, limit: 10)
        #expect(claims.map(\.sequence) == filed.map(\.sequence))
        #expect(claims.map(\.epoch) == [city.epoch, city.epoch])
        #expect(try await registry.store.policyDigest(version: 1)?.count == 32)
        #expect(try await registry.store.policyDigest(version: 2) == nil)
    }

    @Test("a time is the position of the last entry that was received before it, whatever the entry is")
    func placeOfTime() async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        try await registry.decide()
        var ends = [Int64(try await registry.store.feedHead().position)]
        let day: UInt64 = 86_400_000
        city.issue(.sample("V1"))
        city.file(.sample("C1", invoices: [.serial(1)]), .sample("C2", invoices: [.serial(2)]))
        city.withdraw("C1")
        // Two days have something, and a day between them has nothing.
        for (entries, later) in [(1...3, day), (4...4, 3 * day)] {
            _ = try await registry.store.receive(city.batch(entries), from: .shenzhen, now: .noon + later)
            try await registry.decide()
            ends.append(Int64(try await registry.store.feedHead().position))
        }
        try #require(ends[1] == ends[0] + 3 && ends[2] == ends[1] + 1)

        let due: [(after: UInt64, position: Int64)] = [
            (0, 0), (1, ends[0]), (day, ends[0]), (day + 1, ends[1]), (2 * day, ends[1]), (3 * day, ends[1]),
            (3 * day + 1, ends[2]), (90 * day, ends[2]),
        ]
        for (after, position) in due {
            let time = Int64(UInt64.noon + after)
            let place = try await registry.store.feedPlace(before: time)
            let isEnd = position == ends[2]
            #expect(place == .init(position: position, isEnd: isEnd, isAwaited: false), "\(after) ms later")
        }
    }

    @Test("the place of a time says whether something that was received before it still waits for its decision")
    func awaitedOfTime() async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        try await registry.decide()
        let head = Int64(try await registry.store.feedHead().position)
        city.issue(.sample("V1"))
        let day: UInt64 = 86_400_000
        _ = try await registry.store.receive(city.batch(1...1), from: .shenzhen, now: .noon + day)
        func place(_ after: UInt64) async throws -> RegistryStore.PlaceOfTime {
            try await registry.store.feedPlace(before: Int64(UInt64.noon + after))
        }

        #expect(try await place(day) == .init(position: head, isEnd: true, isAwaited: false))
        #expect(try await place(day + 1) == .init(position: head, isEnd: true, isAwaited: true))
        try await registry.decide()
        #expect(try await place(day) == .init(position: head, isEnd: false, isAwaited: false))
        #expect(try await place(day + 1) == .init(position: head + 1, isEnd: true, isAwaited: false))
    }

    @Test(
        "how claims stand, and their cases, are as of any position those of the journal up to it",
        arguments: QuestionTests.seeds)
    func past(seed: UInt64) async throws {
        let (registry, order) = try await QuestionTests().pushed(seed)
        let names = try await registry.store.claims(.init(), after: nil, limit: 10_000).map(\.name)
        let now = try await registry.store.standings(of: names)
        var (changed, joined) = (0, 0)
        for position in stride(from: 1, through: order.count, by: 37) {
            let reference = try FoldedReference(Array(order[..<position]))
            let standings = try await registry.store.standings(of: names, asOf: Int64(position))
            #expect(standings.mapValues(\.state) == reference.claims.mapValues(\.state), "as of \(position)")
            changed += standings.filter { $0.value.state != now[$0.key]?.state }.count

            for name in names {
                let cases = try await registry.store.cases(naming: name, asOf: Int64(position))
                let due = reference.fold.ledger.cases.values.filter { $0.parties.map(\.claim).contains(name) }
                #expect(cases == due.sorted { $0.position < $1.position }.map(\.id), "\(name) as of \(position)")
                joined += try await registry.store.cases(naming: name).count - cases.count
            }
        }
        #expect(changed > 0 && joined > 0, "the journal hardly changes anything")
    }
}
