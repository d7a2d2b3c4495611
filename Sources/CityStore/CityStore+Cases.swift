package import Arbitration
import FederationWire
import Foundation
import GRDB
import Replication
package import VoucherDomain

/// Cases that name a claim of this city.
extension CityStore {
    /// A case as officers see it.
    package struct CaseView: Hashable, Sendable {
        /// Something that happened in it.
        package struct Step: Hashable, Sendable {
            package let position: Int64
            package let kind: CaseEvent.Kind
            package let city: CityCode?
            package let answer: CaseAnswer.Kind?
            package let code: Ruling.Code?
            package let text: String
        }

        package let id: String
        /// The local order of arrival, which lists go by.
        package let row: Int64
        package let state: ConflictCase.State
        /// Whether the registry opened it by itself.
        package let isAutomatic: Bool
        /// The last day to answer.
        package let deadline: CalendarDate
        /// The claim whose filing opened it comes first; of other cities' claims no more than the name is known.
        package let parties: [ConflictCase.Party]
        /// Why it was opened: which rule, and which fields agree.
        package let reasons: [Reason]
        package let steps: [Step]
        /// What the registry says is wrong with this city's last answer.
        package let answerProblem: String?
        /// Whether this city's last answer waits for the registry.
        package let isAnswerPending: Bool
    }

    /// Cases in the order in which the feed told of them, after the one in row `after`.
    package func cases(isOpen: Bool? = nil, after: Int64 = 0, limit: Int) throws -> [CaseView] {
        let state = isOpen.map { $0 ? "open" : "closed" } ?? ""
        return try pool.read { database in
            try CityStore.caseViews(
                """
                k.rowid > ? AND (? = '' OR (k.state = 'closed') = (? = 'closed'))
                ORDER BY k.rowid LIMIT ?
                """, [after, state, state, limit], database)
        }
    }

    package func conflictCase(_ id: String) throws -> CaseView? {
        guard !id.utf8.contains(0) else { return nil }
        return try pool.read { try CityStore.caseViews("k.case_id = ?", [id], $0).first }
    }

    private static func caseViews(
        _ condition: String, _ arguments: StatementArguments, _ database: Database
    ) throws -> [CaseView] {
        let sql = """
            SELECT k.rowid AS row, k.*, k.answer_sequence IS NOT NULL AND e.decision IS NULL AS pending
            FROM city_case k LEFT JOIN log_entry e ON e.sequence = k.answer_sequence WHERE \(condition)
            """
        return try Row.fetchAll(database.cachedStatement(sql: sql), arguments: arguments).map { row in
            let id: String = row["case_id"]
            let reasons = row.bytes("reasons")
            guard let state = ConflictCase.State(rawValue: row["state"]) else {
                throw StoreRefusal(.damaged, "case \(id) has no known state")
            }
            return CaseView(
                id: id, row: row["row"], state: state, isAutomatic: row["automatic"],
                deadline: CalendarDate(rawValue: row["deadline"]),
                parties: try StoredParty.parties(row["parties"]),
                reasons: reasons.isEmpty ? [] : try ReasonCoding.decode(reasons).reasons,
                steps: try steps(ofCase: id, database), answerProblem: row["answer_problem"],
                isAnswerPending: row["pending"])
        }
    }

    private static func steps(ofCase id: String, _ database: Database) throws -> [CaseView.Step] {
        let sql = "SELECT * FROM city_case_step WHERE case_id = ? ORDER BY position, kind"
        return try Row.fetchAll(database.cachedStatement(sql: sql), arguments: [id]).compactMap { row in
            guard let kind = CaseEvent.Kind(rawValue: row["kind"]) else { return nil }
            return CaseView.Step(
                position: row["position"], kind: kind,
                city: (row["city_code"] as UInt32?).flatMap(CityCode.init(rawValue:)),
                answer: (row["answer"] as UInt8?).flatMap(CaseAnswer.Kind.init(rawValue:)),
                code: (row["code"] as UInt8?).flatMap(Ruling.Code.init(rawValue:)), text: row["text"])
        }
    }

    // MARK: Answering

