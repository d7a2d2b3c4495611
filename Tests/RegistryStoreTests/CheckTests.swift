import Arbitration
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

@Suite("Checks", .registryDatabase)
struct CheckTests {
    /// Shenzhen's claim `C1` on the invoice with serial 1.
    private func registry() async throws -> TestRegistry {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        city.issue(.sample("V1"))
        city.file(.sample("C1", invoices: [.serial(1)]))
        try await city.push(to: registry)
        try await registry.decide()
        return registry
    }

    /// What would be asked before a claim with that number's contract is filed.
    private func question(_ number: String, _ serials: Int..., city: CityCode? = .beijing) -> PreCheck {
        let claim = Claim.sample(number, invoices: serials.map { .serial($0) })
        return PreCheck(
            enterprise: claim.enterprise, provider: claim.provider, contract: claim.contract,
            invoices: claim.invoices.map(\.number), city: city)
    }

    @Test("the answers of a batch are those that each question gets alone, as of one position")
    func batch() async throws {
        let registry = try await registry()
        let questions = [
            question("C1", 1), question("X", 8, 1), question("C1", 9), question("C1", 9, city: .shenzhen),
            question("C1", 9, city: nil), question("X", 8), question("C1", 1),
        ]
        let head = try await registry.store.feedHead()

        let answers = try await registry.store.check(questions)
        #expect(answers.map(\.answer) == [.hit, .hit, .hit, .clear, .hit, .clear, .hit])
        #expect(answers.allSatisfy { $0.position == head && $0.policyVersion == 1 })
        #expect(
            answers.map { $0.reasons.map(\.rule) } == [
                ["invoice-once", "contract-one-city"], ["invoice-once"], ["contract-one-city"], [],
                ["contract-one-city"], [], ["invoice-once", "contract-one-city"],
            ])
        for (question, answer) in zip(questions, answers) {
            #expect(try await registry.store.check(question) == answer)
        }
        #expect(try await registry.store.check([]) == [])
    }

    @Test("answers of a batch stay those of one position while claims are decided beside it")
    func oneSnapshot() async throws {
        let registry = try await registry()
        var city = try await registry.join(.beijing)
        city.issue(.sample("V1"))
        city.file(.sample("B1", invoices: [.serial(2)]))
        try await city.push(to: registry)
        let questions = [question("X", 2), question("Y", 2), question("Z", 1)]

        async let decided = registry.decide()
        var answers: [[RegistryStore.CheckResult]] = []
        for _ in 0..<20 { answers.append(try await registry.store.check(questions)) }
        _ = try await decided
        answers.append(try await registry.store.check(questions))

        for answer in answers {
            #expect(Set(answer.map(\.position)).count == 1)
            #expect(answer[0].answer == answer[1].answer)
            #expect(answer[2].answer == .hit)
        }
        #expect(answers.last?[0].answer == .hit)
    }

    @Test("a head is on the feed when the feed has its position with its hash")
    func heads() async throws {
        let registry = try await registry()
        let head = try await registry.store.feedHead()
        let first = try #require(try await registry.feed().first)
        let known: Set<FeedHead> = [
            head, .empty, FeedHead(incarnation: head.incarnation, position: 1, hash: first.hash),
        ]
        let strange: Set<FeedHead> = [
            FeedHead(incarnation: head.incarnation, position: head.position, hash: .zero),
            FeedHead(incarnation: head.incarnation, position: head.position + 1, hash: head.hash),
            FeedHead(incarnation: head.incarnation + 1, position: head.position, hash: head.hash),
            FeedHead(incarnation: head.incarnation, position: .max, hash: head.hash),
            FeedHead(incarnation: 0, position: 0, hash: head.hash),
        ]

        #expect(try await registry.store.headsOnFeed(among: known.union(strange)) == known)
        #expect(try await registry.store.headsOnFeed(among: []) == [])
    }
}
