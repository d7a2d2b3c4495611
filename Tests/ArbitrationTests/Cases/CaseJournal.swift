import TestSupport
import VoucherDomain

@testable import Arbitration

/// A journal with cases: folded as it is written, by a clock that the test sets.
struct CaseJournal {
    private(set) var fold = Fold()
    private(set) var entries: [JournalEntry] = []
    /// When the next entry is received, in milliseconds since 1970: a Monday morning, until a test says otherwise.
    var clock = CalendarDate.on("2026-06-01").milliseconds(hour: 9)

    /// The position of the newest entry.
    var position: Int64 { Int64(entries.count) }

    /// Publishes the sample policy with these terms and rules besides and issues, in each of three cities, `V1` to the
    /// buyer, `V2` to the supplier and `V3` to the other buyer.
    init(_ terms: CaseTerms = CaseTerms(), detecting rules: [Rule] = []) {
        publish(terms, version: 1, detecting: rules)
        for city in [CityCode.beijing, .hangzhou, .shenzhen] {
            append(.voucherIssued(.sample("V1")), in: city)
            append(.voucherIssued(.sample("V2", for: .supplier)), in: city)
            append(.voucherIssued(.sample("V3", for: .otherBuyer)), in: city)
        }
    }

    // MARK: Acts

    /// - Parameter days: How long before its receipt its city says that it wrote the entry.
    @discardableResult
    mutating func append(
        _ content: JournalEntry.Content, in city: CityCode = .registry, daysAgo days: Int64 = 0,
        guarded: Set<Key> = []
    ) -> Outcome {
        let next = position + 1
        let id = [UInt8](repeating: 0, count: 8) + withUnsafeBytes(of: next.bigEndian, Array.init)
        let entry = JournalEntry(
            position: next, city: city, id: id, content: content, receivedAt: clock,
            writtenAt: clock - days * 86_400_000)
        entries.append(entry)
        return fold.apply(entry, guarded: guarded)
    }

    mutating func publish(_ terms: CaseTerms, version: UInt32, detecting rules: [Rule] = []) {
        let all = Rule.samples(yearCap: .yuan(10_000_000)) + rules
        let policy = Policy(
            version: version, programmes: Policy.Programme.samples, rules: all, cases: terms, payments: .sample)
        append(.policyPublished(policy))
    }

    @discardableResult
    mutating func file(_ claim: Claim, in city: CityCode) -> Outcome { append(.claimFiled(claim), in: city) }

    @discardableResult
    mutating func withdraw(_ name: ClaimName) -> Outcome {
        append(.claimWithdrawn(claimNumber: name.number), in: name.city)
    }

    @discardableResult
    mutating func answer(
        _ id: String, _ kind: CaseAnswer.Kind, by city: CityCode, because reason: String = "看过了",
        evidence: [[UInt8]] = []
    ) -> Outcome {
        append(.caseAnswered(CaseAnswer(caseID: id, kind: kind, reason: reason, evidence: evidence)), in: city)
    }

    @discardableResult
    mutating func rule(
        _ id: String, keep kept: [ClaimName] = [], out ruledOut: [ClaimName] = [], _ code: Ruling.Code = .confirmed,
        because reason: String = "裁定", by name: String = "李"
    ) -> Outcome {
        let ruling = Ruling(caseID: id, kept: kept, ruledOut: ruledOut, code: code, reason: reason, by: name)
        return append(.caseRuled(ruling))
    }

    @discardableResult
    mutating func reopen(_ id: String, because reason: String = "新证据", by name: String = "王") -> Outcome {
        append(.caseReopened(caseID: id, reason: reason, by: name))
    }

    /// Sets the clock to that hour of the day in China and lets the registry note the time.
    @discardableResult
    mutating func tick(_ day: String, hour: Int64 = 9) -> Outcome {
        clock = CalendarDate.on(day).milliseconds(hour: hour)
        return append(.ticked(Tick(wallMilliseconds: clock)))
    }

