import Arbitration
import PostgresClient
import VoucherDomain

/// Loads what payments ask: the cities and the ticks that they wait for, and the claims that a batch may move on.
struct PaymentLoader {
    let session: PostgresSession

    /// Finds out which claims' payments a batch may move on, loads them, and adds to `needs` what they need besides.
    ///
    /// - Parameter most: How many of the requests that a tick may authorise, the oldest first; `nil` for all.
    func load(_ needs: inout Needs, _ building: LedgerLoader.Building, requests most: Int?) throws {
        guard needs.concernsPayments else { return }
        try queueStandings(building)
        try session.flush()
        var names = try needs.reversedInvoices.isEmpty ? [] : holders(of: needs)
        if !needs.ticks.isEmpty { names.formUnion(try movable(by: needs, building, requests: most)) }
        needs.act(on: names)
        let positions = try positions(of: needs.paidClaims)
        for filing in try SurroundingsLoader(session: session).filings(at: Set(positions)) where filing.state.isLive {
            building.ledger.insert(filing)
            if needs.reviewedClaims.contains(filing.name) { needs.review(filing) }
        }
        try queuePayments(positions, building)
        try queueMarks(after: positions, building)
        try session.flush()
    }

    /// Everything as the tables have it.
    func loadAll(into ledger: inout Ledger) throws {
        let building = LedgerLoader.Building(ledger)
        try queueStandings(building)
        try session.flush()
        ledger = building.ledger
        let marks = try session.execute("SELECT position, elapsed_ms FROM tick ORDER BY position")
        ledger.clock = DwellClock(
            marks: (0..<marks.count).map { .init(position: marks.int($0, 0), elapsed: marks.int($0, 1)) })
        try PaymentLoader.insertPayments(
            session.execute("SELECT \(PaymentLoader.columns) FROM payment p"), into: &ledger)
        try PaymentLoader.insertLetters(
            session.execute("SELECT key, number, amount_fen, city_code, applied FROM red_letter"), into: &ledger)
    }

    /// Members, the last tick, and what the policies say of payments.
    private func queueStandings(_ building: LedgerLoader.Building) throws {
        try session.queue(
            "SELECT city_code, active, watermark_ms, feed_position, unsupported_since_ms FROM member"
        ) { result in
            for row in 0..<result.count {
                building.ledger.members[try result.city(row, 0, in: "member")] = Member(
                    isActive: result.bool(row, 1), watermark: result.int(row, 2), feedPosition: result.int(row, 3),
                    unsupportedSince: result.optionalInt(row, 4))
            }
        }
        try session.queue("SELECT position, elapsed_ms FROM tick ORDER BY position DESC LIMIT 1") { result in
            building.ledger.clock = DwellClock(
                marks: (0..<result.count).map { .init(position: result.int($0, 0), elapsed: result.int($0, 1)) })
        }
        try session.queue("SELECT version, dwell_seconds, witness_cities FROM policy") { result in
            for row in 0..<result.count {
                building.ledger.insert(
                    PaymentTerms(dwellSeconds: result.int(row, 1), witnessCities: result.int(row, 2)),
                    ofPolicy: UInt32(result.int(row, 0)))
            }
        }
    }

    /// Claims whose payments these ticks may authorise or release: none that waits for time, cities or a case.
    private func movable(
        by needs: Needs, _ building: LedgerLoader.Building, requests most: Int?
    ) throws -> Set<ClaimName> {
        var members = building.ledger.members
        for tick in needs.ticks { members.take(tick.reports) }
        let elapsed = needs.elapsed(after: building.ledger.clock)
        let requested = try authorizable(members, elapsed: elapsed, most)
        building.hasAllRequests = most.map { requested.count < $0 } ?? true
        return try releasable(members).union(requested)
    }

    /// The first authorised payments that their own city and enough others have.
    private func releasable(_ members: Members) throws -> Set<ClaimName> {
        let cities = members.cities.sorted { $0.key < $1.key }
        let result = try session.execute(
            """
            WITH m AS (SELECT * FROM unnest($1::int4[], $2::int8[], $3::int4[]) AS m(city, feed, active))
            SELECT p.city_code, p.claim_no FROM payment p JOIN m AS own ON own.city = p.city_code
            WHERE p.stage = 2 AND p.frozen_by = '' AND own.feed >= p.authorized_position AND p.witness_cities <= (
                SELECT count(*) FROM m WHERE city <> p.city_code AND active = 1 AND feed >= p.authorized_position)
            ORDER BY p.authorized_position, p.claim_position LIMIT $4
            """,
            [
                .int4Array(cities.map { Int32($0.key.rawValue) }), .int8Array(cities.map(\.value.feedPosition)),
                .int4Array(cities.map { $0.value.isActive ? 1 : 0 }), .int8(Int64(Fold.mostPerTick)),
            ])
        return try PaymentLoader.names(result)
    }

