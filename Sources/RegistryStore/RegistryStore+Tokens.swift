import PostgresClient
package import VoucherDomain

extension RegistryStore {
    /// What a holder of an API token may do.
    package enum Role: String, Hashable, Sendable, CaseIterable {
        /// Everything that the console and the API offer.
        case `operator`
        /// Reads everything; every question is written down.
        case auditor
        /// Reads what its own city is concerned by.
        case city
    }

    /// Whoever asks.
    package struct Caller: Hashable, Sendable {
        package let role: Role
        /// Whose token it is; operators sign their acts with it.
        package let label: String
        /// The city of a city's token.
        package let city: CityCode?
        /// What the questions are for, unless a request says otherwise.
        package let purpose: String

        package init(role: Role, label: String, city: CityCode? = nil, purpose: String = "") {
            self.role = role
            self.label = label
            self.city = city
            self.purpose = purpose
        }
    }

    /// A token in a list: all but the token.
    package struct TokenSummary: Hashable, Sendable {
        /// The first digits of its digest, by which it is revoked.
        package let id: String
        package let caller: Caller
        /// Milliseconds since 1970.
        package let createdAt: Int64
        package let expiresAt: Int64?
        package let revokedAt: Int64?
    }

    /// Makes an API token.
    ///
    /// - Returns: The token; only its digest is stored, so it cannot be shown again.
    package func makeToken(_ caller: Caller, expiresAt: UInt64?, now: UInt64) async throws -> String {
        let token = "vft." + Secret.make().hexadecimal
        try await pool.transaction { session in
            try session.execute(
                """
                INSERT INTO api_token (token_hash, role, label, city_code, purpose, created_at_ms, expires_at_ms)
                VALUES ($1, $2, $3, $4, $5, $6, $7)
                """,
                [
                    .bytea(Secret.stored(Array(token.utf8))), .text(caller.role.rawValue), .text(caller.label),
                    .int4(caller.city.map { Int32($0.rawValue) }), .text(caller.purpose), .int8(Int64(now)),
                    .int8(expiresAt.map(Int64.init(clamping:))),
                ])
        }
        return token
    }

    /// Whom a token belongs to; `nil` when it is unknown, expired or revoked.
    package func caller(token: String, now: UInt64) async throws -> Caller? {
        try await caller(tokenDigest: RegistryStore.digest(ofToken: token), now: now)
    }

    /// What is stored of a token, and what a session in the browser is bound to.
    package static func digest(ofToken token: String) -> [UInt8] { Secret.stored(Array(token.utf8)) }

    /// Whom the token with this digest belongs to.
    ///
    /// - Parameter sessionDigest: That of a session which was begun with it; where that was ended, nobody is called.
    package func caller(tokenDigest: [UInt8], sessionDigest: [UInt8]? = nil, now: UInt64) async throws -> Caller? {
        try await pool.run { session in
            let result = try session.execute(
                """
                SELECT role, label, city_code, purpose FROM api_token WHERE token_hash = $1 AND revoked_at_ms IS NULL
                    AND (expires_at_ms IS NULL OR expires_at_ms > $2)
                    AND NOT EXISTS (SELECT FROM ended_session WHERE digest = $3)
                """, [.bytea(tokenDigest), .int8(Int64(now)), .bytea(sessionDigest)])
            return result.count == 1 ? RegistryStore.caller(result, 0, from: 0) : nil
        }
    }

    private static func caller(_ result: borrowing PostgresResult, _ row: Int, from column: Int) -> Caller? {
        guard let role = Role(rawValue: result.text(row, column)) else { return nil }
        return Caller(
            role: role, label: result.text(row, column + 1),
            city: result.optionalInt(row, column + 2).flatMap { CityCode(rawValue: UInt32($0)) },
            purpose: result.text(row, column + 3))
    }

    /// All tokens, the newest first.
    package func tokens() async throws -> [TokenSummary] {
        try await pool.run { session in
            let result = try session.execute(
                """
                SELECT role, label, city_code, purpose, left(encode(token_hash, 'hex'), 12), created_at_ms,
                    expires_at_ms, revoked_at_ms
                FROM api_token ORDER BY created_at_ms DESC, token_hash
                """)
            return (0..<result.count).compactMap { row in
                RegistryStore.caller(result, row, from: 0).map { caller in
                    TokenSummary(
                        id: result.text(row, 4), caller: caller, createdAt: result.int(row, 5),
                        expiresAt: result.optionalInt(row, 6), revokedAt: result.optionalInt(row, 7))
                }
            }
        }
    }

