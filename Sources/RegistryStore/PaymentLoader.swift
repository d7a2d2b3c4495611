import Arbitration
import PostgresClient
import VoucherDomain

/// Loads what payments ask: the cities and the ticks that they wait for, and the claims that a batch may move on.
struct PaymentLoader {
    let session: PostgresSession

    /// Finds out which claims' payments a batch may move on, loads them, and adds to `needs` what they need besides.
    func load(_ needs: inout Needs, _ building: LedgerLoader.Building) throws {
        guard needs.concernsPayments else { return }
        try queueStandings(building)
        try session.flush()
        var names = try holders(of: needs.reversedInvoices)
        if !needs.ticks.isEmpty { names.formUnion(try movable(by: needs.ticks, building.ledger)) }
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
            session.execute("SELECT key, number, amount_fen, city_code FROM red_letter"), into: &ledger)
    }

    /// Members, the last tick, and what the policies say of payments.
    private func queueStandings(_ building: LedgerLoader.Building) throws {
        try session.queue(
            "SELECT city_code, active, watermark_ms, feed_position, unsupported_since_ms FROM member"
        ) { result in
            for row in 0..<result.count {
                guard let city = CityCode(rawValue: UInt32(result.int(row, 0))) else {
                    throw PostgresError(code: .unexpectedResult, message: "a damaged row in member")
                }
                building.ledger.members[city] = Member(
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

    /// Claims whose payments these ticks may authorise or release: all of them, and a few more.
    private func movable(by ticks: [Tick], _ ledger: Ledger) throws -> Set<ClaimName> {
        var members = ledger.members
        for tick in ticks { members.take(tick.reports) }
        let slowest = members.slowest
        let elapsed = ledger.clock.elapsed + ticks.reduce(0) { $0 + min($1.intervalMilliseconds, Tick.maximumInterval) }
        let result = try session.execute(
            """
            SELECT p.city_code, p.claim_no FROM payment p WHERE p.stage = 2
            UNION ALL
            SELECT p.city_code, p.claim_no FROM payment p JOIN claim c ON c.position = p.claim_position
            WHERE p.stage = 1 AND p.barred_by = '' AND c.state = 2
                AND (c.received_at_ms < CASE WHEN p.city_code = $1 THEN $2 ELSE $3 END
                    OR EXISTS (SELECT 1 FROM policy y WHERE y.version = c.policy_version AND y.dwell_seconds = 0)
                    OR p.claim_position < (
                        SELECT max(t.position) FROM tick t
                        WHERE t.elapsed_ms <= $4 - 1000 * (SELECT min(dwell_seconds) FROM policy)))
            """,
            [
                .int4(slowest.map { Int32($0.rawValue) }), .int8(members.reportedTime(but: slowest)),
                .int8(members.reportedTime(but: nil)), .int8(elapsed),
            ])
        return try PaymentLoader.names(result)
    }

    /// The live claims that have these invoices, under whichever of the names that they give them.
    private func holders(of keys: Set<Key>) throws -> Set<ClaimName> {
        var (known, names): (Set<Key>, Set<ClaimName>) = ([], [])
        var rest = keys
        while !rest.isEmpty {
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

    /// The payments of every claim that stands under a key of a paid claim: one that is authorised keeps others from it.
    func queueNeighbours(of needs: Needs, _ building: LedgerLoader.Building) throws {
        guard needs.concernsPayments else { return }
        try queuePayments(building.ledger.positions(beside: needs.paidClaims), building)
    }

    private static func names(_ result: borrowing PostgresResult) throws -> Set<ClaimName> {
        var names: Set<ClaimName> = []
        for row in 0..<result.count {
            guard let city = CityCode(rawValue: UInt32(result.int(row, 0))) else {
                throw PostgresError(code: .unexpectedResult, message: "a damaged row in payment")
            }
            names.insert(ClaimName(city: city, number: result.text(row, 1)))
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
            p.barred_by
        """

    /// The payments of claims that were decided at these positions.
    func queuePayments(_ positions: [Int64], _ building: LedgerLoader.Building) throws {
        guard !positions.isEmpty else { return }
        try session.queue(
            "SELECT \(PaymentLoader.columns) FROM payment p WHERE claim_position = ANY($1)", [.int8Array(positions)]
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
        guard let city = CityCode(rawValue: UInt32(result.int(row, first + 1))),
            let stage = Payment.Stage(rawValue: UInt8(result.int(row, first + 4)))
        else { throw PostgresError(code: .unexpectedResult, message: "a damaged row in payment") }
        var payment = Payment(
            claim: ClaimName(city: city, number: result.text(row, first + 2)), position: result.int(row, first),
            requestedAt: result.int(row, first + 3), stage: stage)
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
        return payment
    }

    /// The first tick after each claim, beside the last of all.
    private func queueMarks(after positions: [Int64], _ building: LedgerLoader.Building) throws {
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
            "SELECT key, number, amount_fen, city_code FROM red_letter WHERE key = ANY($1)", [.byteaArray(invoices)]
        ) { result in try PaymentLoader.insertLetters(result, into: &building.ledger) }
    }

    private static func insertLetters(_ result: borrowing PostgresResult, into ledger: inout Ledger) throws {
        var letters: [Key: RedLetters] = [:]
        for row in 0..<result.count {
            guard let city = CityCode(rawValue: UInt32(result.int(row, 3))) else {
                throw PostgresError(code: .unexpectedResult, message: "a damaged row in red_letter")
            }
            letters[Key(bytes: result.bytes(row, 0)), default: RedLetters()].take(
                result.text(row, 1), Money(rawValue: result.int(row, 2)), by: city)
        }
        for (key, all) in letters { ledger.insert(all, under: key) }
    }
}
