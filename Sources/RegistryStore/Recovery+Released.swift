import Arbitration
import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// What branches that are given up have released: a city pays it.
///
/// Where the branch that stands has authorised it, too, since or before both parted, the keys are bound to that payment.
/// Where not, the registry's log tells of it once all is decided again, and binds them. What was only authorised, or asked
/// for, nobody has paid, and the request in its city's log is decided again. Which branch stands may change until the
/// recovery goes on, so the payments are kept and looked at once more then.
extension Recovery {
    /// An entry of the feed.
    struct Place {
        let position: Int64
        let hash: [UInt8]
        /// Where the branch has decided the claim; 0 where that does not matter.
        var claim: Int64 = 0
    }

    /// The entry that filed a claim, in its city's log.
    struct Filing {
        let city: CityCode
        let entry: LogHead
    }

    /// The payments that came to one of these stages in a part of a feed, with an entry by which each did.
    ///
    /// - Parameter rows: A table of feed entries, with a condition.
    func payments(
        at stages: Set<Payment.Stage>, in rows: String, after position: Int64
    ) throws -> [PaymentReference: Place] {
        var found: [PaymentReference: Place] = [:]
        var last = position
        while true {
            let page = try session.execute(
                "SELECT position, hash, bytes FROM \(rows) AND position > $1 ORDER BY position LIMIT 1000",
                [.int8(last)])
            guard page.count > 0 else { return found }
            for row in 0..<page.count {
                last = page.int(row, 0)
                for effect in try RecoveryReplay.decode(page.bytes(row, 2)).effects {
                    guard let stage = effect.payment, stages.contains(stage), let reference = effect.reference else {
                        continue
                    }
                    found[reference] = Place(
                        position: last, hash: page.bytes(row, 1), claim: Int64(clamping: effect.claimPosition))
                }
            }
        }
    }

    /// By which entries what stands authorises payments.
    ///
    /// - Parameters:
    ///   - end: The last entry of the database's own feed that stands.
    ///   - tail: What stands besides: a table of feed entries, with a condition.
    func authorizations(
        of references: Set<PaymentReference>, through end: Int64, and tail: String
    ) throws -> [PaymentReference: Place] {
        guard !references.isEmpty else { return [:] }
        // The tables may be those of a branch that was given up: they say the truth as far as the feed goes, and no further.
        let rows = try session.execute(
            """
            SELECT p.reference, f.position, f.hash FROM payment p JOIN feed f ON f.position = p.authorized_position
            WHERE p.reference = ANY($1) AND f.position <= $2
            """, [.byteaArray(references.map(\.rawValue)), .int8(end)])
        var places: [PaymentReference: Place] = [:]
        for row in 0..<rows.count {
            guard let reference = PaymentReference(rawValue: rows.bytes(row, 0)) else { continue }
            places[reference] = Place(position: rows.int(row, 1), hash: rows.bytes(row, 2))
        }
        guard places.count < references.count else { return places }
        let others = try payments(at: [.authorized, .released], in: tail, after: 0)
        for (reference, place) in others where references.contains(reference) { places[reference] = place }
        return places
    }

    private static func notFiled(_ reference: String) -> String {
        "payment \(reference) was released on a branch of the feed that does not stand, and the entry that filed its claim is "
            + "nowhere: its keys cannot be bound. Let its city come with its own log; if it is this database that was written "
            + "to after it was restored, and nothing was paid, restore the backup once more"
    }

    /// Keeps what a branch has released, for as long as there is this database.
    ///
    /// - Parameters:
    ///   - places: By which entries the feed that stands authorises them.
    ///   - filings: Which entries filed their claims, as far as that is known.
    func keep(
        _ released: Set<PaymentReference>, authorizedBy places: [PaymentReference: Place],
        filedBy filings: [PaymentReference: Filing] = [:]
    ) throws {
        for reference in released.sorted(by: { $0.text < $1.text }) {
            let filing = filings[reference]
            try session.queue(
                """
                INSERT INTO given_up_payment AS p (reference, authorized_position, authorized_hash, city_code,
                    filing_sequence, filing_hash) VALUES ($1, $2, $3, $4, $5, $6)
                ON CONFLICT (reference) DO UPDATE SET
                    authorized_position = coalesce(excluded.authorized_position, p.authorized_position),
                    authorized_hash = coalesce(excluded.authorized_hash, p.authorized_hash),
                    city_code = coalesce(excluded.city_code, p.city_code),
                    filing_sequence = coalesce(excluded.filing_sequence, p.filing_sequence),
                    filing_hash = coalesce(excluded.filing_hash, p.filing_hash)
                """,
                [
                    .bytea(reference.rawValue), .int8(places[reference]?.position), .bytea(places[reference]?.hash),
                    .int4(filing.map { Int32($0.city.rawValue) }), .int8(filing.map { Int64($0.entry.sequence) }),
                    .bytea(filing?.entry.hash.rawValue),
                ])
        }
    }

