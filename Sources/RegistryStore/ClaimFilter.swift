package import Arbitration
import PostgresClient
package import VoucherDomain

extension RegistryStore {
    /// What claims are looked for by; all that are given must match.
    package struct ClaimFilter: Hashable, Sendable {
        package var city: CityCode?
        package var state: Outcome.Decision?
        package var enterprise: CreditCode?
        package var provider: CreditCode?
        /// Any of these keys, held or only claimed.
        package var keys: [Key] = []
        /// A normalised contract number, whatever the parties.
        package var contract: ContractNumber?
        package var voucherNumber: String?
        package var number: ClaimName?
        /// A rule that found something in it.
        package var rule: String?
        /// A case that it is a party of.
        package var caseID: String?
        /// Claims of either city that met a claim of the other one.
        package var pair: CityPair?
        /// When the registry received it, milliseconds since 1970; the end is not within.
        package var receivedFrom: Int64?
        package var receivedUntil: Int64?
        package var claimedAtLeast: Money?
        package var claimedAtMost: Money?
        /// A part of the enterprise's or the provider's name as it was written on any claim, at least two characters.
        package var partyName: String?
        /// Claims decided up to this position, as they stood there; `nil` for now.
        package var asOf: Int64?
        package var isNewestFirst = false
        /// Only claims decided there.
        package var positions: ClosedRange<Int64>?

        package init() {}

        /// Whether an index finds the few claims that it is about, whatever they met.
        var isSelective: Bool {
            number != nil || enterprise != nil || !keys.isEmpty || contract != nil || voucherNumber != nil
                || caseID != nil || partyName != nil
        }

        /// Whether claims are looked for by findings.
        private var isOfFindings: Bool { pair != nil || rule != nil }

        /// The state by which the few claims are found that had it then, though they may have another one now.
        var pastState: Outcome.Decision? {
            // Most claims were reserved once: a look at all finds those.
            isSelective || isOfFindings || asOf == nil || state == .reserved ? nil : state
        }

        /// Whether a claim that is in the list or is not stays so, whatever is decided later: the list only grows, at its end.
        ///
        /// A claim changes its state, becomes a party of later cases, and is found by a name that its companies get later.
        package var isSettled: Bool { asOf != nil || state == nil && caseID == nil && partyName == nil }

        /// Whether nothing finds few claims but their city.
        var isCityAlone: Bool { city != nil && !isSelective && !isOfFindings && pastState == nil }
    }

    /// Two cities, the lower code first.
    package struct CityPair: Hashable, Sendable {
        package let first: CityCode
        package let second: CityCode

        package init(_ one: CityCode, _ other: CityCode) {
            first = min(one, other)
            second = max(one, other)
        }
    }
}

/// The one query for claims: each condition is there only when it is asked for, so that its index can serve.
struct ClaimQuery {
    private(set) var parameters: [PostgresParameter] = []
    private var conditions: [String] = []
    /// Rows `l` whose claims are looked through, in the order of their positions, instead of all claims; and what is
    /// said of these rows.
    private var leading: (rows: String, condition: String)?
    /// Conditions on positions.
    private var places: [String] = []
    /// A condition on the city, which findings have as well.
    private var ofCity: String?
    /// Whether the claims of one city are looked through, by an index of their own.
    private let isCityLed: Bool
    /// Whether few claims are found by something else: findings are looked up for each of these.
    private let isSelective: Bool
    private var order = "ASC"
    /// What gives the claim's state.
    private var state = "c.state"
    private var payment = "p.claim_position = c.position"
    private let limit: Int
    /// Where the codes of few companies are bound, one of which a claim is of.
    private var companies: String?

    /// So many companies are looked up one by one; claims of more are met soon enough by looking at all.
    private static let mostLookedUp = 200

    /// - Parameter companies: The companies that bear the filter's name, where it has one.
    init(_ filter: RegistryStore.ClaimFilter, companies: [String] = [], after: Int64?, limit: Int) {
        self.limit = limit
        isSelective = filter.isSelective
        isCityLed = filter.isCityAlone
        if filter.isNewestFirst { order = "DESC" }
        if let position = filter.asOf {
            let asOf = bind(.int8(position))
            if !isCityLed { places.append("position <= \(asOf)") }
            state = ClaimHistory.state(asOf: asOf)
            payment = "false"
        }
        if let city = filter.city, isCityLed {
            require(city, filter, after: after)
        } else {
            requirePlaces(filter, after: after)
        }
        requireParties(filter, companies)
        // Not bound: which index serves depends on it.
        if let wanted = filter.state { conditions.append("\(state) = \(wanted.rawValue)") }
        if let voucher = filter.voucherNumber { require("c.voucher_no =", .text(voucher)) }
        if let name = filter.number {
            require("c.city_code =", .int4(Int32(name.city.rawValue)))
            require("c.claim_no =", .text(name.number))
        }
        if let time = filter.receivedFrom { require("c.received_at_ms >=", .int8(time)) }
        if let time = filter.receivedUntil { require("c.received_at_ms <", .int8(time)) }
        if let amount = filter.claimedAtLeast { require("c.claimed_fen >=", .int8(amount.rawValue)) }
        if let amount = filter.claimedAtMost { require("c.claimed_fen <=", .int8(amount.rawValue)) }
        requireFindings(filter)
        if let state = filter.pastState { lead(by: candidates(onceIn: state)) }
        parameters.append(.int8(Int64(limit)))
    }

