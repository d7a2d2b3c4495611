package import Arbitration
import Failpoints
import FederationWire
import Foundation
import GRDB
package import Replication
package import VoucherDomain

/// Payments of this city's claims: each step is an entry of the log, and stands where the feed says.
extension CityStore {
    /// A payment as officers see it.
    package struct PaymentView: Hashable, Sendable {
        /// The claim's local order, which lists go by.
        package let id: Int64
        package let claimNumber: String
        /// `asked`, `refused`, or a ``Payment/Stage`` by its name.
        package let stage: String
        /// What the bank is given, once it is authorised.
        package let reference: PaymentReference?
        /// Authorised; zero before.
        package let amount: Money
        package let refunded: Money
        /// To be paid back in all.
        package let clawback: Money
        /// Whether it must not go on: do not pay it, and cancel the reference where it is to be paid back; else a case decides
        /// first.
        package let isStopped: Bool
        /// Whether the registry holds this city's word that the instruction goes to the bank.
        package let isSubmissionReceived: Bool
        /// What the registry says is wrong with what was said last.
        package let problem: String?
        /// What kind of entry said something of it last, while that waits for the registry's answer.
        package let pendingKind: EntryKind?
    }

    /// A step that an officer takes; the reference comes from the store.
    package enum PaymentStep: Hashable, Sendable {
        case request
        /// The instruction is about to go to the bank.
        case submit
        case confirm(PaymentAct.BankRecord)
        case fail(PaymentAct.Failure, reason: String)
        case reverse(PaymentAct.BankRecord, reason: String)
    }

    /// Payments in the order of their claims, after the one with id `after`.
    package func payments(stage: String? = nil, after: Int64 = 0, limit: Int) throws -> [PaymentView] {
        try pool.read { database in
            try CityStore.paymentViews(
                "id > ? AND (? IS NULL OR stage = ?) ORDER BY id LIMIT ?", [after, stage, stage, limit], database)
        }
    }

    /// - Returns: `nil` for a claim whose payment was never asked for.
    package func payment(ofClaim number: String) throws -> PaymentView? {
        // SQLite would read a number up to a zero byte, and find another claim.
        guard !number.utf8.contains(0) else { return nil }
        return try pool.read { try CityStore.paymentViews("claim_no = ?", [number], $0).first }
    }

    /// The payments of claims, by their local order.
    package func payments(ofClaims ids: [Int64]) throws -> [Int64: PaymentView] {
        let list = "[\(ids.map { "\($0)" }.joined(separator: ","))]"
        let views = try pool.read {
            try CityStore.paymentViews("id IN (SELECT value FROM json_each(?))", [list], $0)
        }
        return Dictionary(uniqueKeysWithValues: views.map { ($0.id, $0) })
    }

    private static func paymentViews(
        _ condition: String, _ arguments: StatementArguments, _ database: Database
    ) throws -> [PaymentView] {
        let sql = """
            SELECT v.*, (SELECT e.kind FROM payment p JOIN log_entry e ON e.sequence = p.last_sequence
                WHERE p.claim_id = v.id AND e.decision IS NULL) AS pending_kind
            FROM v1_payments v WHERE \(condition)
            """
        return try Row.fetchAll(database.cachedStatement(sql: sql), arguments: arguments).map { row in
            PaymentView(
                id: row["id"], claimNumber: row["claim_no"], stage: row["stage"],
                reference: (row["reference"] as String?).flatMap { PaymentReference($0) },
                amount: Money(rawValue: row["amount_fen"]), refunded: Money(rawValue: row["refunded_fen"]),
                clawback: Money(rawValue: row["clawback_fen"]), isStopped: row["stopped"],
                isSubmissionReceived: row["submission_received"], problem: row["problem"],
                pendingKind: (row["pending_kind"] as UInt32?).map(EntryKind.init(rawValue:)))
        }
    }

    /// The kinds of entry that say something of a payment, as a list in SQL.
    static let paymentKinds: String = {
        let kinds: [EntryKind] = [
            .paymentRequested, .paymentSubmitted, .paymentConfirmed, .paymentFailed, .paymentReversed,
        ]
        return kinds.map { "\($0.rawValue)" }.joined(separator: ", ")
    }()

