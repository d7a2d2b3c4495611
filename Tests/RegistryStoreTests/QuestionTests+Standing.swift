import Arbitration
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// What operators watch: cases and rulings by the day, and how cities and registry agree.
extension QuestionTests {
    @Test("a case is overdue from the day after its last one until it is ruled on; the ruling is told with its reason")
    func overdueAndRuled() async throws {
        let registry = try await TestRegistry()
        for (code, number, serial) in [(CityCode.beijing, "B1", 1), (.shenzhen, "S1", 2)] {
            var city = try await registry.join(code)
            city.issue(.sample("V1"))
            city.file(.sample(number, invoices: [.serial(serial)], receipt: "R1"))
            try await city.push(to: registry)
            try await registry.decide()
        }
        func rows(_ name: RegistryStore.Report.Name, on day: CalendarDate) async throws -> [[String]] {
            try await registry.store.report(name, today: day, limit: 10).rows
        }
        let conflict = try #require(try await registry.store.cases(limit: 10).first)
        let (last, claims) = (conflict.deadline, "440300/S1 110000/B1")
        let later = CalendarDate(rawValue: last.rawValue + 3)

        #expect(try await rows(.overdueCases, on: last) == [])
        let overdue = [[conflict.id, "open", last.iso8601, "3", claims, "20.00"]]
        #expect(try await rows(.overdueCases, on: later) == overdue)
        #expect(try await rows(.rulings, on: later) == [])

        try await registry.rule(
            for: ClaimName(city: .beijing, number: "B1"), against: ClaimName(city: .shenzhen, number: "S1"))
        #expect(try await rows(.overdueCases, on: later) == [])
        let position = try await registry.store.feedHead().position
        let ruled = [["\(position)", conflict.id, "ruled", "confirmed", "李", claims, "20.00", "查明"]]
        #expect(try await rows(.rulings, on: later) == ruled)
    }

    @Test("a city agrees by what it has sealed of the feed: with this one, with another one, or not yet with any")
    func agreement() async throws {
        let registry = try await TestRegistry()
        var cities = [try await registry.join(.beijing), try await registry.join(.shenzhen)]
        _ = try await registry.join(.hangzhou)
        try await registry.decide()
        let head = try await registry.store.feedHead()
        cities[0].feedHead = head
        cities[1].feedHead = FeedHead(
            incarnation: head.incarnation, position: head.position, hash: Digest(.feed, [7]))
        for index in cities.indices {
            cities[index].issue(.sample("V1"))
            try await cities[index].push(to: registry)
        }
        try await registry.decide()

        let health = try await registry.store.cityHealth()
        let order = [CityCode.beijing, .shenzhen, .hangzhou]
        let found = order.map { code in health.first { $0.summary.code == code } }
        #expect(health.count == order.count)
        #expect(found.map { $0?.agrees } == [true, false, nil])
        #expect(found.map { $0?.sealedFeed } == [head.position, head.position, nil])
        #expect(health.map(\.keyFingerprint).allSatisfy { $0.count == 16 })
    }
}