    private mutating func requirePlaces(_ filter: RegistryStore.ClaimFilter, after: Int64?) {
        if let after { places.append("position \(filter.isNewestFirst ? "<" : ">") \(bind(.int8(after)))") }
        if let positions = filter.positions {
            places.append(
                "position BETWEEN \(bind(.int8(positions.lowerBound))) AND \(bind(.int8(positions.upperBound)))")
        }
        conditions += places.map { "c.\($0)" }
        guard let city = filter.city else { return }
        let condition = "city_code = \(bind(.int4(Int32(city.rawValue))))"
        conditions.append("c.\(condition)")
        ofCity = condition
    }

    /// As the index of a city's claims has it.
    private static let cityPlace = "c.city_code::bigint, c.position"

    /// The city's claims as a range, with the city in the order: a planner that knows no values would rather read the
    /// claims of all cities.
    private mutating func require(_ city: CityCode, _ filter: RegistryStore.ClaimFilter, after: Int64?) {
        var first = filter.positions?.lowerBound ?? 0
        var last = min(filter.positions?.upperBound ?? .max, filter.asOf ?? .max)
        if let after, filter.isNewestFirst { last = min(last, max(after, 1) - 1) }
        if let after, !filter.isNewestFirst { first = max(first, min(after, Int64.max - 1) + 1) }
        let code = bind(.int8(Int64(city.rawValue)))
        conditions.append("(\(ClaimQuery.cityPlace)) >= (\(code), \(bind(.int8(first))))")
        conditions.append("(\(ClaimQuery.cityPlace)) <= (\(code), \(bind(.int8(last))))")
    }

    private mutating func requireParties(_ filter: RegistryStore.ClaimFilter, _ companies: [String]) {
        if let enterprise = filter.enterprise { require("c.enterprise_uscc =", .text(enterprise.rawValue)) }
        if let provider = filter.provider { require("c.provider_uscc =", .text(provider.rawValue)) }
        if let contract = filter.contract { require("c.contract_no =", .text(contract.rawValue)) }
        if !filter.keys.isEmpty {
            let keys = bind(.byteaArray(filter.keys.map(\.bytes)))
            conditions.append("c.position IN (SELECT position FROM claim_key WHERE key = ANY(\(keys)))")
        }
        guard filter.partyName != nil else { return }
        let codes = "\(bind(.textArray(companies)))::text[]"
        if companies.count <= ClaimQuery.mostLookedUp {
            self.companies = codes
        } else {
            conditions.append(
                "(c.enterprise_uscc IN (SELECT unnest(\(codes))) OR c.provider_uscc IN (SELECT unnest(\(codes))))")
        }
    }

    private mutating func requireFindings(_ filter: RegistryStore.ClaimFilter) {
        // Before the rule: a pair has fewer of them.
        if let pair = filter.pair {
            let first = bind(.int4(Int32(pair.first.rawValue)))
            let second = bind(.int4(Int32(pair.second.rawValue)))
            requireFinding(
                """
                least(l.city_code, l.blocking_city) = \(first) AND greatest(l.city_code, l.blocking_city) = \(second)
                    AND l.blocking_city <> 0
                """)
        }
        if let rule = filter.rule { requireFinding("l.rule = \(bind(.text(rule)))") }
        if let id = filter.caseID {
            conditions.append(
                """
                (c.city_code, c.claim_no) IN (
                    SELECT city_code, claim_no FROM conflict_case_claim JOIN conflict_case k USING (case_id)
                    WHERE case_id = \(bind(.text(id))) AND k.position <= \(bind(.int8(filter.asOf ?? .max))))
                """)
        }
    }

    private mutating func requireFinding(_ condition: String) {
        if leading == nil, !isSelective {
            lead(by: "finding", [condition] + [ofCity].compactMap { $0 }.map { "l.\($0)" })
        } else {
            // For each claim: without the offset, all that the rule ever found may be read first.
            conditions.append(
                "EXISTS (SELECT FROM finding l WHERE l.position = c.position AND \(condition) OFFSET 0)")
        }
    }