    /// Requested payments whose cities were heard or whose dwell is over, and that no case stops: the first of them, in
    /// the order in which a tick looks at them.
    ///
    /// - Parameters:
    ///   - elapsed: What the clock shows after the ticks.
    ///   - most: How many; `nil` for all.
    private func authorizable(_ members: Members, elapsed: Int64, _ most: Int?) throws -> Set<ClaimName> {
        let slowest = members.slowest
        let result = try session.execute(
            """
            WITH term AS (
                SELECT version, dwell_seconds, (
                    SELECT position FROM tick WHERE elapsed_ms <= $4 - 1000 * dwell_seconds
                    ORDER BY position DESC LIMIT 1) AS over_before
                FROM policy)
            SELECT p.city_code, p.claim_no FROM payment p JOIN claim c ON c.position = p.claim_position
            JOIN term ON term.version = c.policy_version
            WHERE p.stage = 1 AND p.barred_by = '' AND c.state = 2
                AND (c.received_at_ms < CASE WHEN p.city_code = $1 THEN $2 ELSE $3 END
                    OR term.dwell_seconds = 0 OR p.claim_position < term.over_before)
                AND NOT EXISTS (
                    SELECT 1 FROM conflict_case_claim n JOIN conflict_case k USING (case_id)
                    WHERE n.city_code = p.city_code AND n.claim_no = p.claim_no
                        AND k.state <> 'closed' AND k.automatic_dwell_seconds IS NULL)
            ORDER BY p.requested_position, p.claim_position LIMIT $5
            """,
            [
                .int4(slowest.map { Int32($0.rawValue) }), .int8(members.reportedTime(but: slowest)),
                .int8(members.reportedTime(but: nil)), .int8(elapsed), .int8(most.map { Int64($0) }),
            ])
        return try PaymentLoader.names(result)
    }

    /// The live claims that have the reversed invoices, under whichever of the names that they, or claims of the batch, give
    /// these.
    private func holders(of needs: Needs) throws -> Set<ClaimName> {
        var (known, names): (Set<Key>, Set<ClaimName>) = ([], [])
        var rest = needs.reversedInvoices
        while !rest.isEmpty {
            rest.formUnion(needs.names(linkedTo: rest))
            known.formUnion(rest)
            let result = try session.execute(
                """
                SELECT DISTINCT c.city_code, c.claim_no, k.item
                FROM claim_key k JOIN claim c ON c.position = k.position WHERE k.key = ANY($1) AND k.live
                """, [.byteaArray(rest.map(\.bytes))])
            names.formUnion(try PaymentLoader.names(result))
            rest = Set((0..<result.count).flatMap { Holding.keys(ofItem: result.bytes($0, 2)) }).subtracting(known)
        }
        return names
    }

    /// The payments of every claim that stands under a key of a paid claim, or that a case names beside it: one that is
    /// authorised keeps others from theirs.
    func queueNeighbours(of needs: Needs, _ building: LedgerLoader.Building) throws {
        guard needs.concernsPayments else { return }
        let beside = building.ledger.positions(beside: needs.paidClaims, and: needs.keysOfPaidFilings)
        try queuePayments(beside, building)
    }

    private static func names(_ result: borrowing PostgresResult) throws -> Set<ClaimName> {
        var names: Set<ClaimName> = []
        for row in 0..<result.count {
            names.insert(ClaimName(city: try result.city(row, 0, in: "payment"), number: result.text(row, 1)))
        }
        return names
    }

    private func positions(of names: Set<ClaimName>) throws -> [Int64] {
        let names = Array(names)
        guard !names.isEmpty else { return [] }
        let result = try session.execute(
            """
            SELECT c.position FROM unnest($1::int4[], $2::text[]) AS n(city_code, claim_no) CROSS JOIN LATERAL (
                SELECT position FROM claim
                WHERE city_code = n.city_code AND claim_no = n.claim_no COLLATE "C" OFFSET 0) AS c
            """, [.int4Array(names.map { Int32($0.city.rawValue) }), .textArray(names.map(\.number))])
        return (0..<result.count).map { result.int($0, 0) }
    }

    /// Of a row `p` of `payment`.
    static let columns = """
        p.claim_position, p.city_code, p.claim_no, p.requested_position, p.stage, p.authorized_position, p.reference,
            p.amount_fen, p.witness_cities, p.bank_transaction, p.refunded_fen, p.refunds, p.clawback_fen, p.generation,
            p.barred_by, p.frozen_by
        """

