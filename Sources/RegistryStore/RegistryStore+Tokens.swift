import PostgresClient
import VoucherDomain

extension RegistryStore {
    /// What a holder of an API token may do.
    package enum Role: String, Hashable, Sendable, CaseIterable { case `operator`, auditor }

    /// A token that was found valid.
    package struct Caller: Hashable, Sendable {
        package let role: Role
        package let label: String
    }

    /// Makes an API token.
    ///
    /// - Returns: The token; only its digest is stored, so it cannot be shown again.
    package func makeToken(role: Role, label: String, expiresAt: UInt64?, now: UInt64) async throws -> String {
        let token = "vft." + Secret.make().hexadecimal
        try await pool.transaction { session in
            try session.execute(
                """
                INSERT INTO api_token (token_hash, role, label, created_at_ms, expires_at_ms)
                VALUES ($1, $2, $3, $4, $5)
                """,
                [
                    .bytea(Secret.stored(Array(token.utf8))), .text(role.rawValue), .text(label),
                    .int8(Int64(now)), .int8(expiresAt.map(Int64.init(clamping:))),
                ])
        }
        return token
    }

    /// Whom a token belongs to; `nil` when it is unknown, expired or revoked.
    package func caller(token: String, now: UInt64) async throws -> Caller? {
        let hash = Secret.stored(Array(token.utf8))
        return try await pool.run { session in
            let result = try session.execute(
                """
                SELECT role, label FROM api_token WHERE token_hash = $1 AND revoked_at_ms IS NULL
                    AND (expires_at_ms IS NULL OR expires_at_ms > $2)
                """, [.bytea(hash), .int8(Int64(now))])
            guard result.count == 1, let role = Role(rawValue: result.text(0, 0)) else { return nil }
            return Caller(role: role, label: result.text(0, 1))
        }
    }

    /// Notes what was refused or asked, by whom.
    package func note(actor: String, action: String, detail: String, now: UInt64) async throws {
        try await pool.transaction { session in
            try session.execute(
                "INSERT INTO audit_event (at_ms, actor, action, detail) VALUES ($1, $2, $3, $4)",
                [.int8(Int64(now)), .text(actor), .text(action), .text(detail)])
        }
    }

    /// What `city enroll` needs to print a token without the server: stored by `serve`.
    package func setAdvertised(url: String, trustAnchor: [UInt8]) async throws {
        try await pool.transaction { session in
            try session.execute(
                "UPDATE registry SET advertised_url = $1, trust_anchor = $2", [.text(url), .bytea(trustAnchor)])
        }
    }

    /// The advertised URL and trust anchor; `nil` before the first `serve`.
    package func advertised() async throws -> (url: String, trustAnchor: [UInt8])? {
        try await pool.run { session in
            let result = try session.execute("SELECT advertised_url, trust_anchor FROM registry")
            guard result.count == 1, !result.isNull(0, 0) else { return nil }
            return (result.text(0, 0), result.bytes(0, 1))
        }
    }
}