    /// The kinds of all that was said of a payment and waits for the registry's answer.
    ///
    /// It reads each step of any payment that waits: for one payment, not for a list.
    package func pendingKinds(ofClaim number: String) throws -> Set<EntryKind> {
        try pool.read { try CityStore.pendingKinds(ofClaim: number, $0) }
    }

    private static func pendingKinds(ofClaim number: String, _ database: Database) throws -> Set<EntryKind> {
        let sql = "SELECT * FROM log_entry WHERE decision IS NULL AND kind IN (\(paymentKinds))"
        let rows = try Row.fetchCursor(database.cachedStatement(sql: sql))
        var kinds: Set<EntryKind> = []
        while let row = try rows.next() {
            let entry = try CityStore.entry(row)
            guard case .payment(let act) = PayloadCoding.content(of: entry),
                act.claimNumber.utf8.elementsEqual(number.utf8)
            else { continue }
            kinds.insert(entry.kind)
        }
        return kinds
    }

    // MARK: Steps

    /// Takes a step: an entry of its own, answered by the feed.
    ///
    /// The very same step again changes nothing.
    ///
    /// - Parameter onlyIfAnswered: Refuse what the bank has done where anything of the same kind was said and waits for the
    ///   registry's answer: a person may mean to correct that one, and two reversals would both count.
    /// - Throws: ``StoreRefusal`` `.notFound` for a claim that this city does not have, `.invalid` for a bank record or
    ///   reason of a wrong form, `.conflict` for a step that the payment does not take where it stands.
    package func take(
        _ step: PaymentStep, ofClaim number: String, onlyIfAnswered: Bool = false, now: UInt64
    ) throws {
        if let fault = step.fault { throw StoreRefusal(.invalid, fault) }
        guard !number.utf8.contains(0) else { throw StoreRefusal(.notFound, "no such claim in this city") }
        try pool.write { database in
            guard let claim = try CityStore.claimViews("v.claim_no = ?", [number], database).first else {
                throw StoreRefusal(.notFound, "no claim \(number) in this city")
            }
            let payment = try CityStore.paymentViews("claim_no = ?", [number], database).first
            let said = try payment.flatMap { try CityStore.lastSaid(of: $0, database) }
            let act = step.act(on: claim, payment)
            // The very same again, unless the registry found fault with it.
            if let said, payment?.problem == nil, said == act.map({ PayloadCoding.encode($0) }) { return }
            guard try step.isNew(for: claim, payment), let act else { return }
            // The log is answered in its order: where the last word does not wait, none does. What the bank has done is
            // otherwise recorded in any case.
            if payment?.pendingKind != nil,
                try step == .request || step == .submit
                    || onlyIfAnswered && CityStore.pendingKinds(ofClaim: number, database).contains(act.step.kind)
            {
                throw StoreRefusal(
                    .conflict, "claim \(number): what was said last of its payment waits for the registry's answer")
            }
            try CityStore.append(act.step.kind, PayloadCoding.encode(act), database, now: now)
            Failpoint.reach(.paymentUncommitted)
        }
        Failpoint.reach(.paymentCommitted)
    }

    /// The payload of what was said last of a payment.
    private static func lastSaid(of payment: PaymentView, _ database: Database) throws -> [UInt8]? {
        let sql = """
            SELECT bytes FROM log_entry WHERE sequence = (SELECT last_sequence FROM payment WHERE claim_id = ?)
            """
        return try Row.fetchOne(database.cachedStatement(sql: sql), arguments: [payment.id])
            .map { try EntryCoding.decode($0.bytes("bytes")).payload }
    }

    // MARK: Red letters

