import Arbitration
import FederationWire
import PostgresClient
import VoucherDomain

/// Loads the cases that a batch may change, and what a filing is held against to open one.
struct CaseLoader {
    let session: PostgresSession

    /// The cases that a batch may change.
    func queue(_ needs: Needs, _ building: LedgerLoader.Building) throws {
        let names = Array(needs.touchedClaims)
        guard !needs.cases.isEmpty || !names.isEmpty || needs.dueBefore != nil else { return }
        try session.queue(
            """
            WITH named AS (
                SELECT case_id FROM conflict_case WHERE case_id = ANY($1)
                -- A claim that is ruled out leaves every case that names it.
                UNION SELECT other.case_id FROM conflict_case_claim own
                    JOIN conflict_case_claim other USING (city_code, claim_no) WHERE own.case_id = ANY($1)
                UNION SELECT case_id FROM conflict_case
                    WHERE automatic_dwell_seconds IS NOT NULL AND state <> 'closed' AND NOT contested
                        AND $4::text IS NOT NULL AND (automatic_dwell_seconds = 0 OR position < (
                            SELECT max(position) FROM tick WHERE elapsed_ms <= $5 - 1000 * automatic_dwell_seconds))
                UNION SELECT case_id FROM conflict_case_claim p
                    JOIN unnest($2::int4[], $3::text[]) AS n(city, number)
                    ON p.city_code = n.city AND p.claim_no = n.number COLLATE "C"),
            -- No more than the ticks have room for: nothing of the batch changes these but the ticks.
            due AS (
                SELECT case_id FROM conflict_case k WHERE state = 'open' AND deadline < $4::text::date
                    AND NOT EXISTS (SELECT FROM named WHERE named.case_id = k.case_id)
                ORDER BY deadline, position LIMIT $6),
            untold AS (
                SELECT case_id FROM conflict_case k WHERE k.untold IS NOT NULL AND $4::text IS NOT NULL
                    AND NOT EXISTS (SELECT FROM named WHERE named.case_id = k.case_id)
                ORDER BY position LIMIT $6),
            wanted AS (
                SELECT case_id FROM named UNION SELECT case_id FROM due UNION SELECT case_id FROM untold)
            \(CaseLoader.select) JOIN wanted USING (case_id) \(CaseLoader.order)
            """,
            [
                .textArray(Array(needs.cases)), .int4Array(names.map { Int32($0.city.rawValue) }),
                .textArray(names.map(\.number)), .text(needs.dueBefore?.iso8601),
                .int8(needs.elapsed(after: building.ledger.clock)),
                .int8(Int64(needs.ticks.count * Fold.mostCasesTold)),
            ]
        ) { result in try CaseLoader.insert(result) { building.ledger.insert($0) } }
    }

    /// When the registry received what filed claims name, and how many automatic cases their cities have open.
    func queueFilingTimes(_ needs: Needs, _ building: LedgerLoader.Building) throws {
        guard !needs.filingCities.isEmpty else { return }
        try session.queue(
            """
            SELECT p.position, b.received_at_ms FROM unnest($1::int8[]) AS p(position)
            CROSS JOIN LATERAL (SELECT city_code, sequence FROM feed WHERE position = p.position OFFSET 0) AS f
            CROSS JOIN LATERAL (
                SELECT received_at_ms FROM batch WHERE city_code = f.city_code AND last_sequence >= f.sequence
                ORDER BY last_sequence LIMIT 1) AS b
            """, [.int8Array(needs.feedPositions.sorted())]
        ) { result in
            for row in 0..<result.count {
                building.ledger.receipts[result.int(row, 0)] = result.int(row, 1)
            }
        }
        try session.queue(
            """
            SELECT p.city_code, count(*) FROM conflict_case k JOIN conflict_case_claim p USING (case_id)
            WHERE k.automatic_dwell_seconds IS NOT NULL AND k.state <> 'closed' AND p.place = 0 AND p.city_code = ANY($1)
            GROUP BY p.city_code
            """, [.int4Array(needs.filingCities.map { Int32($0.rawValue) })]
        ) { result in
            for row in 0..<result.count {
                building.ledger.insert(
                    automaticCases: result.int(row, 1), of: try result.city(row, 0, in: "conflict_case_claim"))
            }
        }
    }

    /// Every case as the tables have it.
    func loadAll(into ledger: inout Ledger) throws {
        var open: [CityCode: Int64] = [:]
        let result = try session.execute("\(CaseLoader.select) \(CaseLoader.order)")
        try CaseLoader.insert(result) { conflict in
            ledger.insert(conflict)
            if let city = conflict.quotaCity { open[city, default: 0] += 1 }
        }
        for (city, count) in open { ledger.insert(automaticCases: count, of: city) }
    }

    private static let select = """
        SELECT k.case_id, k.position, k.state, array_to_string(k.rules, ' '), k.deadline, k.is_appealed, k.proposal,
            p.city_code, p.claim_no, p.live, k.stands_alone, k.automatic_dwell_seconds, k.contested, k.untold
        FROM conflict_case k JOIN conflict_case_claim p USING (case_id)
        """
    private static let order = "ORDER BY k.position, k.case_id, p.place, p.city_code, p.claim_no"

    /// One row a claim, the rows of a case behind each other.
    private static func insert(_ result: borrowing PostgresResult, _ take: (ConflictCase) -> Void) throws {
        var parties: [ConflictCase.Party] = []
        for row in 0..<result.count {
            guard let state = ConflictCase.State(rawValue: result.text(row, 2)), let deadline = result.date(row, 4)
            else { throw PostgresError(code: .unexpectedResult, message: "a damaged row in conflict_case") }
            let city = try result.city(row, 7, in: "conflict_case_claim")
            parties.append(
                .init(claim: ClaimName(city: city, number: result.text(row, 8)), isLive: result.bool(row, 9)))
            if row + 1 < result.count, result.text(row + 1, 0) == result.text(row, 0) { continue }
            let proposal = result.bytes(row, 6)
            take(
                ConflictCase(
                    id: result.text(row, 0), position: result.int(row, 1), parties: parties,
                    rules: result.text(row, 3).split(separator: " ").map(String.init), state: state,
                    deadline: CalendarDate(rawValue: deadline), isAppealed: result.bool(row, 5),
                    proposal: proposal.isEmpty ? nil : try PayloadCoding.ruling(proposal),
                    standsAlone: result.bool(row, 10), automaticDwell: result.optionalInt(row, 11),
                    isContested: result.bool(row, 12),
                    untold: result.optionalInt(row, 13).flatMap { CaseEvent.Kind(rawValue: UInt8($0)) }))
            parties = []
        }
    }
}
