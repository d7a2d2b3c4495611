import Arbitration
import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// Cities that send what they have of the feed one after the other.
extension BranchTests {
    @Test(
        "a tail that goes on from the adopted one is adopted, though another one was asked for from further back before",
        arguments: [false, true])
    func longerTail(isOfSameCity: Bool) async throws {
        try await withHalfSentBranch { registry, restored, another, cities, givers in
            var last = try await GivingCity(isOfSameCity ? cities.second : cities.third, of: registry)
            if isOfSameCity { last.call = givers[1].call }

            try await last.giveBack(to: restored)
            var rest = isOfSameCity ? [givers[0], last] : givers + [last]
            try await giveBack(&rest, to: restored)
            try await restored.expectRecovered()

            let feed = try await registry.feed()
            #expect(try await restored.feed().starts(with: feed))
            let branch = try await another.feed().filter { !feed.contains($0) }.map(\.bytes)
            #expect(try await givenUp(restored) == (isOfSameCity ? [] : branch))
            // What no receipt was shown for is pushed again when the registry is open.
            #expect(try await restored.answers(to: cities.second).count == (isOfSameCity ? 0 : 2))
        }
    }

    @Test("a longer tail that parts from the adopted one is named, and stands once the recovery begins anew")
    func longerBranch() async throws {
        try await withHalfSentBranch { _, restored, another, cities, givers in
            var city = cities.second
            try await write(20, &city, another)
            var longer = try await GivingCity(city, of: another)
            longer.call = givers[1].call
            let common = try await restored.store.feedHead().position

            try await longer.giveBack(to: restored)
            let report = try #require(try await restored.store.recoveryReport())
            #expect(report.phase == "collecting")
            #expect(report.problem?.contains("differs at position \(common + 1):") ?? false)

            try await restored.store.beginRecovery(reason: "test", now: .noon)
            try await restored.store.acceptAbsence(of: cities.third.code, reason: "test", now: .noon)
            var anew = [givers[0], longer]
            try await giveBack(&anew, to: restored)
            try await restored.expectRecovered()
            let branch = try await another.feed()
            #expect(try await restored.feed().starts(with: branch))
        }
    }

    /// A recovery that has adopted the tail of a first city, and that has asked a second one from further back for a branch
    /// which does not stand, and has heard no more of it. A third one, which holds a longer tail, is absent.
    private func withHalfSentBranch(
        _ body: (
            _ registry: TestRegistry, _ restored: TestRegistry, _ another: TestRegistry,
            _ cities: (second: TestCity, third: TestCity), _ givers: [GivingCity]
        ) async throws -> Void
    ) async throws {
        let registry = try await TestRegistry()
        var first = try await registry.join(.shenzhen)
        var second = try await registry.join(.hangzhou)
        let third = try await registry.join(.beijing)
        try await registry.decide()
        let copies = [try await TestDatabase.current.copied(), try await TestDatabase.current.copied()]
        let (restored, another) = (TestRegistry(opening: copies[0].pool), TestRegistry(opening: copies[1].pool))
        try await write(6, &first, registry)
        let adopted = try await registry.feed().count
        try await registry.act(.enrolled(.guangzhou, name: "广州"))
        try await registry.decide()
        try await write(2, &second, another)

        try await restored.store.beginRecovery(reason: "test", now: .noon)
        try await restored.store.acceptAbsence(of: third.code, reason: "test", now: .noon)
        var giver = try await GivingCity(first, of: registry, applied: adopted)
        var sender = try await GivingCity(second, of: another)
        _ = try await sender.present(to: restored)
        try await giver.giveBack(to: restored)
        let standing = try await sender.present(to: restored)
        let page = try #require(try sender.page(standing))
        let next = try await restored.store.refill(page, from: second.code, now: .noon)
        try #require(next.wantsFeed && next.feedHead.position < standing.feedHead.position)

        try await body(registry, restored, another, (second, third), [giver, sender])
        for copy in copies { try await copy.drop() }
    }
}
