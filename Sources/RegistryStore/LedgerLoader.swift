import Arbitration
import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// Loads the part of the ledger that a batch touches: a few statements with array parameters.
///
/// Each key of a batch is looked up by itself (`LATERAL … OFFSET 0`): for the thousands of a batch the planner would rather
/// read whole tables, or compare each row with each key.
struct LedgerLoader {
    let session: PostgresSession

    /// A ledger that satisfies `needs`, under these policies.
    func load(_ needs: Needs, _ policies: PolicyStanding) throws -> Ledger {
        var needs = needs
        return try load(&needs, policies)
    }

    /// A ledger that satisfies `needs`, to which it adds what it found to be needed besides.
    ///
    /// Of the requests that a tick may authorise it has the first ones alone, where the tick moves no more than these.
    func load(_ needs: inout Needs, _ policies: PolicyStanding) throws -> Ledger {
        guard let tick = needs.loneTick else { return try load(&needs, policies, requests: nil).ledger }
        var most = Fold.mostPerTick
        while true {
            var extended = needs
            let building = try load(&extended, policies, requests: most)
            let isEnough = try building.hasAllRequests || movesMost(tick, building.ledger)
            if isEnough {
                needs = extended
                return building.ledger
            }
            most *= 4
        }
    }

    /// Whether a tick that comes next moves as many payments as one may: what waits behind them does not matter to it.
    private func movesMost(_ tick: Tick, _ ledger: Ledger) throws -> Bool {
        let head = try RegistryRow.read(session).feedHead
        let entry = JournalEntry(
            position: Int64(clamping: head.position) + 1, city: .registry, id: [UInt8](repeating: 0, count: 16),
            content: .ticked(tick))
        var fold = Fold(ledger: ledger)
        return fold.apply(entry).effects.count >= Fold.mostPerTick
    }

    /// - Parameter most: How many of the requests that a tick may authorise, the oldest first; `nil` for all.
    private func load(
        _ needs: inout Needs, _ policies: PolicyStanding, requests most: Int?
    ) throws -> Building {
        let building = Building(policies.ledger)
        try PaymentLoader(session: session).load(&needs, building, requests: most)
        building.ledger.reserveCapacity(needs.keys.count)
        try queueClaims(needs.claims, releasing: needs.touchedClaims, building)
        try queueVouchers(needs.vouchers, building)
        // In the order of the index: each look-up begins where the last one ended.
        try queueHoldings(needs.keys.sorted().map(\.bytes), building)
        try PaymentLoader(session: session).queueLetters(needs.keys, building)
        let surroundings = SurroundingsLoader(session: session)
        try surroundings.queueRegister(needs, building)
        try surroundings.queuePrices(needs, building)
        let cases = CaseLoader(session: session)
        try cases.queue(needs, building)
        try cases.queueFilingTimes(needs, building)
        try session.flush()
        try loadLinks(&needs, building)
        try loadParties(needs, building)
        let payments = PaymentLoader(session: session)
        if needs.concernsPayments {
            let automatic = building.ledger.cases.values.filter(\.isAutomatic).map(\.position)
            try payments.queueMarks(after: automatic, building)
        }
        try payments.queuePayments(building.releasing, building)
        let freezing = building.ledger.cases.values.filter { $0.rules.contains(Fold.branchRule) }
        try payments.queuePayments(building.positions(in: freezing), building)
        try payments.queueFrozen(by: freezing.map(\.id), building)
        try surroundings.loadFilings(needs.lookups(policies.all, building.ledger.register), building)
        let more = try keys(ofClaimsAt: building.releasing).filter { !needs.keys.contains(Key(bytes: $0)) }
        try queueHoldings(more, building)
        try session.flush()
        try payments.queueNeighbours(of: needs, building)
        try session.flush()
        return building
    }

    /// What stands under other names of the invoices, as far as live claims link them.
    private func loadLinks(_ needs: inout Needs, _ building: Building) throws {
        while true {
            let missing = building.ledger.missingLinks(of: needs.keys)
            if missing.isEmpty { return }
            needs.include(missing)
            try queueHoldings(missing.map(\.bytes), building)
            try PaymentLoader(session: session).queueLetters(missing, building)
            try session.flush()
        }
    }

    /// A ledger with every live holding under these keys and nothing else.
    func load(_ keys: Set<Key>, policy: Policy) throws -> Ledger {
        let building = Building(Ledger(policy: policy))
        try queueHoldings(keys.map(\.bytes), building)
        try session.flush()
        return building.ledger
    }

