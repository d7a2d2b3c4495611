import Arbitration
import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// Writes what a folded batch changed in cases.
struct CaseWriter {
    /// As the batch leaves them, by the positions at which they were opened.
    private let cases: [ConflictCase]
    private let first: Int64
    private let events: [(position: Int64, event: CaseEvent)]

    init(_ decided: [FoldWriter.Decided]) {
        first = decided.first?.position ?? 0
        var latest: [String: ConflictCase] = [:]
        for conflict in decided.flatMap(\.outcome.cases) { latest[conflict.id] = conflict }
        cases = latest.values.sorted { $0.position < $1.position }
        events = decided.flatMap { item in
            item.outcome.events.filter { $0.reach != .cities }.map { (item.position, $0) }
        }
    }

    func write(_ session: PostgresSession) throws {
        let opened = cases.filter { $0.position >= first }
        try session.insert(
            into: """
                conflict_case (case_id, position, rules, state, deadline, is_appealed, proposal, stands_alone,
                automatic_dwell_seconds, contested, untold)
                """, opened, CaseWriter.addCase)
        try addParties(of: opened, session)
        for conflict in cases where conflict.position < first { try update(conflict, session) }
        try session.insert(
            into: "case_event (case_id, position, kind, city_code, answer, code, operator, text, deadline)", events,
            CaseWriter.addEvent)
    }

    /// Gives events of before there was such a column their deadlines, by folding the whole journal.
    ///
    /// - Parameter progress: Called with every position.
    static func fillDeadlines(
        _ session: PostgresSession, _ dialect: Dialect, _ progress: (Int64) -> Void = { _ in }
    ) throws {
        guard try session.execute("SELECT 1 FROM case_event LIMIT 1").count > 0 else { return }
        try RegistryStore.eachOutcome(session, dialect, progress) { entry, outcome in
            for event in outcome.events {
                try session.queue(
                    "UPDATE case_event SET deadline = $4::text::date WHERE case_id = $1 AND position = $2 AND kind = $3",
                    [
                        .text(event.caseID), .int8(entry.position), .int4(Int32(event.kind.rawValue)),
                        .text(event.deadline.iso8601),
                    ])
            }
        }
        try session.flush()
    }

    /// With what each claims, for a case with a claim that the table of claims does not have is an error.
    private func addParties(of opened: [ConflictCase], _ session: PostgresSession) throws {
        let parties = opened.flatMap { conflict in
            conflict.parties.enumerated().map { (id: conflict.id, place: Int32($0), party: $1) }
        }
        guard !parties.isEmpty else { return }
        try session.queue(
            """
            INSERT INTO conflict_case_claim (case_id, city_code, claim_no, place, live, claimed_fen)
            SELECT g.id, g.city, g.number, g.place, g.live, c.claimed_fen
            FROM unnest($1::text[], $2::int4[], $3::text[], $4::int4[], $5::bool[]) AS g(id, city, number, place, live)
            LEFT JOIN claim c ON c.city_code = g.city AND c.claim_no = g.number COLLATE "C"
            """,
            [
                .textArray(parties.map(\.id)), .int4Array(parties.map { Int32($0.party.claim.city.rawValue) }),
                .textArray(parties.map(\.party.claim.number)), .int4Array(parties.map(\.place)),
                .boolArray(parties.map(\.party.isLive)),
            ])
    }

    private func update(_ conflict: ConflictCase, _ session: PostgresSession) throws {
        try session.queue(
            """
            UPDATE conflict_case SET state = $2, deadline = $3::text::date, is_appealed = $4, proposal = $5,
                automatic_dwell_seconds = $6, contested = $7, untold = $8
            WHERE case_id = $1
            """,
            [
                .text(conflict.id), .text(conflict.state.rawValue), .text(conflict.deadline.iso8601),
                .bool(conflict.isAppealed), .bytea(CaseWriter.proposal(conflict)),
                .int8(conflict.automaticDwell), .bool(conflict.isContested),
                .int4(conflict.untold.map { Int32($0.rawValue) }),
            ])
        let gone = conflict.parties.filter { !$0.isLive }.map(\.claim)
        try session.queue(
            """
            UPDATE conflict_case_claim AS p SET live = false FROM unnest($2::int4[], $3::text[]) AS g(city, number)
            WHERE p.case_id = $1 AND p.city_code = g.city AND p.claim_no = g.number COLLATE "C" AND p.live
            """,
            [
                .text(conflict.id), .int4Array(gone.map { Int32($0.city.rawValue) }), .textArray(gone.map(\.number)),
            ])
    }

    private static func proposal(_ conflict: ConflictCase) -> [UInt8] {
        conflict.proposal.map { PayloadCoding.encode($0) } ?? []
    }

    private static func addCase(_ conflict: ConflictCase, to rows: inout CopyRows) {
        rows.row(fields: 11)
        rows.text(conflict.id)
        rows.int8(conflict.position)
        rows.textArray(conflict.rules)
        rows.text(conflict.state.rawValue)
        rows.date(daysSince1970: conflict.deadline.rawValue)
        rows.bool(conflict.isAppealed)
        rows.bytea(proposal(conflict))
        rows.bool(conflict.standsAlone)
        if let dwell = conflict.automaticDwell { rows.int8(dwell) } else { rows.null() }
        rows.bool(conflict.isContested)
        if let untold = conflict.untold { rows.int2(Int16(untold.rawValue)) } else { rows.null() }
    }

    private static func addEvent(_ item: (position: Int64, event: CaseEvent), to rows: inout CopyRows) {
        rows.row(fields: 9)
        rows.text(item.event.caseID)
        rows.int8(item.position)
        rows.int2(Int16(item.event.kind.rawValue))
        if let city = item.event.city { rows.int4(Int32(city.rawValue)) } else { rows.null() }
        if let answer = item.event.answer { rows.int2(Int16(answer.rawValue)) } else { rows.null() }
        if let code = item.event.code { rows.int2(Int16(code.rawValue)) } else { rows.null() }
        rows.text(item.event.operatorName)
        rows.text(item.event.text)
        rows.date(daysSince1970: item.event.deadline.rawValue)
    }
}