    /// Tells the nation that an invoice, or a part of it, was reversed by a red-letter invoice.
    ///
    /// The very same again changes nothing.
    ///
    /// - Throws: ``StoreRefusal`` `.invalid` for an amount or date out of bounds, `.conflict` for a red-letter number that
    ///   was told with other content.
    package func record(_ letter: RedLetter, now: UInt64) throws {
        if let fault = letter.fault { throw StoreRefusal(.invalid, fault) }
        try pool.write { database in
            let known = try Row.fetchOne(
                database.cachedStatement(sql: "SELECT * FROM red_letter WHERE number = ?"),
                arguments: [letter.number.text])
            if let known {
                guard known["invoice"] == letter.invoice.text, known["amount_fen"] == letter.amount.rawValue,
                    known["issued_on"] == letter.issuedOn.rawValue
                else {
                    throw StoreRefusal(
                        .conflict, "red-letter invoice \(letter.number.text) is recorded with other content")
                }
                return
            }
            try CityStore.append(.invoiceReversed, PayloadCoding.encode(letter), database, now: now)
        }
    }

    /// A red letter as officers see it.
    package struct RedLetterView: Hashable, Sendable {
        /// The local order of telling, which lists go by.
        package let id: Int64
        package let letter: RedLetter
        /// What the registry says is wrong with it.
        package let problem: String?
        /// Whether it waits for the registry's answer.
        package let isPending: Bool
    }

    /// Red letters in the order in which they were told, or the newest first, after the one with id `after`; with 0 the first
    /// ones.
    package func redLetters(
        after: Int64 = 0, isNewestFirst: Bool = false, limit: Int
    ) throws -> [RedLetterView] {
        try pool.read { database in
            let sql = """
                SELECT r.rowid AS id, r.*, e.decision IS NULL AS pending
                FROM red_letter r JOIN log_entry e ON e.sequence = r.sequence
                WHERE r.rowid \(isNewestFirst ? "<" : ">") ? ORDER BY r.rowid \(isNewestFirst ? "DESC" : "") LIMIT ?
                """
            let bound = isNewestFirst && after == 0 ? .max : after
            return try Row.fetchAll(database.cachedStatement(sql: sql), arguments: [bound, limit]).map { row in
                guard let invoice = try? InvoiceNumber(row["invoice"] as String),
                    let number = try? InvoiceNumber(row["number"] as String)
                else { throw StoreRefusal(.damaged, "a red letter names no invoice") }
                let letter = RedLetter(
                    invoice: invoice, number: number, amount: Money(rawValue: row["amount_fen"]),
                    issuedOn: CalendarDate(rawValue: row["issued_on"]))
                return RedLetterView(
                    id: row["id"], letter: letter, problem: row["problem"], isPending: row["pending"])
            }
        }
    }

    // MARK: What the feed tells

    /// Where the payment of a claim of this city stands now.
    static func apply(
        _ effect: FeedEntry.Effect, _ entry: FeedEntry, _ cipher: DetailCipher, _ database: Database
    ) throws {
        let claim = try Row.fetchOne(
            database.cachedStatement(
                sql: "SELECT id, sequence FROM claim WHERE decided_position = ?"),
            arguments: [Int64(effect.claimPosition)])
        guard let claim, let id: Int64 = claim["id"], let sequence: Int64 = claim["sequence"] else { return }
        guard let stage = effect.payment else {
            // A request ends with its claim.
            if !effect.decision.isLive {
                try database.run(
                    sql: "DELETE FROM payment WHERE claim_id = ? AND coalesce(stage, 1) = 1", arguments: [id])
            }
            return
        }
        guard let text = cipher.open(effect.detail, position: entry.position) else {
            throw StoreRefusal(
                .damaged, "the payment at feed position \(entry.position) cannot be opened with this city's key")
        }
        let detail = try PaymentDetail(text)
        // A store that was rebuilt may not know that the city has asked; then the claim's own entry stands for it.
        try database.run(
            sql: """
                INSERT INTO payment (claim_id, last_sequence, stage, reference, amount_fen, refunded_fen, clawback_fen,
                    stopped) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                ON CONFLICT (claim_id) DO UPDATE SET stage = ?3, reference = ?4, amount_fen = ?5, refunded_fen = ?6,
                    clawback_fen = ?7, stopped = ?8,
                    submitted_sequence = CASE WHEN ?3 = 6 AND submitted_sequence < ?9 THEN NULL
                        ELSE submitted_sequence END
                """,
            arguments: [
                id, sequence, Int(stage.rawValue), effect.reference.map { Data($0.rawValue) }, detail.amount.rawValue,
                detail.refunded.rawValue, detail.clawback.rawValue, detail.isStopped,
                // A store that gets its log back knows of a later submission before it hears of this failure.
                entry.kind == .paymentFailed ? Int64(entry.answers.sequence) : .max,
            ])
    }