    // MARK: Where things stand

    subscript(id: String) -> ConflictCase? { fold.ledger.cases[id] }

    func state(of name: ClaimName) -> Outcome.Decision? { fold.ledger.claims[name]?.state }

    func position(of name: ClaimName) -> Int64 { valid(fold.ledger.claims[name]).position }

    /// Whether all that stands under the key may stand side by side.
    func isShared(_ key: Key) -> Bool {
        let holdings = fold.ledger.occupancies[key]?.holdings ?? []
        return holdings.allSatisfy { holding in holdings.allSatisfy(holding.mayJoin) }
    }

    // MARK: Cases to begin with

    /// Files `A` in Hangzhou and, with the same bank receipt, `B` in Shenzhen, which is held.
    ///
    /// - Returns: The case of `B` and `A`.
    mutating func contested() -> String {
        file(.sample("A", invoices: [.serial(1)], receipt: "R1"), in: .hangzhou)
        return valid(file(.sample("B", invoices: [.serial(2)], receipt: "R1"), in: .shenzhen).caseID)
    }

    /// Files `A` in Hangzhou and `B` in Beijing, which are reserved, and in Shenzhen `C`, which shows the bank receipt
    /// of the one and the usage proof of the other and is held.
    ///
    /// - Returns: The case of `C`, `B` and `A`.
    mutating func contestedByThree() -> String {
        let proof = [UInt8](repeating: 7, count: 32)
        file(.sample("A", invoices: [.serial(1)], receipt: "R1"), in: .hangzhou)
        file(.sample("B", invoices: [.serial(2)], proof: proof), in: .beijing)
        let outcome = file(.sample("C", invoices: [.serial(3)], receipt: "R1", proof: proof), in: .shenzhen)
        return valid(outcome.caseID)
    }

    /// Files `A` in Hangzhou, `B` in Shenzhen and `C` in Beijing with one bank receipt: `B` and `C` are held.
    ///
    /// - Returns: The case of `B` and `A`, and that of `C`, `A` and `B`.
    mutating func contestedTwice() -> (first: String, second: String) {
        let first = contested()
        return (first, valid(file(.sample("C", invoices: [.serial(3)], receipt: "R1"), in: .beijing).caseID))
    }
}

extension ConflictCase.Party {
    static func live(_ claim: ClaimName) -> ConflictCase.Party { ConflictCase.Party(claim: claim, isLive: true) }
    static func gone(_ claim: ClaimName) -> ConflictCase.Party { ConflictCase.Party(claim: claim, isLive: false) }
}

extension ConflictCase {
    /// The same case with what is stated.
    func with(
        parties: [Party]? = nil, state: State? = nil, deadline: CalendarDate? = nil, isAppealed: Bool? = nil,
        proposal: Ruling? = nil
    ) -> ConflictCase {
        ConflictCase(
            id: id, position: position, parties: parties ?? self.parties, rules: rules, state: state ?? self.state,
            deadline: deadline ?? self.deadline, isAppealed: isAppealed ?? self.isAppealed, proposal: proposal)
    }
}

extension CaseEvent {
    /// What the parties are told of a ruling or of one that is proposed.
    static func verdict(_ kind: Kind, _ conflict: ConflictCase, _ ruling: Ruling) -> CaseEvent {
        var event = CaseEvent(kind, conflict)
        event.code = ruling.code
        event.text = ruling.reason
        event.operatorName = ruling.by
        return event
    }
}

extension Outcome {
    /// An entry that was answered `invalid`, and why.
    static func invalid(_ fault: String) -> Outcome {
        let reason = Reason(rule: "entry", outcome: .block, finding: .faultyEntry(fault))
        return Outcome(decision: .invalid, reasons: [reason], policyVersion: 1)
    }
}

extension Outcome.Effect {
    /// The group that a ruling gives to what it regroups; `nil` where it regroups nothing.
    var group: String? { regrouped.first?.group }
}
