package import Arbitration
import FederationWire
import PostgresClient
import Replication
package import VoucherDomain

extension RegistryStore {
    /// A case as people look at it.
    package struct CaseView: Hashable, Sendable {
        /// One claim of a case, as it stands now.
        package struct Party: Hashable, Sendable {
            package let claim: ClaimName
            package let state: Outcome.Decision
            package let claimed: Money
            /// Whether it holds its keys; of a refused claim in an automatic case, whether it is still in it.
            package let isLive: Bool
        }

        /// The spoken id.
        package let id: String
        /// Where it was opened.
        package let position: Int64
        package let state: ConflictCase.State
        /// The last day on which the cities answer.
        package let deadline: CalendarDate
        /// The rules that opened it, in the policy's order.
        package let rules: [String]
        /// The claim whose filing opened it comes first.
        package let parties: [Party]
        /// Whether the registry opened it by itself: the first claim was refused, and filed before the others.
        package let isAutomatic: Bool
        /// A ruling that waits for a second person.
        package let proposal: Ruling?

        package var isOpen: Bool { state != .closed }
        /// What its live claims claim.
        package var claimed: Money { parties.filter(\.isLive).map(\.claimed).total ?? .maximum }
    }

    /// Something that happened in a case.
    package struct CaseStep: Hashable, Sendable {
        package let position: Int64
        package let kind: CaseEvent.Kind
        package let city: CityCode?
        package let answer: CaseAnswer.Kind?
        package let code: Ruling.Code?
        /// Who ruled or proposed; empty for others.
        package let by: String
        package let text: String
        /// SHA-256 of the documents that the city which answered has shown and keeps, in its order.
        package let evidence: [[UInt8]]
        /// When the registry received the entry that did it, milliseconds since 1970.
        package let receivedAt: Int64
    }

    /// Which cases are looked for; all that is given must match.
    package struct CaseFilter: Hashable, Sendable {
        /// Only open or only closed ones.
        package var isOpen: Bool?
        package var id: String?
        /// Cases with a claim of this city.
        package var city: CityCode?
        /// Those opened up to this position, they and their claims as they stood there; `nil` for now.
        package var asOf: Int64?
        /// Those with the most money claimed first, instead of by position.
        package var isByMoney = false

        package init(isOpen: Bool? = nil) { self.isOpen = isOpen }

        /// Whether a case that is in the list or is not stays so, at its place, whatever happens later: the list only grows, at
        /// its end. A case has its parties from the beginning.
        package var isSettled: Bool { !isByMoney && (asOf != nil || isOpen == nil) }

        /// Where a page that ends with a case has ended.
        package func place(of last: CaseView) -> CasePlace {
            CasePlace(position: last.position, claimed: isByMoney ? last.claimed : nil)
        }

        /// Reads where the page before ended; `nil` for what is no place in this order.
        package func place(_ text: String) -> CasePlace? {
            CasePlace(text).flatMap { ($0.claimed != nil) == isByMoney ? $0 : nil }
        }
    }

    /// Where a page of cases ended: a cursor.
    package struct CasePlace: Hashable, Sendable, LosslessStringConvertible {
        /// Where the last case was opened.
        package let position: Int64
        /// What it claimed then, since what it claims by now is no place in the list; `nil` where cases stand by position.
        package let claimed: Money?

        package init(position: Int64, claimed: Money? = nil) {
            self.position = position
            self.claimed = claimed
        }

        /// Reads `POSITION`, or `FEN:POSITION`, in digits.
        package init?(_ text: String) {
            let parts = text.split(separator: ":", omittingEmptySubsequences: false)
            guard parts.count <= 2, parts.allSatisfy(\.isASCIIDigits) else { return nil }
            let numbers = parts.compactMap { Int64($0) }
            guard numbers.count == parts.count, let position = numbers.last else { return nil }
            self.init(position: position, claimed: numbers.count == 2 ? Money(rawValue: numbers[0]) : nil)
        }

        package var description: String { claimed.map { "\($0.rawValue):\(position)" } ?? "\(position)" }
    }

    /// Cases in the filter's order, at most `limit` behind the place `after` in it; `nil` begins with the first.
    package func cases(
        _ filter: CaseFilter = CaseFilter(), after: CasePlace? = nil, limit: Int
    ) async throws -> [CaseView] {
        try await pool.run { session in
            let query = CaseQuery(filter, after: after, limit: limit)
            let result = try session.execute(query.sql, query.parameters)
            var cases: [CaseView] = []
            var parties: [CaseView.Party] = []
            for row in 0..<result.count {
                parties.append(try RegistryStore.party(result, row))
                if row + 1 < result.count, result.text(row + 1, 0) == result.text(row, 0) { continue }
                cases.append(try RegistryStore.caseView(result, row, parties))
                parties = []
            }
            return cases
        }
    }

