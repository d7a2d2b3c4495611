import Arbitration
import CityStore
import FederationHTTP
import FederationWire
import Replication
import VoucherDomain

/// Where replication stands, as JSON: `GET /v1/sync` and `status --json`.
struct SyncDocument: Codable {
    let city_code: String
    let epoch: UInt32
    let log_head: UInt64
    let received_through: UInt64
    let feed_position: UInt64
    let unsent: UInt64
    let undecided: Int
    let connected: Bool
    /// Whether the store was put back and the registry has not greeted it since.
    let restored: Bool?
    let last_error: String?
    /// When the city's key is to have been replaced, RFC 3339; missing until the registry has said so.
    let key_until: String?
    /// When the certificate ends that the registry showed last, RFC 3339; missing until it is reached.
    let certificate_until: String?
    /// When the registry's CA ends that this node trusts, RFC 3339; missing where the system's trust counts.
    let trust_anchor_until: String?
    /// What an officer should know though nothing stands still, each in Chinese and English.
    let notices: [String]?

    /// - Parameter trustAnchor: DER; empty for the system's trust.
    init(_ state: CityStore.SyncState, _ status: NodeStatus.Values, trustAnchor: [UInt8], now: UInt64) {
        let authority = Expiry(trustAnchor: trustAnchor)
        city_code = state.city.description
        epoch = state.epoch.counter
        log_head = state.logHead
        received_through = state.receivedThrough
        feed_position = state.feedPosition
        unsent = state.unsent
        undecided = state.undecided
        connected = status.isConnected
        restored = state.isRestored
        last_error = status.alarm ?? status.lastError
        key_until = state.keyUntil?.rfc3339
        certificate_until = status.certificate?.rfc3339
        trust_anchor_until = authority?.rfc3339
        let ends = [
            ExpiryNotice.key.text(state.keyUntil, now: now),
            ExpiryNotice.certificate.text(status.certificate, now: now),
            ExpiryNotice.trustAnchor.text(authority, now: now),
        ]
        notices = state.notices + ends.compactMap(\.self)
    }
}

extension CityStore.SyncState {
    /// That one of both sides is older than the other: both go on, and one of them needs an update. And what was appended
    /// late.
    fileprivate var notices: [String] {
        var notices: [String] = []
        if let unreadKind {
            notices.append(
                "本节点需要升级 / this node needs an update: the feed has entries of kind \(unreadKind.rawValue), which this "
                    + "build does not know; they are kept, and all others are applied")
        }
        if unreadByRegistry > 0 {
            notices.append(
                "登记中心需要升级 / the registry needs an update: it cannot read \(unreadByRegistry) of this city's entries "
                    + "yet; it keeps them and decides them after its update")
        }
        if unseenLate > 0 {
            notices.append(
                "\(unseenLate) 条记录写在另一份日志上，已补录 / \(unseenLate) entries were written beside this city's log, by a "
                    + "copy of it, and are appended late: look at them with city-node log late")
        }
        return notices
    }
}

/// What was written beside the log, as JSON: `GET /v1/late-entries`, in the order in which it was written.
struct LateEntriesDocument: Codable {
    struct Item: Codable {
        let kind: String
        /// The number of the claim, voucher, case or red letter; empty for others.
        let number: String
        let written_at: String
        /// Where it stood in the copy's log.
        let written_sequence: UInt64
        /// Where it stands in the city's log; missing until it is appended.
        let sequence: UInt64?
        /// The registry's answer; `sent` until it is known here, `waiting` until it is sent; `withheld` when it never is,
        /// because it is about a claim whose number the city's log gives to another one.
        let state: String
        let seen: Bool

        init(_ entry: CityStore.LateEntry) {
            kind = entry.kind.name
            number = entry.subject
            written_at = StatedTime(rawValue: Int64(clamping: entry.writtenAt)).rfc3339
            written_sequence = entry.writtenSequence
            sequence = entry.sequence
            state =
                entry.decision?.name ?? (entry.isWithheld ? "withheld" : entry.sequence == nil ? "waiting" : "sent")
            seen = entry.isSeen
        }
    }

    let items: [Item]
}

