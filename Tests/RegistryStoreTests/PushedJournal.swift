import Arbitration
import FederationWire
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// A generated journal, pushed to a registry by the logs of its cities; and the order in which it must be folded.
struct PushedJournal {
    private let registry: TestRegistry
    /// Everything that was received, in the order of its batches.
    private(set) var order: [Entry] = []
    private var cities: [CityCode: TestCity] = [:]
    private var registrySequence: UInt64 = 0
    private var numbers: SeededGenerator

    static let policy = CappedPolicy.document(yearCap: JournalGenerator.yearCap)

    /// Pushes a journal in batches of one to eight entries, some of which overlap the batch before.
    ///
    /// Half-way, the operators publish a policy with a higher cap, and suspend and reinstate a city.
    /// - Parameter decidesMeanwhile: Lets the arbiter decide after every few batches.
    init(seed: UInt64, length: Int, decidesMeanwhile: Bool, registry: TestRegistry) async throws {
        self.registry = registry
        numbers = SeededGenerator(seed: seed)
        for code in [CityCode.beijing, .hangzhou, .shenzhen] { cities[code] = try await registry.join(code) }
        try await collectActs()
        var generator = JournalGenerator(
            seed: seed, statesOtherAmounts: true, policy: try PolicyCoding.decode(Self.policy))
        // The first entry is the policy, which the registry has published itself.
        let journal = Array(generator.journal(length: length).dropFirst())
        let batches = generator.batches(of: journal)
        for (index, batch) in batches.enumerated() {
            if index == batches.count / 2 { try await operatorsAct() }
            try await register(batch)
            for code in cities.keys.sorted() { try await push(batch.filter { $0.city == code }, by: code) }
            if decidesMeanwhile, numbers.once(in: 4) {
                try await registry.decide()
                try await workOnCases()
            }
        }
    }

    private mutating func push(_ items: [JournalEntry], by code: CityCode) async throws {
        guard var city = cities[code], !items.isEmpty else { return }
        let known = city.log.count
        for item in items {
            let (kind, payload) = item.content.written
            let entry = city.append(kind, payload, id: EntryID(rawValue: item.id))
            #expect(item.content.isFaulty || PayloadCoding.content(of: entry) == item.content)
        }
        // A city whose receipt was lost sends what it has sent before once more.
        let first = known > 0 && numbers.once(in: 3) ? known : known + 1
        let answer = try await registry.receive(city.batch(first...city.log.count), from: code)
        #expect(answer.answers.filter { $0 == .accepted }.count == items.count)
        order += city.log[known...]
        cities[code] = city
    }

    private mutating func register(_ items: [JournalEntry]) async throws {
        for item in items {
            switch item.content {
            case .companiesListed(let companies): try await registry.act(.companiesListed(companies))
            case .providersListed(let providers): try await registry.act(.providersListed(providers))
            default: break
            }
        }
        try await collectActs()
    }

    /// Cities answer, operators rule, and time passes, in cases as they stand in the database.
    private mutating func workOnCases() async throws {
        let cases = try await registry.store.cases(limit: 1_000)
        guard !cases.isEmpty else { return }
        for _ in 0..<3 {
            let found = numbers.pick(cases)
            let names = found.parties.map(\.claim)
            switch numbers.number(below: 5) {
            case 0: try await answer(found.id, by: numbers.pick(names).city)
            case 1:
                try await registry.act(.reopened(caseID: found.id, reason: "新证据", by: "王"))
            case 2:
                let days = Int64(numbers.number(below: 40))
                try await registry.act(.ticked(Tick(wallMilliseconds: Int64(UInt64.noon) + days * 86_400_000)))
            default:
                let kept = names.filter { _ in numbers.once(in: 2) }
                try await registry.act(
                    .ruled(
                        Ruling(
                            caseID: found.id, kept: kept, ruledOut: names.filter { !kept.contains($0) },
                            code: numbers.pick(Ruling.Code.allCases), reason: "查明", by: numbers.pick(["李", "王"]))))
            }
            try await collectActs()
        }
        try await registry.decide()
    }

    private mutating func answer(_ id: String, by code: CityCode) async throws {
        let answer = CaseAnswer(
            caseID: id, kind: numbers.pick(CaseAnswer.Kind.allCases), reason: "说明", evidence: [])
        var generator = SystemRandomNumberGenerator()
        let entry = JournalEntry(
            position: 0, city: code, id: EntryID(using: &generator).rawValue, content: .caseAnswered(answer))
        try await push([entry], by: code)
    }

    private mutating func operatorsAct() async throws {
        let document = CappedPolicy.document(version: 2, yearCap: .yuan(400))
        try await registry.act(.policyPublished(version: 2, document: document))
        try await registry.store.setSuspended(true, .hangzhou, reason: "test", now: .noon)
        try await registry.store.setSuspended(false, .hangzhou, reason: "test", now: .noon)
        try await collectActs()
    }

    private mutating func collectActs() async throws {
        let acts = try await registry.log(of: .registry, after: registrySequence)
        order += acts
        registrySequence = acts.last?.sequence ?? registrySequence
    }
}

extension JournalEntry.Content {
    var isFaulty: Bool { if case .faulty = self { true } else { false } }

    /// The entry that says this.
    fileprivate var written: (kind: EntryKind, payload: [UInt8]) {
        switch self {
        case .voucherIssued(let voucher): (.voucherIssued, PayloadCoding.encode(voucher))
        case .claimFiled(let claim): (.claimFiled, PayloadCoding.encode(claim))
        case .claimWithdrawn(let number):
            (.claimWithdrawn, PayloadCoding.encodeWithdrawal(claimNumber: number, reason: ""))
        case .companiesListed(let companies): (.companiesListed, PayloadCoding.encode(companies))
        case .providersListed(let providers): (.providersListed, PayloadCoding.encode(providers))
        case .caseAnswered(let answer): (.caseAnswered, PayloadCoding.encode(answer))
        case .act, .policyPublished, .caseRuled, .caseReopened, .ticked:
            (.nodeStarted, PayloadCoding.encodeNodeStart(processNonce: .sixteen(7), software: "test"))
        case .unsupported: (.future, [1, 2, 3])
        case .faulty: (.claimFiled, [0x0A, 0xFF])
        }
    }
}