    /// What the answers to queued queries are put together in.
    final class Building {
        var ledger: Ledger
        /// The positions of claims that may give back their keys.
        var releasing: [Int64] = []
        /// Whether it has every request that the batch's ticks may authorise.
        var hasAllRequests = true

        init(_ ledger: Ledger) { self.ledger = ledger }

        /// The positions of the claims that these cases name.
        func positions(in cases: [ConflictCase]) -> [Int64] {
            cases.flatMap(\.parties).compactMap { ledger.claims[$0.claim]?.position }
        }

        /// How many of the claims that may give back their keys are found under each trace.
        var leaving: [Trace: Int64] {
            let positions = Set(releasing)
            guard !positions.isEmpty else { return [:] }
            var leaving: [Trace: Int64] = [:]
            for record in ledger.claims.values where positions.contains(record.position) {
                for trace in record.imprint.traces { leaving[trace, default: 0] += 1 }
            }
            return leaving
        }
    }

    /// The whole ledger as the tables have it, read ten thousand positions at a time.
    ///
    /// - Parameter last: The last decided position.
    func loadAll(through last: Int64) throws -> Ledger {
        var ledger = try PolicyCache().standing(session).ledger
        for first in stride(from: Int64(1), through: last, by: 10_000) {
            let range = [PostgresParameter.int8(first), .int8(first + 9_999)]
            let claims = try session.execute(
                "SELECT \(LedgerLoader.record) FROM claim c WHERE position BETWEEN $1 AND $2", range)
            for row in 0..<claims.count { _ = try LedgerLoader.insertClaim(claims, row, into: &ledger) }
            try LedgerLoader.insertHoldings(
                session.execute(
                    """
                    SELECT \(LedgerLoader.holding) FROM claim_key k JOIN claim c ON c.position = k.position
                    WHERE k.position BETWEEN $1 AND $2 AND k.live ORDER BY k.position, k.key, k.item
                    """, range), into: &ledger)
            try LedgerLoader.insertVouchers(
                session.execute(
                    """
                    SELECT key, programme, enterprise_uscc, enterprise_name, face_value_fen, valid_from, valid_until,
                        voucher_no
                    FROM voucher WHERE position BETWEEN $1 AND $2
                    """, range), into: &ledger)
        }
        try CaseLoader(session: session).loadAll(into: &ledger)
        try SurroundingsLoader(session: session).loadAll(into: &ledger)
        try PaymentLoader(session: session).loadAll(into: &ledger)
        return ledger
    }

    /// The records of the claims of the cases that were loaded; and what is held by those that may be ruled on.
    private func loadParties(_ needs: Needs, _ building: Building) throws {
        let cases = building.ledger.cases.values
        let names = Set(cases.flatMap(\.parties).map(\.claim))
        guard !names.isEmpty else { return }
        let ruled = Set(cases.filter { needs.cases.contains($0.id) }.flatMap(\.parties).map(\.claim))
        try queueClaims(
            names.filter { building.ledger.claims[$0] == nil || ruled.contains($0) }, releasing: ruled, building)
        try session.flush()
    }

    /// The columns of a claim's record.
    private static let record = """
        c.city_code, c.claim_no, c.position, c.state, c.traces, c.resource_class, c.price_class, c.claimed_fen,
            c.policy_version
        """

    private static func insertClaim(
        _ result: borrowing PostgresResult, _ row: Int, into ledger: inout Ledger
    ) throws -> ClaimName {
        guard let state = Outcome.Decision(rawValue: UInt8(result.int(row, 3))) else {
            throw PostgresError(code: .unexpectedResult, message: "a damaged row in claim")
        }
        let name = ClaimName(city: try result.city(row, 0, in: "claim"), number: result.text(row, 1))
        let price = result.optionalInt(row, 6).map {
            PricePoint(resourceClass: result.text(row, 5), priceClass: $0)
        }
        let imprint = Imprint(traces: result.int8Array(row, 4).map(Trace.init(rawValue:)), price: price)
        ledger.insert(
            .init(
                position: result.int(row, 2), state: state, claimed: Money(rawValue: result.int(row, 7)),
                policyVersion: UInt32(result.int(row, 8)), imprint: imprint), for: name)
        return name
    }

