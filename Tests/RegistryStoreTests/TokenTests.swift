import TestSupport
import Testing

@testable import RegistryStore

@Suite("API tokens", .registryDatabase)
struct TokenTests {
    private func token(
        _ registry: TestRegistry, _ role: RegistryStore.Role = .auditor, expiresAt: UInt64? = nil
    ) async throws -> String {
        try await registry.store.makeToken(
            RegistryStore.Caller(role: role, label: "审计署", city: role == .city ? .beijing : nil), expiresAt: expiresAt,
            now: .noon)
    }

    @Test("a token names its role and label", arguments: RegistryStore.Role.allCases)
    func named(role: RegistryStore.Role) async throws {
        let registry = try await TestRegistry()
        let token = try await token(registry, role)

        let caller = try await registry.store.caller(token: token, now: .noon)
        #expect(
            caller
                == RegistryStore.Caller(role: role, label: "审计署", city: role == .city ? .beijing : nil))
    }

    @Test("two tokens are never alike, and only their digests are stored")
    func secret() async throws {
        let registry = try await TestRegistry()
        let tokens = [try await token(registry), try await token(registry)]

        #expect(tokens[0] != tokens[1])
        let rows = try await registry.texts("SELECT t::text FROM api_token t")
        #expect(rows.count == 2)
        for token in tokens {
            #expect(token.hasPrefix("vft."))
            #expect(token.utf8.count == 68)
            #expect(!rows.contains { $0.contains(token.dropFirst(4)) })
        }
    }

    @Test("nobody is called by a token that is unknown, changed, cut or empty")
    func unknown() async throws {
        let registry = try await TestRegistry()
        let token = try await token(registry)

        for other in ["", "vft.", String(token.dropLast()), token + "0", token.uppercased(), "\0", " " + token] {
            #expect(try await registry.store.caller(token: other, now: .noon) == nil)
        }
    }

    @Test("a token ends at its expiry, to the millisecond")
    func expiry() async throws {
        let registry = try await TestRegistry()
        let token = try await token(registry, expiresAt: .noon + 100)

        #expect(try await registry.store.caller(token: token, now: .noon + 99) != nil)
        #expect(try await registry.store.caller(token: token, now: .noon + 100) == nil)
    }

    @Test("a token without expiry, or with the latest one, stays valid", arguments: [nil, UInt64.max])
    func noExpiry(expiresAt: UInt64?) async throws {
        let registry = try await TestRegistry()
        let token = try await token(registry, expiresAt: expiresAt)

        #expect(try await registry.store.caller(token: token, now: .noon + 1_000_000_000_000) != nil)
    }

    @Test("a revoked token is void, the others stay")
    func revoked() async throws {
        let registry = try await TestRegistry()
        let (void, other) = (try await token(registry), try await token(registry, .operator))
        try await registry.run("UPDATE api_token SET revoked_at_ms = 1 WHERE role = 'auditor'")

        #expect(try await registry.store.caller(token: void, now: .noon) == nil)
        #expect(try await registry.store.caller(token: other, now: .noon)?.role == .operator)
    }

    @Test("a session that was ended calls nobody at any server, and the other ones of its token go on")
    func endedSession() async throws {
        let registry = try await TestRegistry()
        let digest = RegistryStore.digest(ofToken: try await token(registry))
        let (ended, other) = ([UInt8](repeating: 1, count: 32), [UInt8](repeating: 2, count: 32))
        let servers = [registry.store, TestRegistry(opening: TestDatabase.current.pool).store]
        for server in servers {
            #expect(try await server.caller(tokenDigest: digest, sessionDigest: ended, now: .noon) != nil)
        }

        try await registry.store.endSession(ended, expiresAt: .noon + 100, now: .noon)

        for server in servers {
            #expect(try await server.caller(tokenDigest: digest, sessionDigest: ended, now: .noon) == nil)
            #expect(try await server.caller(tokenDigest: digest, sessionDigest: other, now: .noon) != nil)
            #expect(try await server.caller(tokenDigest: digest, now: .noon) != nil)
            #expect(try await server.isSessionEnded(ended))
            #expect(try await !server.isSessionEnded(other))
        }
    }

    @Test("an ended session is remembered until its time is over, however often it is ended")
    func forgottenSessions() async throws {
        let registry = try await TestRegistry()
        func end(_ session: UInt8, expiresAt: UInt64, now: UInt64) async throws -> [Int64] {
            try await registry.store.endSession(
                [UInt8](repeating: session, count: 32), expiresAt: expiresAt, now: now)
            return try await registry.numbers("SELECT ends_at_ms - \(UInt64.noon) FROM ended_session ORDER BY 1")
        }

        #expect(try await end(1, expiresAt: .noon + 100, now: .noon) == [100])
        #expect(try await end(1, expiresAt: .noon + 100, now: .noon + 1) == [100])
        // An hour longer: another server's clock may be behind.
        #expect(try await end(2, expiresAt: .noon + 200, now: .noon + 3_600_099) == [100, 200])
        #expect(try await end(3, expiresAt: .noon + 300, now: .noon + 3_600_100) == [200, 300])
    }

    @Test("what callers did is noted in order")
    func notes() async throws {
        let registry = try await TestRegistry()
        try await registry.store.note(actor: "审计署", action: "claims", detail: "city=440300", now: .noon)
        try await registry.store.note(actor: "440300", action: "refused", detail: "suspended", now: .noon + 1)

        let events = try await registry.texts(
            "SELECT actor || ' ' || action || ' ' || detail FROM audit_event ORDER BY event_id")
        #expect(events == ["审计署 claims city=440300", "440300 refused suspended"])
    }

    @Test("the advertised address is what was stored last")
    func advertised() async throws {
        let registry = try await TestRegistry()
        #expect(try await registry.store.advertised() == nil)
        for port in ["1", "2"] {
            try await registry.store.setAdvertised(url: "https://registry.example:\(port)", trustAnchor: [1, 2])
        }

        let advertised = try #require(try await registry.store.advertised())
        #expect(advertised.url == "https://registry.example:2")
        #expect(advertised.trustAnchor == [1, 2])
    }
}