    /// The payments of claims that were decided at these positions.
    func queuePayments(_ positions: [Int64], _ building: LedgerLoader.Building) throws {
        guard !positions.isEmpty else { return }
        try session.queue(
            "SELECT \(PaymentLoader.columns) FROM payment p WHERE claim_position = ANY($1)", [.int8Array(positions)]
        ) { result in try PaymentLoader.insertPayments(result, into: &building.ledger) }
    }

    /// The payments that these cases freeze.
    func queueFrozen(by caseIDs: [String], _ building: LedgerLoader.Building) throws {
        guard !caseIDs.isEmpty else { return }
        try session.queue(
            """
            SELECT \(PaymentLoader.columns) FROM payment p
            WHERE frozen_by <> '' AND string_to_array(frozen_by, ' ') && $1
            """, [.textArray(caseIDs.sorted())]
        ) { result in try PaymentLoader.insertPayments(result, into: &building.ledger) }
    }

    private static func insertPayments(_ result: borrowing PostgresResult, into ledger: inout Ledger) throws {
        for row in 0..<result.count {
            let payment = try payment(result, row)
            ledger.payments[payment.position] = payment
        }
    }

    /// - Parameter first: The place of the first of ``columns``.
    static func payment(_ result: borrowing PostgresResult, _ row: Int, from first: Int = 0) throws -> Payment {
        guard let stage = Payment.Stage(rawValue: UInt8(result.int(row, first + 4))) else {
            throw PostgresError(code: .unexpectedResult, message: "a damaged row in payment")
        }
        let name = ClaimName(
            city: try result.city(row, first + 1, in: "payment"), number: result.text(row, first + 2))
        var payment = Payment(
            claim: name, position: result.int(row, first), requestedAt: result.int(row, first + 3), stage: stage)
        if let position = result.optionalInt(row, first + 5) {
            guard let reference = PaymentReference(rawValue: result.bytes(row, first + 6)) else {
                throw PostgresError(code: .unexpectedResult, message: "a damaged row in payment")
            }
            payment.authorization = .init(
                position: position, reference: reference, amount: Money(rawValue: result.int(row, first + 7)),
                witnesses: result.int(row, first + 8))
        }
        payment.transaction = result.text(row, first + 9)
        payment.refunded = Money(rawValue: result.int(row, first + 10))
        payment.refunds = result.text(row, first + 11).split(separator: "\n").map(String.init)
        payment.clawback = Money(rawValue: result.int(row, first + 12))
        payment.generation = UInt32(result.int(row, first + 13))
        payment.barredBy = Set(result.text(row, first + 14).split(separator: " ").map(String.init))
        payment.frozenBy = Set(result.text(row, first + 15).split(separator: " ").map(String.init))
        return payment
    }

    /// The first tick after each claim, beside the last of all.
    func queueMarks(after positions: [Int64], _ building: LedgerLoader.Building) throws {
        guard !positions.isEmpty else { return }
        try session.queue(
            """
            SELECT DISTINCT t.position, t.elapsed_ms FROM unnest($1::int8[]) AS c(position) CROSS JOIN LATERAL (
                SELECT position, elapsed_ms FROM tick WHERE position > c.position ORDER BY position LIMIT 1) AS t
            """, [.int8Array(positions)]
        ) { result in
            let first = (0..<result.count).map {
                DwellClock.Mark(position: result.int($0, 0), elapsed: result.int($0, 1))
            }
            building.ledger.clock = DwellClock(marks: Array(Set(first).union(building.ledger.clock.marks)))
        }
    }

    /// Red letters on the invoices of a batch.
    func queueLetters(_ keys: Set<Key>, _ building: LedgerLoader.Building) throws {
        let invoices = keys.filter { $0.kind == .invoice }.map(\.bytes)
        guard !invoices.isEmpty else { return }
        try session.queue(
            "SELECT key, number, amount_fen, city_code, applied FROM red_letter WHERE key = ANY($1)",
            [.byteaArray(invoices)]
        ) { result in try PaymentLoader.insertLetters(result, into: &building.ledger) }
    }

    private static func insertLetters(_ result: borrowing PostgresResult, into ledger: inout Ledger) throws {
        var letters: [Key: RedLetters] = [:]
        for row in 0..<result.count {
            letters[Key(bytes: result.bytes(row, 0)), default: RedLetters()].take(
                result.text(row, 1), Money(rawValue: result.int(row, 2)),
                by: try result.city(row, 3, in: "red_letter"), isApplied: result.bool(row, 4))
        }
        for (key, all) in letters { ledger.insert(all, under: key) }
    }
}