    /// The entries that filed the claims of payments which a branch has released.
    ///
    /// - Parameters:
    ///   - rows: The branch: a table of feed entries, with a condition.
    ///   - common: The last position that it shares with what stands.
    func filings(
        of released: [PaymentReference: Place], in rows: String, after common: Int64
    ) throws -> [PaymentReference: Filing] {
        try released.compactMapValues { place -> Filing? in
            let sql =
                place.claim > common
                ? "SELECT bytes FROM \(rows) AND position = $1"
                : """
                SELECT bytes FROM feed WHERE position = $1
                UNION ALL SELECT bytes FROM recovery_feed WHERE adopted AND position = $1
                """
            let found = try session.execute(sql, [.int8(place.claim)])
            guard found.count > 0 else { return nil }
            let told = try RecoveryReplay.decode(found.bytes(0, 0))
            return told.kind == .claimFiled ? Filing(city: told.city, entry: told.answers) : nil
        }
    }

    /// Keeps the tail that was adopted, where the recovery begins anew: another one may stand this time. What this one has
    /// released may be paid, and what a city holds may go on from it.
    func keepAdopted(_ registry: RegistryRow) throws {
        let end = Int64(registry.feedHead.position)
        let tail = "recovery_feed WHERE adopted"
        let released = try payments(at: [.released], in: tail, after: end)
        try keep(Set(released.keys), authorizedBy: [:], filedBy: filings(of: released, in: tail, after: end))
        try keepFeed(tail, after: end)
    }

    /// Looks whether what is to stand, now that all of it is back, authorises what any other branch has released, or has at
    /// least the claim that is paid.
    ///
    /// - Returns: What is wrong, for the operators.
    func lostPayment() throws -> String? {
        let rows = try session.execute(
            """
            SELECT reference, EXISTS (
                SELECT FROM entry e WHERE e.city_code = p.city_code AND e.sequence = p.filing_sequence
                    AND e.hash = p.filing_hash AND e.fault IS NULL)
            FROM given_up_payment p
            WHERE NOT EXISTS (
                    SELECT FROM feed f WHERE f.position = p.authorized_position AND f.hash = p.authorized_hash)
                AND NOT EXISTS (
                    SELECT FROM recovery_feed r
                    WHERE r.adopted AND r.position = p.authorized_position AND r.hash = p.authorized_hash)
            """)
        var isFiled: [PaymentReference: Bool] = [:]
        for row in 0..<rows.count {
            if let reference = PaymentReference(rawValue: rows.bytes(row, 0)) { isFiled[reference] = rows.bool(row, 1) }
        }
        let places = try authorizations(
            of: Set(isFiled.keys), through: .max, and: "recovery_feed WHERE adopted")
        try keep(Set(places.keys), authorizedBy: places)
        return isFiled.filter { places[$0.key] == nil && !$0.value }.keys.map(\.text).min().map(Recovery.notFiled)
    }

    /// Appends to the registry's own log what it is to tell of these payments, once it is open: those that nothing which
    /// stands was ever authorised under.
    ///
    /// - Parameter decidedOnly: Whether only of those whose claims are decided; else these wait before what is appended.
    func tellFoundPayments(decidedOnly: Bool) throws {
        // Noted while it is so: a payment that failed since, and was asked for again, shows its old reference no more.
        try session.queue(
            """
            UPDATE given_up_payment p SET told = true, authorized_position = f.position, authorized_hash = f.hash
            FROM payment y JOIN feed f ON f.position = y.authorized_position
            WHERE NOT p.told AND y.reference = p.reference
            """)
        try session.queue(
            """
            UPDATE given_up_payment p SET told = true FROM feed f
            WHERE NOT p.told AND f.position = p.authorized_position AND f.hash = p.authorized_hash
            """)
        let rows = try session.execute(
            """
            SELECT p.reference, e.bytes FROM given_up_payment p
            JOIN entry e ON e.city_code = p.city_code AND e.sequence = p.filing_sequence AND e.hash = p.filing_hash
            LEFT JOIN fold_cursor c ON c.city_code = p.city_code
            WHERE NOT p.told AND e.fault IS NULL AND (NOT $1 OR c.folded_sequence >= e.sequence)
            ORDER BY p.city_code, p.filing_sequence, p.reference
            """, [.bool(decidedOnly)])
        var acts: [RegistryAct] = []
        for row in 0..<rows.count {
            guard let reference = PaymentReference(rawValue: rows.bytes(row, 0)) else { continue }
            let entry = try Recovery.entry(rows.bytes(row, 1))
            acts.append(.found(FoundPayment(city: entry.city, filing: entry.head, reference: reference)))
            try session.queue(
                "UPDATE given_up_payment SET told = true WHERE reference = $1", [.bytea(reference.rawValue)])
            try Recovery.note(
                session, "payment found",
                "entry \(entry.sequence) of city \(entry.city): its payment \(reference.text) was released on a branch of the "
                    + "feed that was given up", now: now)
        }
        try RegistryStore.append(acts, session, secrets, now: now)
    }
}
