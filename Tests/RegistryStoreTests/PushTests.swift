import Arbitration
import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

@Suite("Push", .registryDatabase)
struct PushTests {
    /// Shenzhen, joined, with five entries in its log and none of them sent.
    private func registry() async throws -> (TestRegistry, TestCity) {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        city.write(5)
        return (registry, city)
    }

    private func receipt(_ answer: PushAnswer) throws -> Receipt {
        try Receipt(answer.receipt, by: SigningKey.registry.publicKey)
    }

    @Test("what is accepted is in the registry, byte for byte, and the receipt says so")
    func accepted() async throws {
        let (registry, city) = try await registry()

        let answer = try await registry.receive(city.batch(1...5), from: .shenzhen)
        #expect(answer.answers == .init(repeating: .accepted, count: 5))
        #expect(try receipt(answer).city == .shenzhen)
        #expect(try receipt(answer).through == city.head)
        #expect(try receipt(answer).receivedAt == .noon)
        #expect(try await registry.log(of: .shenzhen) == city.log)
    }

    @Test("the same batch again is already known, gets the same receipt and changes nothing")
    func again() async throws {
        let (registry, city) = try await registry()
        let first = try await registry.receive(city.batch(1...5), from: .shenzhen)
        let before = try await registry.receivedState()

        let second = try await registry.receive(city.batch(1...5), from: .shenzhen)
        #expect(second.answers == .init(repeating: .alreadyKnown, count: 5))
        #expect(second.receipt == first.receipt)
        #expect(try await registry.receivedState() == before)
    }

    @Test("an older batch again is already known, and its receipt covers it")
    func olderAgain() async throws {
        let (registry, city) = try await registry()
        try await registry.receive(city.batch(1...2), from: .shenzhen)
        try await registry.receive(city.batch(3...5), from: .shenzhen)
        let before = try await registry.receivedState()

        let answer = try await registry.receive(city.batch(1...2), from: .shenzhen)
        #expect(answer.answers == [.alreadyKnown, .alreadyKnown])
        #expect(try receipt(answer).through.sequence >= 2)
        #expect(try await registry.receivedState() == before)
    }

    @Test("a log that is cut anywhere arrives whole, each cut with a receipt for its end", arguments: 1...4)
    func cut(at end: Int) async throws {
        let (registry, city) = try await registry()

        let first = try await registry.receive(city.batch(1...end), from: .shenzhen)
        #expect(try receipt(first).through == city.log[end - 1].head)
        let second = try await registry.receive(city.batch((end + 1)...5), from: .shenzhen)
        #expect(try receipt(second).through == city.head)
        #expect(try await registry.log(of: .shenzhen) == city.log)
    }

    @Test("a batch that overlaps what is known adds the rest", arguments: 1...3)
    func overlap(from start: Int) async throws {
        let (registry, city) = try await registry()
        try await registry.receive(city.batch(1...3), from: .shenzhen)

        let answer = try await registry.receive(city.batch(start...5), from: .shenzhen)
        let known = Array(repeating: PushReview.Answer.alreadyKnown, count: 4 - start)
        #expect(answer.answers == known + [.accepted, .accepted])
        #expect(try receipt(answer).through == city.head)
        #expect(try await registry.log(of: .shenzhen) == city.log)
        try await registry.decide()
        #expect(try await registry.answers(to: city).map(\.entry.answers) == city.log.map(\.head))
    }

    @Test("an empty batch with a newer watermark moves the watermark and nothing else; again, it does nothing")
    func watermarkAlone() async throws {
        let (registry, city) = try await registry()
        let first = try await registry.receive(city.batch(1...5), from: .shenzhen)
        let watermark = HybridTime(milliseconds: .noon + 60_000)
        try await registry.receive(city.emptyBatch(watermark: watermark), from: .shenzhen)
        #expect(
            try await registry.numbers("SELECT watermark FROM city WHERE city_code = 440300") == [
                Int64(watermark.rawValue)
            ])
        let before = try await registry.receivedState()

        let answer = try await registry.receive(city.emptyBatch(watermark: watermark), from: .shenzhen)
        #expect(answer.receipt == first.receipt)
        #expect(try await registry.receivedState() == before)
        #expect(try await registry.log(of: .shenzhen) == city.log)
    }

    @Test("two pushes of one batch at the same time: one is accepted, the other already known, one receipt")
    func sameAtOnce() async throws {
        let (registry, city) = try await registry()
        let batch = try city.batch(1...5)
        async let one = registry.receive(batch, from: .shenzhen)
        async let other = registry.receive(batch, from: .shenzhen)
        let answers = try await [one, other]

        #expect(
            Set(answers.map(\.answers)) == [
                .init(repeating: .accepted, count: 5), .init(repeating: .alreadyKnown, count: 5),
            ])
        #expect(answers[0].receipt == answers[1].receipt)
        #expect(try await registry.numbers("SELECT count(*) FROM batch WHERE city_code = 440300") == [1])
    }

    @Test("overlapping pushes at the same time store every entry once")
    func overlapAtOnce() async throws {
        let (registry, city) = try await registry()
        let (short, long) = (try city.batch(1...3), try city.batch(1...5))
        async let one = registry.receive(short, from: .shenzhen)
        async let other = registry.receive(long, from: .shenzhen)
        let answers = try await [one, other].map(\.answers)

        #expect(answers.joined().filter { $0 == .accepted }.count == 5)
        #expect(try await registry.log(of: .shenzhen) == city.log)
        try await registry.decide()
        #expect(try await registry.answers(to: city).count == 5)
    }

    @Test("a city that has not joined cannot push")
    func notJoined() async throws {
        let (registry, _) = try await registry()
        _ = try await registry.store.enroll(.beijing, name: "北京", expiresAt: .noon + 1, now: .noon)
        for code in [CityCode.beijing, .hangzhou] {
            var stranger = TestCity(code, key: .of(code), epoch: .init(incarnation: 1, counter: 1, nonce: 1), nonce: [])
            stranger.write(1)
            let batch = try stranger.batch(1...1)

            let refusal = await #expect(throws: RegistryRefusal.self) { try await registry.receive(batch, from: code) }
            #expect(refusal?.code == .unknownCity)
        }
    }
}