    /// Ends a token, and every session that was begun with it, at once. One that has ended stays as it is.
    ///
    /// - Parameter id: As ``tokens()`` gives it.
    /// - Throws: ``RegistryRefusal`` when there is none.
    package func revokeToken(_ id: String, now: UInt64) async throws {
        try await pool.transaction { session in
            let result = try session.execute(
                """
                UPDATE api_token SET revoked_at_ms = coalesce(revoked_at_ms, $2)
                WHERE left(encode(token_hash, 'hex'), 12) = $1
                """, [.text(id), .int8(Int64(now))])
            guard result.affected > 0 else {
                throw RegistryRefusal(.notFound, "there is no token \(id): national-registry token list shows them")
            }
        }
    }

    /// Whether a session in the browser was ended before its time.
    ///
    /// - Parameter digest: That of the session's cookie.
    package func isSessionEnded(_ digest: [UInt8]) async throws -> Bool {
        try await pool.run { session in
            try session.execute("SELECT EXISTS (SELECT FROM ended_session WHERE digest = $1)", [.bytea(digest)])
                .bool(0, 0)
        }
    }

    /// Ends a session in the browser before its time, at every server of this database. Safe to repeat.
    ///
    /// Those that are over by now are forgotten: their time ends them.
    ///
    /// - Parameters:
    ///   - digest: That of the session's cookie.
    ///   - expiresAt: Milliseconds since 1970.
    package func endSession(_ digest: [UInt8], expiresAt: UInt64, now: UInt64) async throws {
        try await pool.transaction { session in
            // Another server's clock may be behind.
            try session.queue("DELETE FROM ended_session WHERE ends_at_ms <= $1", [.int8(Int64(now) - 3_600_000)])
            try session.queue(
                "INSERT INTO ended_session (digest, ends_at_ms) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING",
                [.bytea(digest), .int8(Int64(clamping: expiresAt))])
        }
    }

    /// Notes what was refused or asked, by whom.
    ///
    /// - Parameter purpose: What an auditor asked it for.
    package func note(
        actor: String, action: String, detail: String, purpose: String = "", now: UInt64
    ) async throws {
        try await note(actor: actor, action: action, details: [detail], purpose: purpose, now: now)
    }

    /// Notes several details of one act, a line each, all or none.
    package func note(
        actor: String, action: String, details: [String], purpose: String = "", now: UInt64
    ) async throws {
        try await pool.transaction { session in
            try session.execute(
                """
                INSERT INTO audit_event (at_ms, actor, action, detail, purpose)
                SELECT $1, $2, $3, d.detail, $5 FROM unnest($4::text[]) WITH ORDINALITY AS d(detail, n) ORDER BY n
                """,
                [.int8(Int64(now)), .text(actor), .text(action), .textArray(details), .text(purpose)])
        }
    }

    /// A line of the audit log.
    package struct AuditEvent: Hashable, Sendable {
        package let id: Int64
        /// Milliseconds since 1970.
        package let at: Int64
        package let actor: String
        package let action: String
        package let detail: String
        package let purpose: String
    }

    /// What was asked and refused, the newest first, at most `limit` before the event `before`.
    package func auditEvents(before: Int64?, limit: Int) async throws -> [AuditEvent] {
        try await pool.run { session in
            let result = try session.execute(
                """
                SELECT event_id, at_ms, actor, action, detail, purpose FROM audit_event
                WHERE event_id < $1 ORDER BY event_id DESC LIMIT $2
                """, [.int8(before ?? .max), .int8(Int64(limit))])
            return (0..<result.count).map { row in
                AuditEvent(
                    id: result.int(row, 0), at: result.int(row, 1), actor: result.text(row, 2),
                    action: result.text(row, 3), detail: result.text(row, 4), purpose: result.text(row, 5))
            }
        }
    }

    /// What verbs say of a server without asking it, such as `city enroll` in a token: stored by `serve`.
    ///
    /// - Parameter certificateUntil: Of a certificate of the operators' own; `nil` for one that the server makes itself.
    package func setAdvertised(url: String, trustAnchor: [UInt8], certificateUntil: Expiry? = nil) async throws {
        try await pool.transaction { session in
            try session.execute(
                "UPDATE registry SET advertised_url = $1, trust_anchor = $2, certificate_until_ms = $3",
                [
                    .text(url), .bytea(trustAnchor),
                    .int8(certificateUntil.map { Int64(clamping: $0.rawValue) }),
                ])
        }
    }

    /// What the server that was started last stored; `nil` before the first `serve`.
    package func advertised() async throws -> (url: String, trustAnchor: [UInt8], certificateUntil: Expiry?)? {
        try await pool.run { session in
            let result = try session.execute(
                "SELECT advertised_url, trust_anchor, certificate_until_ms FROM registry")
            guard result.count == 1, !result.isNull(0, 0) else { return nil }
            return (
                result.text(0, 0), result.bytes(0, 1),
                result.optionalInt(0, 2).map { Expiry(rawValue: UInt64(clamping: $0)) }
            )
        }
    }
}
