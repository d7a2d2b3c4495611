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
    /// One for many decisions, as in a server: a new one reads the schema and plans its statements anew.
    private var arbiter: Arbiter
    /// Everything that was received, in the order of its batches.
    private(set) var order: [Entry] = []
    private(set) var cities: [CityCode: TestCity] = [:]
    private var registrySequence: UInt64 = 0
    private var numbers: SeededGenerator
    /// What the cities' clocks show, in milliseconds since 1970.
    private var clock = UInt64.noon - 10_000_000

    static let policy = CappedPolicy.document(yearCap: JournalGenerator.yearCap)

    /// Pushes a journal in batches of one to eight entries, some of which overlap the batch before.
    ///
    /// Half-way, the operators publish a policy with a higher cap, and suspend and reinstate a city.
    /// - Parameters:
    ///   - decidesMeanwhile: Lets the arbiter decide after every few batches.
    ///   - atHalf: Runs before that, with what is decided then.
    init(
        seed: UInt64, length: Int, decidesMeanwhile: Bool, registry: TestRegistry,
        atHalf: (PushedJournal) async throws -> Void = { _ in }
    ) async throws {
        self.registry = registry
        arbiter = Arbiter(store: registry.store)
        numbers = SeededGenerator(seed: seed)
        for code in [CityCode.beijing, .hangzhou, .shenzhen] { cities[code] = try await registry.join(code) }
        try await collectActs()
        var generator = JournalGenerator(
            seed: seed, statesOtherAmounts: true, policy: try PolicyCoding.decode(Self.policy))
        // The first entry is the policy, which the registry has published itself.
        let journal = Array(generator.journal(length: length).dropFirst())
        let batches = generator.batches(of: journal)
        for (index, batch) in batches.enumerated() {
            if index == batches.count / 2 {
                try await atHalf(self)
                // Whoever has copied the database has cut its connections.
                arbiter = Arbiter(store: registry.store)
                try await operatorsAct()
            }
            try await register(batch)
            for code in cities.keys.sorted() { try await push(batch.filter { $0.city == code }, by: code) }
            if decidesMeanwhile, numbers.once(in: 3) {
                try await decide()
                try await workOnCases()
                try await workOnPayments()
            }
        }
    }

    /// Lets the arbiter decide all that waits. In between somebody else may be it.
    private func decide() async throws {
        try #require(try await arbiter.acquire())
        while try await arbiter.decide().more {}
        await arbiter.release()
    }

    private mutating func push(_ items: [JournalEntry], by code: CityCode) async throws {
        guard var city = cities[code], !items.isEmpty else { return }
        let known = city.log.count
        // What a city wrote is some hours old when it is sent, and no clock shows what another one shows; now and then the
        // city has read the feed before.
        city.feedHead = numbers.once(in: 6) ? try await registry.store.feedHead() : .empty
        for item in items {
            let (kind, payload) = item.content.written
            clock += UInt64(numbers.number(below: 2_000))
            let behind = UInt64(code.rawValue % 7) * 600_000
            let time = HybridTime(milliseconds: clock - behind, counter: UInt16(city.log.count))
            let entry = city.append(kind, payload, id: EntryID(rawValue: item.id), time: time)
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
                try await registry.act(.ticked(TickAct(wallMilliseconds: Int64(UInt64.noon) + days * 86_400_000)))
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
        try await decide()
    }

    private mutating func answer(_ id: String, by code: CityCode) async throws {
        let answer = CaseAnswer(
            caseID: id, kind: numbers.pick(CaseAnswer.Kind.allCases), reason: "说明", evidence: [])
        try await say(.caseAnswered(answer), by: code)
    }

    private mutating func say(_ content: JournalEntry.Content, by code: CityCode) async throws {
        var generator = SystemRandomNumberGenerator()
        let entry = JournalEntry(
            position: 0, city: code, id: EntryID(using: &generator).rawValue, content: content)
        try await push([entry], by: code)
    }

    // MARK: Payments

    /// Cities ask for payments, submit and hear from the bank, rightly and wrongly; time passes; invoices are reversed.
    private mutating func workOnPayments() async throws {
        let claims = try await registry.store.claims(.init(), after: 0, limit: 1_000).filter { $0.state.isLive }
        guard !claims.isEmpty else { return }
        for _ in 0..<4 {
            let name = numbers.pick(claims).name
            try await say(.payment(PaymentAct(claimNumber: name.number, step: .requested)), by: name.city)
        }
        try await tick()
        for payment in try await registry.store.payments(stage: nil, after: 0, limit: 1_000)
        where payment.authorization != nil && numbers.once(in: 2) {
            try await say(.payment(step(of: payment)), by: payment.claim.city)
        }
        let claim = numbers.pick(claims)
        switch numbers.number(below: 3) {
        case 0:
            let invoice = numbers.pick(claim.claim.invoices)
            let letter = RedLetter(
                invoice: invoice.number, number: Claim.Invoice.serial(500 + numbers.number(below: 9)).number,
                amount: invoice.amount, issuedOn: valid(CalendarDate("2026-09-01")))
            try await say(.invoiceReversed(letter), by: claim.name.city)
        case 1: try await registry.act(.reviewed(claim.name))
        default: try await say(.claimWithdrawn(claimNumber: claim.name.number), by: claim.name.city)
        }
        try await tick()
        try await collectActs()
        try await decide()
    }

    /// A tick that repeats what some of the cities have sealed.
    private mutating func tick() async throws {
        try await decide()
        let head = try await registry.store.feedHead()
        let time = Int64(UInt64.noon)
        var seals: [SignedBytes] = []
        for code in cities.keys.sorted() where !numbers.once(in: 4) {
            guard let city = cities[code] else { continue }
            let seal = Seal(
                city: code, head: city.head, watermark: HybridTime(milliseconds: UInt64.noon + 1), feedHead: head)
            seals.append(try seal.signed(by: city.key))
        }
        try await registry.act(
            .ticked(
                TickAct(
                    wallMilliseconds: time, intervalMilliseconds: Int64(numbers.number(below: 400)) * 1_000,
                    seals: seals)))
        try await collectActs()
        try await decide()
    }

    private mutating func step(of payment: Payment) throws -> PaymentAct {
        let given = try #require(payment.authorization)
        let other = try #require(PaymentReference(rawValue: .sixteen(9)))
        let reference = numbers.once(in: 9) ? other : given.reference
        let part = Money(rawValue: 1 + Int64(numbers.number(below: Int(given.amount.rawValue))))
        func bank(_ amount: Money) -> PaymentAct.BankRecord {
            PaymentAct.BankRecord(
                transaction: "T\(numbers.number(below: 3))", amount: amount, day: valid(CalendarDate("2026-07-01")))
        }
        let step: PaymentAct.Step =
            switch numbers.number(below: 8) {
            case 0, 1, 2: .submitted(reference)
            case 3, 4: .confirmed(reference, bank(given.amount))
            case 5: .failed(reference, numbers.pick(PaymentAct.Failure.allCases), reason: "退票")
            case 6: .reversed(reference, bank(part), reason: "退款")
            default: .reversed(reference, bank(given.amount), reason: "退款")
            }
        return PaymentAct(claimNumber: payment.claim.number, step: step)
    }

    private mutating func operatorsAct() async throws {
        let document = CappedPolicy.document(version: 2, yearCap: .yuan(400))
        try await registry.act(.policyPublished(version: 2, document: document))
        for (version, effective) in [
            (UInt32(3), "{\"from_position\": \(order.count + 25)}"), (4, "{\"from_date\": \"2026-07-20\"}"),
        ] {
            let later = CappedPolicy.document(
                version: version, yearCap: .yuan(100 * Int64(version)), effective: effective)
            try await registry.act(.policyPublished(version: version, document: later))
        }
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
        case .payment(let act): (act.step.kind, PayloadCoding.encode(act))
        case .invoiceReversed(let letter): (.invoiceReversed, PayloadCoding.encode(letter))
        case .act, .policyPublished, .caseRuled, .caseReopened, .ticked, .membership, .claimReviewed, .paymentFound,
            .tailKept:
            (.nodeStarted, PayloadCoding.encodeNodeStart(processNonce: .sixteen(7), software: "test"))
        case .unsupported: (.future, [1, 2, 3])
        case .faulty: (.claimFiled, [0x0A, 0xFF])
        }
    }
}