    /// How PostgreSQL goes about finding cases, in its own words: for benchmarks.
    package func plan(of filter: CaseFilter, limit: Int) async throws -> String {
        let query = CaseQuery(filter, after: nil, limit: limit)
        return try await pool.run { try $0.plan(of: query.sql, query.parameters) }
    }

    /// The ids of the cases that a claim is a party of, the oldest first.
    ///
    /// - Parameter position: Those opened up to there; `nil` for all.
    package func cases(naming claim: ClaimName, asOf position: Int64? = nil) async throws -> [String] {
        try await pool.run { session in
            let result = try session.execute(
                """
                SELECT k.case_id FROM conflict_case_claim JOIN conflict_case k USING (case_id)
                WHERE city_code = $1 AND claim_no = $2 AND k.position <= $3 ORDER BY k.position
                """, [.int4(Int32(claim.city.rawValue)), .text(claim.number), .int8(position ?? .max)])
            return (0..<result.count).map { result.text($0, 0) }
        }
    }

    /// A case by its spoken id.
    ///
    /// - Parameter position: As of which position; `nil` for now.
    package func conflictCase(_ id: String, asOf position: Int64? = nil) async throws -> CaseView? {
        var filter = CaseFilter()
        filter.id = id
        filter.asOf = position
        return try await cases(filter, limit: 1).first
    }

    private static func party(_ result: borrowing PostgresResult, _ row: Int) throws -> CaseView.Party {
        guard let state = Outcome.Decision(rawValue: UInt8(result.int(row, 6))) else {
            throw PostgresError(code: .unexpectedResult, message: "a damaged row in claim")
        }
        return CaseView.Party(
            claim: ClaimName(city: try result.city(row, 4, in: "conflict_case_claim"), number: result.text(row, 5)),
            state: state, claimed: Money(rawValue: result.int(row, 7)), isLive: result.bool(row, 11))
    }

    private static func caseView(
        _ result: borrowing PostgresResult, _ row: Int, _ parties: [CaseView.Party]
    ) throws -> CaseView {
        guard let state = ConflictCase.State(rawValue: result.text(row, 2)), let deadline = result.date(row, 8) else {
            throw PostgresError(code: .unexpectedResult, message: "a damaged row in conflict_case")
        }
        let proposal = result.bytes(row, 9)
        return CaseView(
            id: result.text(row, 0), position: result.int(row, 1), state: state,
            deadline: CalendarDate(rawValue: deadline),
            rules: result.text(row, 3).split(separator: " ").map(String.init), parties: parties,
            isAutomatic: result.bool(row, 10),
            proposal: proposal.isEmpty ? nil : try PayloadCoding.ruling(proposal))
    }

    /// What happened in a case, in the order of the journal.
    ///
    /// - Parameter end: Up to which position; `nil` for all.
    package func steps(ofCase id: String, asOf end: Int64? = nil) async throws -> [CaseStep] {
        try await pool.run { session in
            let result = try session.execute(
                """
                SELECT v.position, v.kind, v.city_code, v.answer, v.code, v.operator, v.text, b.received_at_ms, e.bytes
                FROM case_event v JOIN feed f ON f.position = v.position
                CROSS JOIN LATERAL (
                    SELECT received_at_ms FROM batch b
                    WHERE b.city_code = f.city_code AND b.last_sequence >= f.sequence
                    ORDER BY b.last_sequence LIMIT 1) b
                LEFT JOIN entry e ON v.kind = $2 AND e.city_code = f.city_code AND e.sequence = f.sequence
                WHERE v.case_id = $1 AND v.position <= $3 ORDER BY v.position, v.kind
                """, [.text(id), .int4(Int32(CaseEvent.Kind.answered.rawValue)), .int8(end ?? .max)])
            return try (0..<result.count).map { row in
                guard let kind = CaseEvent.Kind(rawValue: UInt8(result.int(row, 1))) else {
                    throw PostgresError(code: .unexpectedResult, message: "a damaged row in case_event")
                }
                return CaseStep(
                    position: result.int(row, 0), kind: kind,
                    city: result.optionalInt(row, 2).flatMap { CityCode(rawValue: UInt32($0)) },
                    answer: result.optionalInt(row, 3).flatMap { CaseAnswer.Kind(rawValue: UInt8($0)) },
                    code: result.optionalInt(row, 4).flatMap { Ruling.Code(rawValue: UInt8($0)) },
                    by: result.text(row, 5), text: result.text(row, 6),
                    evidence: result.isNull(row, 8)
                        ? [] : try PayloadCoding.caseAnswer(EntryCoding.decode(result.bytes(row, 8)).payload).evidence,
                    receivedAt: result.int(row, 7))
            }
        }
    }