    /// - Parameter releasing: Claims whose holdings are needed, too.
    private func queueClaims(
        _ names: Set<ClaimName>, releasing: Set<ClaimName>, _ building: Building
    ) throws {
        let names = Array(names)
        guard !names.isEmpty else { return }
        try session.queue(
            """
            SELECT \(LedgerLoader.record)
            FROM unnest($1::int4[], $2::text[]) AS n(city_code, claim_no) CROSS JOIN LATERAL (
                SELECT * FROM claim
                WHERE city_code = n.city_code AND claim_no = n.claim_no COLLATE "C" OFFSET 0) AS c
            """, [.int4Array(names.map { Int32($0.city.rawValue) }), .textArray(names.map(\.number))]
        ) { result in
            for row in 0..<result.count {
                let name = try LedgerLoader.insertClaim(result, row, into: &building.ledger)
                if releasing.contains(name) { building.releasing.append(result.int(row, 2)) }
            }
        }
    }

    private func keys(ofClaimsAt positions: [Int64]) throws -> [[UInt8]] {
        guard !positions.isEmpty else { return [] }
        let result = try session.execute(
            "SELECT DISTINCT key FROM claim_key WHERE position = ANY($1) AND live", [.int8Array(positions)])
        return (0..<result.count).map { result.bytes($0, 0) }
    }

    private func queueHoldings(_ keys: [[UInt8]], _ building: Building) throws {
        guard !keys.isEmpty else { return }
        try session.queue(
            """
            SELECT \(LedgerLoader.holding) FROM unnest($1::bytea[]) AS wanted(key)
            CROSS JOIN LATERAL (SELECT * FROM claim_key WHERE key = wanted.key AND live OFFSET 0) AS k
            CROSS JOIN LATERAL (
                SELECT city_code, claim_no, state, filed_at_ms FROM claim WHERE position = k.position OFFSET 0) AS c
            ORDER BY k.position, k.key, k.item
            """, [.byteaArray(keys)]
        ) { result in try LedgerLoader.insertHoldings(result, into: &building.ledger) }
    }

    /// The columns of a holding, and of the claim that has it.
    private static let holding = """
        k.key, k.position, c.city_code, c.claim_no, k.holder, k.cofunding_group, k.item, k.amount_fen, k.capacity_fen,
            k.service_from, k.service_until, c.state, c.filed_at_ms
        """

    private static func insertHoldings(_ result: borrowing PostgresResult, into ledger: inout Ledger) throws {
        for row in 0..<result.count {
            guard let state = Outcome.Decision(rawValue: UInt8(result.int(row, 11))) else {
                throw PostgresError(code: .unexpectedResult, message: "a damaged row in claim")
            }
            let city = try result.city(row, 2, in: "claim")
            ledger.insert(.init(filedAt: result.int(row, 12), state: state), at: result.int(row, 1))
            var interval: DayInterval?
            if let from = result.date(row, 9), let until = result.date(row, 10) {
                interval = DayInterval(from: CalendarDate(rawValue: from), until: CalendarDate(rawValue: until))
            }
            ledger.insert(
                Holding(
                    key: Key(bytes: result.bytes(row, 0)), position: result.int(row, 1),
                    claim: ClaimName(city: city, number: result.text(row, 3)), holder: result.bytes(row, 4),
                    group: result.text(row, 5), item: result.bytes(row, 6), amount: result.int(row, 7),
                    capacity: result.int(row, 8), interval: interval))
        }
    }

    private func queueVouchers(_ keys: Set<Key>, _ building: Building) throws {
        guard !keys.isEmpty else { return }
        try session.queue(
            """
            SELECT v.key, v.programme, v.enterprise_uscc, v.enterprise_name, v.face_value_fen, v.valid_from,
                v.valid_until, v.voucher_no
            FROM unnest($1::bytea[]) AS wanted(key)
            CROSS JOIN LATERAL (SELECT * FROM voucher WHERE key = wanted.key OFFSET 0) AS v
            """, [.byteaArray(keys.map(\.bytes))]
        ) { result in try LedgerLoader.insertVouchers(result, into: &building.ledger) }
    }

    private static func insertVouchers(_ result: borrowing PostgresResult, into ledger: inout Ledger) throws {
        for row in 0..<result.count {
            guard let enterprise = CreditCode(rawValue: result.text(row, 2)),
                let from = result.date(row, 5), let until = result.date(row, 6),
                let validity = DayInterval(from: CalendarDate(rawValue: from), until: CalendarDate(rawValue: until))
            else { throw PostgresError(code: .unexpectedResult, message: "a damaged row in voucher") }
            let voucher = Voucher(
                number: result.text(row, 7), programme: result.text(row, 1), enterprise: enterprise,
                enterpriseName: result.text(row, 3), faceValue: Money(rawValue: result.int(row, 4)), issuedOn: nil,
                validity: validity)
            ledger.insert(.init(facts: VoucherFacts(voucher)), under: Key(bytes: result.bytes(row, 0)))
        }
    }
}
