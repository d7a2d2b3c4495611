package import Arbitration
import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// What branches of the feed that were given up leave to decide, while the registry is open.
extension RegistryStore {
    /// Says in the registry's log what is known of such branches since their cities came: payments that they have released,
    /// and claims that they had otherwise. For the arbiter, again and again.
    ///
    /// - Returns: Whether anything was said, which is then to be decided.
    @discardableResult
    package func followBranches(now: UInt64) async throws -> Bool {
        // There hardly ever is anything that can be told, and the arbiter asks behind every batch: no lock for that.
        let hasToTell = try await pool.run { try Recovery.hasToTell($0) }
        guard hasToTell else { return false }
        let secrets = secrets
        return try await pool.transaction { session in
            // The lock on the registry's own log makes two of us take turns.
            let head = try CityRow.lock(.registry, session).head
            guard try RegistryRow.read(session).recovery == nil else { return false }
            let recovery = Recovery(session: session, secrets: secrets, city: .registry, now: now)
            try recovery.tellFoundPayments(decidedOnly: true)
            try recovery.tellTails()
            return try CityRow.read(.registry, session)?.head != head
        }
    }

    /// Payments over which people must decide, since two registries authorised them.
    package struct FrozenPayment: Hashable, Sendable {
        /// The case that freezes them; `nil` where a payment is bound to nothing here.
        package let caseID: String?
        /// By name; those that are frozen.
        package let claims: [ClaimName]
        /// What it is about, and what operators are to do.
        package let message: String
    }

    /// By case; those that are bound to nothing last, and none of them while the registry recovers.
    package func frozenPayments() async throws -> [FrozenPayment] {
        try await pool.run { try FrozenPayments.all($0) }
    }
}

/// Payments that are frozen until a case is decided.
enum FrozenPayments {
    /// Writes into the audit log which payments a batch has frozen, or could not bind, inside the caller's transaction.
    static func note(_ decided: [FoldWriter.Decided], _ session: PostgresSession) throws {
        for item in decided {
            guard case .paymentFound(let reference, _) = item.journalEntry.content else { continue }
            let now = UInt64(clamping: item.journalEntry.receivedAt)
            if item.outcome.decision == .invalid {
                let why = item.outcome.reasons.first?.message ?? ""
                try Recovery.note(session, "payment not bound", "payment \(reference.text): \(why)", now: now)
            }
            guard let conflict = item.outcome.cases.first else { continue }
            let frozen = item.outcome.effects.compactMap(\.payment).filter { $0.frozenBy.contains(conflict.id) }
            guard !frozen.isEmpty else { continue }
            let names = frozen.map(\.claim).sorted().map(\.description).joined(separator: ", ")
            try Recovery.note(session, "payments frozen", "case \(conflict.id): \(names)", now: now)
        }
    }

    static func all(_ session: PostgresSession) throws -> [RegistryStore.FrozenPayment] {
        let frozen = try session.execute(
            """
            SELECT city_code, claim_no, frozen_by FROM payment
            WHERE frozen_by <> '' AND stage \(KeptFaults.isOut)
            """)
        var claims: [String: [ClaimName]] = [:]
        for row in 0..<frozen.count {
            let name = ClaimName(city: try frozen.city(row, 0, in: "payment"), number: frozen.text(row, 1))
            for id in frozen.text(row, 2).split(separator: " ") { claims[String(id), default: []].append(name) }
        }
        let cases = claims.sorted { $0.key < $1.key }.map { id, names in
            let names = names.sorted()
            let list = names.map(\.description).joined(separator: ", ")
            return RegistryStore.FrozenPayment(
                caseID: id, claims: names,
                message: "case \(id) freezes the payments of \(list), for two registries decided at a time: rule on it "
                    + "(national-registry case rule), and see that the money of whom it goes against comes back")
        }
        return cases + (try unbound(session))
    }

    /// What a branch has released that is bound to nothing here: its claim is not decided yet, or is none here.
    private static func unbound(_ session: PostgresSession) throws -> [RegistryStore.FrozenPayment] {
        let rows = try session.execute(
            """
            SELECT g.reference, g.city_code, g.filing_sequence FROM registry r, given_up_payment g
            WHERE r.recovery_phase IS NULL AND g.city_code IS NOT NULL
                AND NOT EXISTS (SELECT FROM payment p WHERE p.reference = g.reference)
                AND (NOT g.told OR EXISTS (
                    SELECT FROM feed f
                    WHERE f.city_code = g.city_code AND f.sequence = g.filing_sequence
                        AND f.decision = \(Outcome.Decision.invalid.rawValue)))
                AND NOT EXISTS (
                    SELECT FROM feed f WHERE f.position = g.authorized_position AND f.hash = g.authorized_hash)
            ORDER BY g.reference
            """)
        return try (0..<rows.count).map { row in
            let city = try rows.city(row, 1, in: "given_up_payment")
            return RegistryStore.FrozenPayment(
                caseID: nil, claims: [],
                message: "payment \(rows.bytes(row, 0).hexadecimal) was released on a branch of the feed that does not "
                    + "stand, and nothing is bound to it here: entry \(rows.int(row, 2)) of city \(city) filed its claim. "
                    + "Let that city's node come; once the claim is decided see the cases that name it")
        }
    }
}