extension EntryKind {
    /// What officers call it.
    fileprivate var name: String {
        switch self {
        case .voucherIssued: "voucher"
        case .claimFiled: "claim"
        case .claimWithdrawn: "withdrawal"
        case .caseAnswered: "case answer"
        case .paymentRequested: "payment request"
        case .paymentSubmitted: "payment submission"
        case .paymentConfirmed: "payment confirmation"
        case .paymentFailed: "payment failure"
        case .paymentReversed: "payment reversal"
        case .nodeStarted: "start of a node"
        case .invoiceReversed: "red letter"
        default: "kind \(rawValue)"
        }
    }
}

/// A voucher as JSON.
struct VoucherDocument: Encodable {
    let fields: [String: String]
    let state: String

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(fields.merging(["state": state]) { _, new in new })
    }
}

/// A piece of a file: rows in order, as the command has read them.
struct ImportRequest: Codable {
    struct Row: Codable {
        let line: Int?
        let fields: [String: String]
        /// What is wrong with the row itself.
        let problems: [ImportResult.Problem]?

        init(_ row: FormRow) {
            line = row.line
            fields = row.fields
            problems = row.problems.isEmpty ? nil : row.problems.map(ImportResult.Problem.init)
        }

        var formRow: FormRow {
            FormRow(
                line: line, fields: fields,
                problems: (problems ?? []).map { FieldProblem(column: $0.column, message: $0.message) })
        }
    }

    let rows: [Row]

    static let maximumRows = 1_000
}

/// What became of one row of a file.
struct ImportResult: Codable {
    struct Problem: Codable {
        let column: String
        let message: String

        init(_ problem: FieldProblem) {
            column = problem.column
            message = problem.message
        }
    }

    let line: Int?
    let number: String
    let outcome: FilingResult.Outcome
    let problems: [Problem]
    let repairs: Int

    init(_ result: FilingResult) {
        line = result.line
        number = result.number
        outcome = result.outcome
        problems = result.problems.map(Problem.init)
        repairs = result.repairs.count
    }
}

/// A case as JSON: `GET /v1/cases`.
struct CaseDocument: Codable {
    struct Claim: Codable {
        let city_code: String
        let claim_no: String
        /// Whether it still holds its keys.
        let live: Bool
    }

    struct Step: Codable {
        let position: Int64
        let event: String
        let city_code: String?
        let answer: String?
        let code: String?
        let text: String
    }

    struct Finding: Codable {
        let rule: String
        let message: String
    }

    let case_id: String
    /// `open`, `escalated` or `closed`.
    let state: String
    /// Whether the registry opened it by itself, because the first claim was refused and filed before the others.
    let automatic: Bool
    /// The last day to answer.
    let deadline: String
    let claims: [Claim]
    let reasons: [Finding]
    let steps: [Step]
    let answer_pending: Bool
    let answer_problem: String?

    init(_ view: CityStore.CaseView) {
        case_id = view.id
        state = view.state.rawValue
        automatic = view.isAutomatic
        deadline = view.deadline.iso8601
        claims = view.parties.map {
            Claim(city_code: $0.claim.city.description, claim_no: $0.claim.number, live: $0.isLive)
        }
        reasons = view.reasons.map { Finding(rule: $0.rule, message: $0.message) }
        steps = view.steps.map { step in
            Step(
                position: step.position, event: step.kind.name, city_code: step.city?.description,
                answer: step.answer?.name, code: step.code?.name, text: step.text)
        }
        answer_pending = view.isAnswerPending
        answer_problem = view.answerProblem
    }
}

/// `POST /v1/cases/{id}/answer`.
struct CaseAnswerRequest: Codable {
    /// `withdraw`, `contest`, `co-funded`, `not-a-duplicate` or `appeal`.
    let answer: String
    let reason: String
    /// SHA-256 of documents, in hexadecimal.
    let evidence: [String]?

    /// - Throws: ``WireFault`` naming the field.
    func answer(to id: String) throws(WireFault) -> CaseAnswer {
        guard let kind = CaseAnswer.Kind.allCases.first(where: { $0.name == answer }) else {
            throw WireFault("answer is one of \(CaseAnswer.Kind.allCases.map(\.name).joined(separator: ", "))")
        }
        var digests: [[UInt8]] = []
        for text in evidence ?? [] {
            guard let digest = [UInt8](hexadecimal: text), digest.count == 32 else {
                throw WireFault("evidence: expected 64 hexadecimal digits each")
            }
            digests.append(digest)
        }
        return CaseAnswer(caseID: id, kind: kind, reason: reason, evidence: digests)
    }
}
