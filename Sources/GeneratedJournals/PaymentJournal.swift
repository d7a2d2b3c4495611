package import Arbitration
package import VoucherDomain

/// A journal with payments: folded as it is written, by a clock that goes on by a minute with each entry.
package struct PaymentJournal {
    package static let cities = [CityCode.beijing, .hangzhou, .shenzhen]
    private static let minute: Int64 = 60_000

    package private(set) var fold = Fold()
    package private(set) var entries: [JournalEntry] = []
    /// When the newest entry was received, in milliseconds since 1970; it begins on a Monday morning.
    package var clock = CalendarDate.on("2026-06-01").milliseconds(hour: 9)

    /// The position of the newest entry.
    package var position: Int64 { Int64(entries.count) }

    /// Publishes the sample policy with these terms and rules besides, and lets three cities join and issue `V1` each.
    package init(_ terms: PaymentTerms = .sample, with rules: [Rule] = [], cases: CaseTerms = CaseTerms()) {
        publish(version: 1, terms, with: rules, cases: cases)
        for city in Self.cities {
            change(city, .joined)
            append(.voucherIssued(.sample("V1")), in: city)
        }
    }

    // MARK: Acts

    /// - Parameters:
    ///   - time: When its city says that it wrote the entry; `nil` for the moment of its receipt.
    ///   - known: The newest feed position that its city knew by then.
    @discardableResult
    package mutating func append(
        _ content: JournalEntry.Content, in city: CityCode = .registry, writtenAt time: Int64? = nil,
        knowing known: Int64 = 0
    ) -> Outcome {
        clock += Self.minute
        let next = position + 1
        let id = [UInt8](repeating: 0, count: 8) + withUnsafeBytes(of: next.bigEndian, Array.init)
        let entry = JournalEntry(
            position: next, city: city, id: id, content: content, receivedAt: clock, writtenAt: time ?? clock,
            feedPosition: known)
        entries.append(entry)
        return fold.apply(entry)
    }

    @discardableResult
    package mutating func publish(
        version: UInt32, _ terms: PaymentTerms = .sample, with rules: [Rule] = [],
        programmes: [Policy.Programme] = Policy.Programme.samples, yearCap: Money = .yuan(10_000_000),
        cases: CaseTerms = CaseTerms()
    ) -> Outcome {
        let policy = Policy(
            version: version, programmes: programmes, rules: Rule.samples(yearCap: yearCap) + rules, cases: cases,
            payments: terms)
        return append(.policyPublished(policy))
    }

    @discardableResult
    package mutating func change(_ city: CityCode, _ change: Member.Change) -> Outcome {
        append(.membership(city, change))
    }

    @discardableResult
    package mutating func list(_ companies: Register.Company...) -> Outcome { append(.companiesListed(companies)) }

    /// - Parameter hours: How long before its receipt its city says that it wrote the entry.
    @discardableResult
    package mutating func file(
        _ claim: Claim, in city: CityCode, hoursAgo hours: Int64 = 0, knowing known: Int64 = 0
    ) -> Outcome {
        append(.claimFiled(claim), in: city, writtenAt: clock - hours * 3_600_000, knowing: known)
    }

    @discardableResult
    package mutating func withdraw(_ name: ClaimName) -> Outcome {
        append(.claimWithdrawn(claimNumber: name.number), in: name.city)
    }

    @discardableResult
    package mutating func rule(_ id: String, keep kept: [ClaimName] = [], out ruledOut: [ClaimName] = []) -> Outcome {
        let ruling = Ruling(caseID: id, kept: kept, ruledOut: ruledOut, code: .confirmed, reason: "裁定", by: "李")
        return append(.caseRuled(ruling))
    }

    @discardableResult
    package mutating func answer(_ id: String, _ kind: CaseAnswer.Kind, by city: CityCode) -> Outcome {
        append(.caseAnswered(CaseAnswer(caseID: id, kind: kind, reason: "说明", evidence: [])), in: city)
    }

    @discardableResult
    package mutating func review(_ name: ClaimName) -> Outcome { append(.claimReviewed(name)) }

    /// - Parameter letter: Of which only the number counts.
    @discardableResult
    package mutating func reverse(
        _ invoice: Claim.Invoice, by letter: Claim.Invoice, _ amount: Money, in city: CityCode = .hangzhou
    ) -> Outcome {
        let letter = RedLetter(
            invoice: invoice.number, number: letter.number, amount: amount, issuedOn: .on("2026-06-10"))
        return append(.invoiceReversed(letter), in: city)
    }

    // MARK: Time

    /// Time passes, and these cities have told everything up to now and have the whole feed.
    @discardableResult
    package mutating func tick(seconds: Int64 = 0, hearing cities: [CityCode] = []) -> Outcome {
        let (now, newest) = (clock + Self.minute, position)
        let reports = cities.map { CityReport(city: $0, watermark: now, feedPosition: newest) }
        return tick(milliseconds: seconds * 1_000, reports)
    }

    @discardableResult
    package mutating func tick(milliseconds: Int64 = 0, _ reports: [CityReport]) -> Outcome {
        let now = clock + Self.minute
        return append(
            .ticked(Tick(wallMilliseconds: now, intervalMilliseconds: milliseconds, reports: reports)))
    }

    // MARK: Payments

    @discardableResult
    package mutating func pay(_ name: ClaimName, _ step: PaymentAct.Step) -> Outcome {
        append(.payment(PaymentAct(claimNumber: name.number, step: step)), in: name.city)
    }

    @discardableResult
    package mutating func request(_ name: ClaimName) -> Outcome { pay(name, .requested) }

    /// Here and below: under the reference of the authorisation, unless one is given.
    @discardableResult
    package mutating func submit(_ name: ClaimName, under reference: PaymentReference? = nil) -> Outcome {
        pay(name, .submitted(reference ?? self.reference(of: name)))
    }

    @discardableResult
    package mutating func confirm(
        _ name: ClaimName, _ transaction: String = "T1", _ amount: Money = .yuan(10),
        under reference: PaymentReference? = nil
    ) -> Outcome {
        let record = PaymentAct.BankRecord(transaction: transaction, amount: amount, day: .on("2026-06-02"))
        return pay(name, .confirmed(reference ?? self.reference(of: name), record))
    }

    @discardableResult
    package mutating func fail(
        _ name: ClaimName, _ failure: PaymentAct.Failure = .rejected, under reference: PaymentReference? = nil
    ) -> Outcome {
        pay(name, .failed(reference ?? self.reference(of: name), failure, reason: "账户不存在"))
    }

    @discardableResult
    package mutating func refund(
        _ name: ClaimName, _ transaction: String = "R1", _ amount: Money = .yuan(10),
        under reference: PaymentReference? = nil
    ) -> Outcome {
        let record = PaymentAct.BankRecord(transaction: transaction, amount: amount, day: .on("2026-06-03"))
        return pay(name, .reversed(reference ?? self.reference(of: name), record, reason: "退款"))
    }

    /// Files a claim that nothing stands against and brings its payment to a stage: by way of all that come before it,
    /// and, where it failed, of a submission.
    @discardableResult
    package mutating func bring(
        _ claim: Claim = .sample("A", invoices: [.serial(1)]), in city: CityCode = .hangzhou, to stage: Payment.Stage
    ) -> ClaimName {
        let name = ClaimName(city: city, number: claim.number)
        file(claim, in: city)
        request(name)
        if stage.rawValue >= Payment.Stage.authorized.rawValue { tick(hearing: Self.cities) }
        if stage.rawValue >= Payment.Stage.released.rawValue { tick(hearing: Self.cities) }
        if stage.rawValue >= Payment.Stage.submitted.rawValue { submit(name) }
        switch stage {
        case .requested, .authorized, .released, .submitted: break
        case .paid: confirm(name, "T1", claim.claimed)
        case .failed: fail(name)
        case .reversed:
            confirm(name, "T1", claim.claimed)
            refund(name, "R1", claim.claimed)
        }
        return name
    }

    // MARK: Where things stand

    package subscript(name: ClaimName) -> Payment? {
        fold.ledger.claims[name].flatMap { fold.ledger.payments[$0.position] }
    }

    package func state(of name: ClaimName) -> Outcome.Decision? { fold.ledger.claims[name]?.state }

    /// When a live claim was received, in milliseconds since 1970.
    package func receipt(of name: ClaimName) -> Int64 {
        valid(fold.ledger.filings[valid(fold.ledger.claims[name]).position]).receivedAt
    }

    package func reference(of name: ClaimName) -> PaymentReference { valid(self[name]?.authorization).reference }

    /// Every key that the claim holds.
    package func keys(of name: ClaimName) -> Set<Key> {
        Set(fold.ledger.occupancies.filter { $0.value.claims.contains(name) }.keys)
    }
}