    /// - Parameter conditions: On the rows `l`, besides those on their positions.
    private mutating func lead(by rows: String, _ conditions: [String] = []) {
        leading = (rows, (conditions + places.map { "l.\($0)" }).joined(separator: " AND "))
    }

    /// The places of the page among the claims that ever stood in a state, in the page's order: the claims themselves are
    /// looked up one by one, until the page is full.
    private func candidates(onceIn state: Outcome.Decision) -> String {
        """
        (SELECT position FROM (\(ClaimQuery.positions(ofClaimsOnce: state))) u
            WHERE \((["true"] + places).joined(separator: " AND ")) ORDER BY position \(order) OFFSET 0)
        """
    }

    /// What gives in SQL the positions of all claims that ever stood in a state, and of some that did not.
    private static func positions(ofClaimsOnce state: Outcome.Decision) -> String {
        var all = ["SELECT claim_position AS position FROM claim_history WHERE state = \(state.rawValue)"]
        // A claim that is refused when it is decided stays so; one that is held then opens a case there.
        if state == .refused || state == .held {
            all.append("SELECT position FROM claim WHERE state = \(state.rawValue)")
        }
        if state == .held { all.append("SELECT position FROM conflict_case") }
        return all.joined(separator: " UNION ALL ")
    }

    /// - Returns: The place-holder of the value.
    private mutating func bind(_ value: PostgresParameter) -> String {
        parameters.append(value)
        return "$\(parameters.count)"
    }

    private mutating func require(_ column: String, _ value: PostgresParameter) {
        conditions.append("\(column) \(bind(value))")
    }

    /// How many columns a claim has, before those of its payment.
    static let columns = 14

    /// - Parameter condition: One more.
    private func found(_ columns: String, where condition: String = "true") -> String {
        let all = (conditions + [condition]).joined(separator: " AND ")
        guard let leading else {
            let places = isCityLed ? "c.city_code::bigint \(order), c.position \(order)" : "c.position \(order)"
            return "SELECT \(columns) FROM claim c WHERE \(all) ORDER BY \(places)"
        }
        // Claims are looked up one by one: merged in their order, all between two that are found would be read.
        return """
            SELECT DISTINCT ON (l.position) \(columns) FROM \(leading.rows) l
            CROSS JOIN LATERAL (SELECT * FROM claim WHERE position = l.position OFFSET 0) c
            WHERE \(leading.condition) AND \(all) ORDER BY l.position \(order)
            """
    }

    /// The first claims of each company, and of these the first: every page of all is among them.
    private func positions(of companies: String) -> String {
        let limit = PlannedLimit.text(limit)
        let own = ["enterprise_uscc", "provider_uscc"].map { column in
            "(\(found("c.position", where: "c.\(column) = u.code")) LIMIT \(limit))"
        }
        return """
            SELECT DISTINCT l.position FROM unnest(\(companies)) AS u(code)
            CROSS JOIN LATERAL (\(own.joined(separator: " UNION ALL "))) AS l ORDER BY 1 \(order) LIMIT \(limit)
            """
    }

    /// As `incarnation_at` gives it, which would start an executor of its own for each row.
    private static let incarnation = "(SELECT max(number) FROM incarnation WHERE first_position <= c.position)"

    /// The page's claims first, whatever they are found by; the rest is looked up for these alone.
    var sql: String {
        let claims =
            companies.map {
                """
                SELECT c.*, \(state) AS shown_state FROM claim c WHERE c.position = ANY(ARRAY(\(positions(of: $0))))
                ORDER BY c.position \(order)
                """
            } ?? found("c.*, \(state) AS shown_state")
        let page = PlannedLimit.query(claims, limit, at: "$\(parameters.count)")
        return """
            SELECT c.position, c.city_code, c.claim_no, c.shown_state, c.case_id, c.reasons, e.bytes,
                \(ClaimQuery.incarnation), f.hash, b.receipt_body, b.receipt_signature, c.policy_version,
                c.received_at_ms, c.filed_at_ms, \(PaymentLoader.columns)
            FROM \(page) c
            LEFT JOIN payment p ON \(payment)
            JOIN entry e ON e.city_code = c.city_code AND e.sequence = c.sequence
            JOIN feed f ON f.position = c.position
            JOIN LATERAL (
                SELECT receipt_body, receipt_signature FROM batch
                WHERE batch.city_code = c.city_code AND batch.last_sequence >= c.sequence
                ORDER BY batch.last_sequence LIMIT 1) b ON true
            ORDER BY c.position \(order)
            """
    }
}