    // MARK: Acts

    /// The steps that may come of somebody's rulings on a case, and reopenings of it, which wait for the arbiter's decision: a
    /// ruling takes effect or waits for a second person.
    package func awaitedSteps(onCase id: String, by name: String) async throws -> Set<CaseEvent.Kind> {
        try await pool.run { session in
            let result = try session.execute(
                """
                SELECT e.bytes FROM batch b
                JOIN entry e ON e.city_code = b.city_code AND e.sequence BETWEEN b.first_sequence AND b.last_sequence
                WHERE NOT b.folded AND b.city_code = $1
                """, [.int4(Int32(CityCode.registry.rawValue))])
            var steps: Set<CaseEvent.Kind> = []
            for row in 0..<result.count {
                switch PayloadCoding.content(of: try EntryCoding.decode(result.bytes(row, 0))) {
                case .caseRuled(let ruling) where ruling.caseID == id && ruling.by == name:
                    steps.formUnion([.ruled, .proposed])
                case .caseReopened(id, _, name): steps.insert(.reopened)
                default: break
                }
            }
            return steps
        }
    }

    /// Appends a ruling to the registry's log; it takes effect where the arbiter decides it.
    ///
    /// - Returns: `noted` when it will close the case, `pending` when it will wait for a second person.
    /// - Throws: ``RegistryRefusal`` with what is wrong with it, as the case stands now.
    package func rule(_ ruling: Ruling, now: UInt64) async throws -> Outcome.Decision {
        if let fault = PayloadCoding.textFault("a reason", ruling.reason)
            ?? PayloadCoding.textFault("the operator's name", ruling.by)
        {
            throw RegistryRefusal(.invalid, fault)
        }
        return try await act(.ruled(ruling), .caseRuled(ruling), now: now)
    }

    /// Appends the reopening of a closed case to the registry's log.
    ///
    /// - Throws: ``RegistryRefusal`` with what is wrong with it, as the case stands now.
    package func reopen(caseID: String, reason: String, by name: String, now: UInt64) async throws {
        if let fault = PayloadCoding.textFault("a reason", reason)
            ?? PayloadCoding.textFault("the operator's name", name)
        {
            throw RegistryRefusal(.invalid, fault)
        }
        _ = try await act(
            .reopened(caseID: caseID, reason: reason, by: name),
            .caseReopened(caseID: caseID, reason: reason, by: name), now: now)
    }

    /// Appends an act after the fold has said, on the state as it is, that it would not be invalid.
    private func act(
        _ act: RegistryAct, _ content: JournalEntry.Content, now: UInt64
    ) async throws -> Outcome.Decision {
        let secrets = secrets
        return try await pool.transaction { session in
            // The lock on the registry's own log makes two operators take turns.
            _ = try CityRow.lock(.registry, session)
            let entry = JournalEntry(
                position: Int64(clamping: try RegistryRow.read(session).feedHead.position) + 1, city: .registry,
                id: [UInt8](repeating: 0, count: 16), content: content, receivedAt: Int64(now))
            var fold = Fold(
                ledger: try LedgerLoader(session: session).load(
                    Needs([entry]), try policies.standing(session)))
            let outcome = fold.apply(entry)
            if outcome.decision == .invalid, case .faultyEntry(let fault)? = outcome.reasons.first?.finding {
                throw RegistryRefusal(.invalid, fault)
            }
            try RegistryStore.append(act, session, secrets, now: now)
            return outcome.decision
        }
    }
}

/// The query for cases with their parties, a row for each party.
private struct CaseQuery {
    private(set) var parameters: [PostgresParameter] = []
    private var conditions: [String] = []
    private var state = "state"
    private var claimState = "c.state"
    private var proposal = "k.proposal"
    private var isLive = "p.live"
    /// Where a case's claims are looked up for what they claim.
    private var parties = "conflict_case_claim p"
    private var deadline = "k.deadline"
    private let isByMoney: Bool
    private let limit: Int