extension PaymentTerms {
    /// A dwell of two full ticks, and one other city.
    package static let sample = PaymentTerms(dwellSeconds: 1_800, witnessCities: 1)
}

extension CityReport {
    /// What a city has told, and nothing of the feed.
    package static func heard(_ city: CityCode, upTo time: Int64) -> CityReport {
        CityReport(city: city, watermark: time, feedPosition: 0)
    }

    /// How far a city has the feed, and nothing of what it told.
    package static func has(_ city: CityCode, _ position: Int64) -> CityReport {
        CityReport(city: city, watermark: 0, feedPosition: position)
    }
}

extension PaymentReference {
    /// A reference that no authorisation has.
    package static let sample = valid(PaymentReference(rawValue: [UInt8](repeating: 7, count: PaymentReference.length)))
}

extension Rule {
    package static let redLetters = Rule(
        id: "reversed-invoice", pattern: "D16", primitive: .event, keys: [.invoice], outcome: .hold)
}

extension Reason {
    /// What red letters left of an invoice.
    package static func reversed(_ amount: Money, uncovered: Money) -> Reason {
        Reason(
            rule: "reversed-invoice", outcome: .hold,
            finding: .invoiceReversed(reversed: amount, uncovered: uncovered))
    }
}

extension Outcome {
    /// The claims whose payments the entry changed and that are at that stage after it.
    package func claims(at stage: Payment.Stage) -> [ClaimName] {
        effects.filter { $0.payment?.stage == stage }.map(\.name)
    }

    /// An act of a payment that was answered `refused`, and why.
    package static func refusedPayment(of name: ClaimName, _ problem: String) -> Outcome {
        let reason = Reason(rule: "payment", outcome: .block, finding: .payment(problem))
        return Outcome(decision: .refused, reasons: [reason], claim: name, policyVersion: 1)
    }

    /// An act of a payment that changes nothing.
    package static func unchanged(_ name: ClaimName) -> Outcome {
        Outcome(decision: .unchanged, claim: name, policyVersion: 1)
    }
}
