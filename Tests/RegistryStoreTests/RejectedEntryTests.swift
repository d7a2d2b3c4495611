import Arbitration
import FederationWire
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

@Suite("Entries that are rejected, or say what no node says", .registryDatabase)
struct RejectedEntryTests {
    private func registry() async throws -> (TestRegistry, TestCity) {
        let registry = try await TestRegistry()
        return (registry, try await registry.join(.shenzhen))
    }

    /// Lets the registry decide and gives what the city reads of its last entry.
    private func lastAnswer(_ registry: TestRegistry, _ city: TestCity) async throws -> (Outcome.Decision, [String]) {
        try await registry.decide()
        let answers = try await registry.answers(to: city)
        #expect(answers.map(\.entry.answers) == city.log.map(\.head))
        let last = try #require(answers.last)
        let faults = (try city.detail(last)?.reasons ?? []).map { reason in
            if case .faultyEntry(let fault) = reason.finding { fault } else { "" }
        }
        return (last.entry.decision, faults)
    }

    @Test("an entry whose clock stands still is rejected, answered invalid, and the log goes on")
    func clock() async throws {
        var (registry, city) = try await registry()
        city.issue(.sample("V1"))
        city.append(.nodeStarted, [], time: city.time)
        let answer = try await city.push(to: registry)
        #expect(answer.answers == [.accepted, .rejected("its clock does not rise")])

        let (decision, faults) = try await lastAnswer(registry, city)
        #expect(decision == .invalid)
        #expect(faults == ["its clock does not rise"])
        city.file(.sample("C1", invoices: [.serial(1)]))
        #expect(try await city.push(to: registry).answers == [.accepted])
        #expect(try await lastAnswer(registry, city).0 == .reserved)
    }

    @Test("a rejected claim takes nothing: its number and its invoices stay free")
    func takesNothing() async throws {
        var (registry, city) = try await registry()
        city.issue(.sample("V1"))
        let claim = Claim.sample("C1", invoices: [.serial(1)])
        city.append(.claimFiled, PayloadCoding.encode(claim), time: city.time)
        city.file(claim)
        try await city.push(to: registry)
        try await registry.decide()

        #expect(try await registry.answers(to: city).map(\.entry.decision) == [.noted, .invalid, .reserved])
    }

    @Test("an entry id of another city's entry is rejected and answered invalid; the other's entry stays as it was")
    func idOfAnotherCity() async throws {
        var (registry, city) = try await registry()
        var other = try await registry.join(.beijing)
        let first = valid(other.write(1).first)
        try await other.push(to: registry)
        city.append(.nodeStarted, [], id: first.id)
        let answer = try await city.push(to: registry)

        #expect(answer.answers == [.rejected(PushReview.repeatedID)])
        let (decision, faults) = try await lastAnswer(registry, city)
        #expect(decision == .invalid)
        #expect(faults == [PushReview.repeatedID])
        #expect(try await registry.answers(to: other).map(\.entry.decision) == [.noted])
        #expect(try await registry.log(of: .beijing) == [first])
    }

    @Test("an entry id that comes twice in one batch is accepted once")
    func idTwice() async throws {
        var (registry, city) = try await registry()
        let first = valid(city.write(1).first)
        city.append(.nodeStarted, [], id: first.id)
        city.write(1)

        #expect(try await city.push(to: registry).answers == [.accepted, .rejected(PushReview.repeatedID), .accepted])
        #expect(try await registry.decide() == 7)
    }

    @Test("two cities that push one entry id at the same time: one has it, the other is rejected in the end")
    func sameIDAtOnce() async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        var other = try await registry.join(.beijing)
        let id = EntryID(rawValue: .sixteen(5))
        city.append(.nodeStarted, [], id: id)
        other.append(.nodeStarted, [], id: id)
        let batches = [(CityCode.shenzhen, try city.batch(1...1)), (.beijing, try other.batch(1...1))]
        await withTaskGroup(of: Void.self) { group in
            for (code, batch) in batches {
                // The loser may have to come back.
                group.addTask { _ = try? await registry.receive(batch, from: code) }
            }
        }
        for (code, batch) in batches { try await registry.receive(batch, from: code) }
        try await registry.decide()

        let decisions = try await registry.feed().filter { $0.entry.city != .registry }.map(\.entry.decision)
        #expect(Set(decisions) == [.noted, .invalid])
    }

    @Test("an act of the registry in a city's log is rejected, answered invalid and has no effect")
    func registryAct() async throws {
        var (registry, city) = try await registry()
        let act = RegistryAct.policyPublished(
            version: 9, document: CappedPolicy.document(version: 9, yearCap: .yuan(1)))
        city.append(act.kind, act.payload)

        #expect(try await city.push(to: registry).answers == [.rejected("its kind belongs to the registry's log")])
        #expect(try await lastAnswer(registry, city).0 == .invalid)
        #expect(try await registry.store.policyDocuments().first?.policy.version == 1)
    }

    @Test("an entry of a kind that this build does not know is kept and answered unsupported")
    func unknownKind() async throws {
        var (registry, city) = try await registry()
        city.append(.future, [1, 2, 3])
        #expect(try await city.push(to: registry).answers == [.accepted])

        #expect(try await lastAnswer(registry, city).0 == .unsupported)
        #expect(try await registry.log(of: .shenzhen) == city.log)
    }

    @Test("a payload that cannot be read is answered invalid, with what is wrong")
    func unreadable() async throws {
        var (registry, city) = try await registry()
        city.append(.claimFiled, [0xFF, 0xFF])
        try await city.push(to: registry)

        let (decision, faults) = try await lastAnswer(registry, city)
        #expect(decision == .invalid)
        #expect(faults.count == 1)
    }

    /// Claim numbers that no form lets through.
    private enum StrangeNumber: String, CaseIterable {
        case zeroByte, endsInZeroByte, controls, letter, decomposedLetter, emoji, arraySyntax, slash, long

        var text: String {
            switch self {
            case .zeroByte: "\0"
            case .endsInZeroByte: "C1\0"
            case .controls: "\u{1}\n\t"
            case .letter: "é"
            case .decomposedLetter: "e\u{301}"
            case .emoji: "💰"
            case .arraySyntax: "a,b{\"}\\"
            case .slash: "C1/C1"
            case .long: String(repeating: "长", count: 80_000)
            }
        }
    }

    @Test("a withdrawal is decided, whatever it calls its claim", arguments: StrangeNumber.allCases)
    private func strangeWithdrawal(number: StrangeNumber) async throws {
        var (registry, city) = try await registry()
        city.withdraw(number.text)
        city.write(1)
        try await city.push(to: registry)
        try await registry.decide()

        #expect(try await registry.answers(to: city).map(\.entry.decision) == [.invalid, .noted])
    }

    @Test("claims whose numbers differ only in how a letter is composed are two claims")
    func composition() async throws {
        var (registry, city) = try await registry()
        city.issue(.sample("V1"))
        city.file(
            .sample("é", contract: "HT-1", invoices: [.serial(1)]),
            .sample("e\u{301}", contract: "HT-2", invoices: [.serial(2)]))
        try await city.push(to: registry)
        try await registry.decide()
        city.withdraw("e\u{301}")
        try await city.push(to: registry)
        try await registry.decide()

        let composed = try await registry.store.claim(ClaimName(city: .shenzhen, number: "é"))
        let decomposed = try await registry.store.claim(ClaimName(city: .shenzhen, number: "e\u{301}"))
        #expect(composed?.state == .reserved)
        #expect(decomposed?.state == .withdrawn)
    }
}