    init(_ filter: RegistryStore.CaseFilter, after: RegistryStore.CasePlace?, limit: Int) {
        self.limit = limit
        isByMoney = filter.isByMoney
        if let position = filter.asOf {
            let asOf = bind(.int8(position))
            conditions.append("position <= \(asOf)")
            state = CaseQuery.state(asOf: asOf)
            claimState = ClaimHistory.state(asOf: asOf)
            parties = "conflict_case_claim p JOIN claim c USING (city_code, claim_no)"
            deadline = """
                coalesce((SELECT v.deadline FROM case_event v WHERE v.case_id = k.case_id AND v.position <= \(asOf)
                    ORDER BY v.position DESC, v.kind DESC LIMIT 1), k.deadline)
                """
            // Who proposed what is told by the steps.
            proposal = "''::bytea"
            let live = Outcome.Decision.allCases.filter(\.isLive).map { "\($0.rawValue)" }.joined(separator: ", ")
            // A refused claim is in an automatic case as long as it stays refused.
            isLive = """
                (\(claimState) IN (\(live)) OR k.automatic_dwell_seconds IS NOT NULL
                    AND \(claimState) = \(Outcome.Decision.refused.rawValue))
                """
        }
        if let after {
            let last = bind(.int8(after.position))
            if isByMoney {
                let least = bind(.int8(after.claimed?.rawValue ?? 0))
                conditions.append("(\(money), -position) < (\(least), -\(last))")
            } else {
                conditions.append("position > \(last)")
            }
        }
        if let isOpen = filter.isOpen { conditions.append("\(state) \(isOpen ? "<>" : "=") 'closed'") }
        if let id = filter.id { conditions.append("case_id = \(bind(.text(id)))") }
        if let city = filter.city {
            conditions.append(
                """
                case_id IN (SELECT case_id FROM conflict_case_claim
                    WHERE city_code = \(bind(.int4(Int32(city.rawValue)))))
                """)
        }
        parameters.append(.int8(Int64(limit)))
    }

    /// What the last event up to a position that opens or closes says.
    private static func state(asOf place: String) -> String {
        func kinds(_ kinds: CaseEvent.Kind...) -> String { kinds.map { "\($0.rawValue)" }.joined(separator: ", ") }
        return """
            coalesce((SELECT CASE WHEN v.kind IN (\(kinds(.ruled, .settled, .lapsed))) THEN 'closed'
                    WHEN v.kind = \(CaseEvent.Kind.escalated.rawValue) THEN 'escalated' ELSE 'open' END
                FROM case_event v WHERE v.case_id = k.case_id AND v.position <= \(place)
                    AND (v.kind IN (\(kinds(.opened, .ruled, .reopened, .escalated, .settled, .lapsed)))
                        OR v.kind = \(CaseEvent.Kind.answered.rawValue) AND v.answer = \(CaseAnswer.Kind.appeal.rawValue))
                ORDER BY v.position DESC, v.kind DESC LIMIT 1), 'open')
            """
    }

    private mutating func bind(_ value: PostgresParameter) -> String {
        parameters.append(value)
        return "$\(parameters.count)"
    }

    /// What the live claims of a case claim.
    private var money: String {
        """
        coalesce((SELECT sum(p.claimed_fen) FROM \(parties) WHERE p.case_id = k.case_id AND \(isLive)), 0)
        """
    }

    var sql: String {
        let page = PlannedLimit.query(
            """
            SELECT *, \(state) AS shown_state, \(isByMoney ? money : "0") AS money
            FROM conflict_case k WHERE \(conditions.isEmpty ? "true" : conditions.joined(separator: " AND "))
            ORDER BY money DESC, position
            """, limit, at: "$\(parameters.count)")
        return """
            SELECT k.case_id, k.position, k.shown_state, array_to_string(k.rules, ' '), p.city_code, p.claim_no,
                \(claimState), p.claimed_fen, \(deadline), \(proposal), k.automatic_dwell_seconds IS NOT NULL, \(isLive)
            FROM \(page) k
            JOIN conflict_case_claim p ON p.case_id = k.case_id
            JOIN claim c ON c.city_code = p.city_code AND c.claim_no = p.claim_no
            ORDER BY k.money DESC, k.position, p.place, p.city_code, p.claim_no
            """
    }
}