    /// Answers a case: an entry of its own. To withdraw also withdraws this city's live claims in it, in the same
    /// transaction.
    ///
    /// The very same answer again, while the first is under way, changes nothing.
    ///
    /// - Throws: ``StoreRefusal`` `.notFound`, `.invalid` for a reason or evidence of a wrong form, or `.conflict` for
    ///   a case that does not take this answer.
    package func answer(_ answer: CaseAnswer, now: UInt64) throws {
        if let fault = PayloadCoding.textFault("a reason", answer.reason) { throw StoreRefusal(.invalid, fault) }
        guard answer.evidence.count <= 20, answer.evidence.allSatisfy({ $0.count == 32 }) else {
            throw StoreRefusal(.invalid, "evidence is at most 20 digests of 32 bytes")
        }
        // SQLite would read an id up to a zero byte, and find another case.
        guard !answer.caseID.utf8.contains(0) else { throw StoreRefusal(.notFound, "no such case in this city") }
        let payload = PayloadCoding.encode(answer)
        try pool.write { database in
            guard let known = try CityStore.caseViews("k.case_id = ?", [answer.caseID], database).first else {
                throw StoreRefusal(.notFound, "no case \(answer.caseID) names a claim of this city")
            }
            if known.isAnswerPending, try CityStore.lastAnswer(answer.caseID, database) == payload { return }
            try CityStore.check(answer, known)
            // The answer first: a withdrawal may close the case.
            try CityStore.append(.caseAnswered, payload, database, now: now)
            guard answer.kind == .withdraw else { return }
            let city = try NodeCursors.read(database).city
            for party in known.parties where party.isLive && party.claim.city == city {
                try CityStore.withdraw(party.claim.number, answer.reason, database, now: now)
            }
        }
    }

    private static func check(_ answer: CaseAnswer, _ known: CaseView) throws {
        if answer.kind == .appeal {
            guard known.state == .closed else {
                throw StoreRefusal(.conflict, "case \(known.id) is open: answer it instead of appealing")
            }
            if known.steps.contains(where: { $0.answer == .appeal }) {
                throw StoreRefusal(.conflict, "case \(known.id) was appealed before; there is one appeal")
            }
        } else if known.state == .closed {
            throw StoreRefusal(.conflict, "case \(known.id) is closed: only an appeal is left")
        }
    }

    private static func lastAnswer(_ id: String, _ database: Database) throws -> [UInt8]? {
        let sql =
            "SELECT e.bytes FROM city_case k JOIN log_entry e ON e.sequence = k.answer_sequence WHERE k.case_id = ?"
        return try Data.fetchOne(database.cachedStatement(sql: sql), arguments: [id])
            .map { try EntryCoding.decode(Array($0)).payload }
    }

    // MARK: What the feed tells

    static func apply(
        _ notice: FeedEntry.Notice, at position: UInt64, _ cipher: DetailCipher, _ database: Database
    ) throws {
        guard let text = cipher.open(notice.sealed, position: position) else {
            throw StoreRefusal(
                .damaged, "the notice at feed position \(position) cannot be opened with this city's key")
        }
        let event = try ReasonCoding.event(text)
        try database.run(
            sql: """
                INSERT INTO city_case (case_id, position, state, deadline, parties, reasons, automatic)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                ON CONFLICT (case_id) DO UPDATE SET state = coalesce(?, state), deadline = excluded.deadline,
                    parties = excluded.parties, automatic = excluded.automatic
                """,
            arguments: [
                event.caseID, Int64(position), (event.newState ?? .open).rawValue, event.deadline.rawValue,
                try StoredJSON.text(event.parties.map(StoredParty.init)), Data(ReasonCoding.encode(event.reasons)),
                event.isAutomatic, event.newState?.rawValue,
            ])
        try database.run(
            sql: """
                INSERT INTO city_case_step (case_id, position, kind, city_code, answer, code, text)
                VALUES (?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                event.caseID, Int64(position), Int(event.kind.rawValue), event.city?.rawValue,
                event.answer.map { Int($0.rawValue) }, event.code.map { Int($0.rawValue) }, event.text,
            ])
    }
}

extension CaseEvent {
    /// Where the case stands after it; `nil` where that does not change.
    fileprivate var newState: ConflictCase.State? {
        switch kind {
        case .opened, .reopened: .open
        case .answered: answer == .appeal ? .open : nil
        case .proposed, .left: nil
        case .ruled, .settled, .lapsed: .closed
        case .escalated: .escalated
        }
    }
}

/// A claim of a case, as it is stored.
private struct StoredParty: Codable {
    let city_code: UInt32
    let claim_no: String
    let live: Bool

    init(_ party: ConflictCase.Party) {
        city_code = party.claim.city.rawValue
        claim_no = party.claim.number
        live = party.isLive
    }

    static func parties(_ text: String) throws -> [ConflictCase.Party] {
        try JSONDecoder().decode([StoredParty].self, from: Data(text.utf8)).map { stored in
            guard let city = CityCode(rawValue: stored.city_code) else {
                throw StoreRefusal(.damaged, "\(stored.city_code) is no city code")
            }
            return ConflictCase.Party(claim: ClaimName(city: city, number: stored.claim_no), isLive: stored.live)
        }
    }
}