    /// The registry's answer to what this city said last of a payment, or of a red letter.
    static func applyPaymentAnswer(_ entry: FeedEntry, _ detail: OutcomeDetail?, _ database: Database) throws {
        let isTaken = entry.decision == .noted || entry.decision == .unchanged
        let problem = isTaken ? nil : detail?.reasons.first?.message ?? "the registry answered \(entry.decision.name)"
        if !isTaken {
            // The registry does not hold that word.
            try database.run(
                sql: "UPDATE payment SET submitted_sequence = NULL WHERE submitted_sequence = ?",
                arguments: [Int64(entry.answers.sequence)])
        }
        for table in ["payment", "red_letter"] {
            let column = table == "payment" ? "last_sequence" : "sequence"
            try database.run(
                sql: "UPDATE \(table) SET problem = ? WHERE \(column) = ?",
                arguments: [problem, Int64(entry.answers.sequence)])
        }
    }
}

extension CityStore.PaymentStep {
    /// What is wrong with what the officer typed, or `nil`.
    fileprivate var fault: String? {
        switch self {
        case .request, .submit: nil
        case .confirm(let bank): bank.fault
        case .fail(_, let reason): PayloadCoding.textFault("a reason", reason)
        case .reverse(let bank, let reason): bank.fault ?? PayloadCoding.textFault("a reason", reason)
        }
    }

    /// What is to be said; `nil` where the payment has no reference yet.
    fileprivate func act(on claim: CityStore.ClaimView, _ payment: CityStore.PaymentView?) -> PaymentAct? {
        if self == .request { return PaymentAct(claimNumber: claim.number, step: .requested) }
        guard let reference = payment?.reference else { return nil }
        let step: PaymentAct.Step =
            switch self {
            case .request: .requested
            case .submit: .submitted(reference)
            case .confirm(let bank): .confirmed(reference, bank)
            case .fail(let failure, let reason): .failed(reference, failure, reason: reason)
            case .reverse(let bank, let reason): .reversed(reference, bank, reason: reason)
            }
        return PaymentAct(claimNumber: claim.number, step: step)
    }

    /// Whether the step is still to be taken; `false` when the payment is further on.
    ///
    /// - Throws: ``StoreRefusal`` `.conflict` when the payment does not take it where it stands.
    fileprivate func isNew(for claim: CityStore.ClaimView, _ payment: CityStore.PaymentView?) throws -> Bool {
        func refused(_ why: String) -> StoreRefusal { StoreRefusal(.conflict, "claim \(claim.number): \(why)") }
        func require(_ stages: Set<String>) throws {
            guard let payment else { throw refused("its payment was never asked for") }
            guard stages.contains(payment.stage) else { throw refused("its payment is \(payment.stage)") }
        }
        switch self {
        case .request:
            if let payment, !["refused", "failed", "reversed"].contains(payment.stage) { return false }
            guard claim.state == "reserved" else {
                throw refused("it is \(claim.state); only a reserved claim is paid")
            }
            guard !claim.isBeingWithdrawn else { throw refused("it is being withdrawn") }
        case .submit:
            if payment?.stage == "submitted" || payment?.stage == "paid" { return false }
            try require(["released"])
            guard payment?.isStopped == false else {
                throw refused(
                    payment?.clawback == .zero
                        ? "its payment is frozen: a case decides first" : "its payment was stopped: cancel it")
            }
            guard !claim.isBeingWithdrawn else { throw refused("it is being withdrawn") }
        case .confirm: try require(["released", "submitted", "paid"])
        case .fail: try require(["authorized", "released", "submitted"])
        case .reverse: try require(["paid"])
        }
        return true
    }
}
