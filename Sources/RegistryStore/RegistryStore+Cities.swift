import Failpoints
package import FederationWire
import PostgresClient
package import Replication
package import VoucherDomain

extension RegistryStore {
    /// A city as the operators see it.
    package struct CitySummary: Hashable, Sendable {
        package let code: CityCode
        package let name: String
        /// `enrolled`, `active` or `suspended`.
        package let status: String
        package let logSequence: UInt64
        /// Entries received and not yet decided.
        package let undecided: UInt64
        /// Feed entries that the city has not yet asked past.
        package let feedLag: UInt64
        /// Milliseconds since 1970; `nil` when it was never heard of.
        package let lastContact: UInt64?
        package let epochCounter: UInt32
        /// The protocol's version that its node speaks with this registry; `nil` before its first hello.
        package let protocolVersion: Int64?
        /// What its node calls itself, such as `city-node 0.1.0`; empty before it has said so.
        package let software: String
        /// When it joined with its key: milliseconds since 1970; `nil` before that.
        package let keySince: UInt64?
        /// When it is to have replaced its key, which works on after that; `nil` before it has joined.
        package let keyUntil: Expiry?
    }

    /// Enrols a city and makes a one-time secret for its join token. Enrolling an enrolled city that has not
    /// joined makes a new secret and voids the old one.
    ///
    /// - Returns: The secret; only its digest is stored.
    /// - Throws: ``RegistryRefusal`` `.exists` when the city has joined, or has another name.
    package func enroll(_ city: CityCode, name: String, expiresAt: UInt64, now: UInt64) async throws -> [UInt8] {
        guard city != .registry else { throw RegistryRefusal(.invalid, "000000 is the registry itself, and no city") }
        let secret = Secret.make()
        let secrets = secrets
        try await pool.transaction { session in
            if let row = try CityRow.read(city, session) {
                guard row.name == name else {
                    throw RegistryRefusal(.exists, "city \(city) is enrolled as \(row.name), not as \(name)")
                }
                guard row.status == "enrolled" else {
                    throw RegistryRefusal(.exists, "city \(city) \(row.name) has joined; rotate-key makes a new token")
                }
            } else {
                try session.execute(
                    "INSERT INTO city (city_code, name, status, log_hash) VALUES ($1, $2, 'enrolled', $3)",
                    [.int4(Int32(city.rawValue)), .text(name), .bytea(Digest.zero.rawValue)])
                try RegistryStore.append(.enrolled(city, name: name), session, secrets, now: now)
            }
            try RegistryStore.replaceToken(city, secret, expiresAt: expiresAt, session)
        }
        return secret
    }

    /// Makes a join token for a city that has joined before, so that it can come back with a new key.
    package func rotateKey(_ city: CityCode, expiresAt: UInt64) async throws -> (name: String, secret: [UInt8]) {
        let secret = Secret.make()
        guard city != .registry else { throw RegistryRefusal(.invalid, "000000 is the registry itself, and no city") }
        let name = try await pool.transaction { session in
            let row = try CityRow.lock(city, session)
            try RegistryStore.replaceToken(city, secret, expiresAt: expiresAt, session)
            return row.name
        }
        return (name, secret)
    }

    private static func replaceToken(
        _ city: CityCode, _ secret: [UInt8], expiresAt: UInt64, _ session: PostgresSession
    ) throws {
        let code = PostgresParameter.int4(Int32(city.rawValue))
        try session.execute("DELETE FROM join_token WHERE city_code = $1 AND used_at_ms IS NULL", [code])
        try session.execute(
            "INSERT INTO join_token (secret_hash, city_code, expires_at_ms) VALUES ($1, $2, $3)",
            [.bytea(Secret.stored(secret)), code, .int8(Int64(expiresAt))])
    }

    /// Lets a node become a city's node: uses up the token's secret, registers the key, grants an epoch.
    ///
    /// The same request again, by the same key and process, gets the same grant: an answer may be lost.
    ///
    /// - Throws: ``RegistryRefusal`` `.recovering` while the registry is getting back what it has lost: the city, its
    ///   token or the grant may be among it.
    package func join(_ request: JoinRequest, now: UInt64) async throws -> JoinAnswer {
        let (secrets, version) = (secrets, dialect.highest)
        return try await pool.transaction { session in
            try RegistryRow.read(session).requireOpen()
            let row = try CityRow.lock(request.city, session)
            if row.status == "suspended" { throw RegistryRefusal(.suspended, "city \(request.city) is suspended") }
            let isRepeat = row.publicKey == request.publicKey && row.processNonce == request.processNonce
            let epoch: Epoch
            if isRepeat, let granted = row.grantedEpoch, try RegistryStore.isUsed(request.secret, session) {
                epoch = granted
            } else {
                try RegistryStore.useToken(request.secret, request.city, session, now: now)
                epoch = try RegistryStore.admit(request, row, session, secrets, now: now)
                try RegistryStore.note(version: version, of: request.city, session)
            }
            return try RegistryStore.welcome(request, name: row.name, epoch: epoch, version: version, secrets)
        }
    }

    /// Whether a city has a token with this secret, used or not. Takes no lock: strangers may ask.
    package func hasToken(_ secret: [UInt8], _ city: CityCode) async throws -> Bool {
        try await pool.run { session in
            let result = try session.execute(
                "SELECT 1 FROM join_token WHERE secret_hash = $1 AND city_code = $2",
                [.bytea(Secret.stored(secret)), .int4(Int32(city.rawValue))])
            return result.count > 0
        }
    }

    private static func isUsed(_ secret: [UInt8], _ session: PostgresSession) throws -> Bool {
        let result = try session.execute(
            "SELECT 1 FROM join_token WHERE secret_hash = $1 AND used_at_ms IS NOT NULL",
            [.bytea(Secret.stored(secret))])
        return result.count > 0
    }

    private static func useToken(
        _ secret: [UInt8], _ city: CityCode, _ session: PostgresSession, now: UInt64
    ) throws {
        let hash = PostgresParameter.bytea(Secret.stored(secret))
        let token = try session.execute(
            "SELECT city_code, expires_at_ms, used_at_ms FROM join_token WHERE secret_hash = $1 FOR UPDATE", [hash])
        guard token.count == 1, token.int(0, 0) == Int64(city.rawValue) else {
            throw RegistryRefusal(.tokenUnusable, "the join token is not known: ask the operator for a new one")
        }
        guard token.isNull(0, 2) else {
            throw RegistryRefusal(.tokenUnusable, "the join token was used before: ask the operator for a new one")
        }
        guard UInt64(token.int(0, 1)) > now else {
            throw RegistryRefusal(.tokenUnusable, "the join token has expired: ask the operator for a new one")
        }
        try session.execute(
            "UPDATE join_token SET used_at_ms = $2 WHERE secret_hash = $1", [hash, .int8(Int64(now))])
    }

    private static func admit(
        _ request: JoinRequest, _ row: CityRow, _ session: PostgresSession, _ secrets: RegistrySecrets, now: UInt64
    ) throws -> Epoch {
        let incarnation = try RegistryRow.read(session).incarnation
        // A registry that lost the city with its database counts on from what the city's store has: an epoch never comes
        // twice.
        let held = request.epoch.flatMap { $0.incarnation == incarnation ? $0.counter : nil } ?? 0
        guard held < UInt32.max / 2 else { throw RegistryRefusal(.invalid, "epoch \(held) was never granted") }
        let counter = max(row.grantedEpoch?.counter ?? 0, held) + 1
        let epoch = try grant(request.city, counter: counter, request.processNonce, session, secrets, now: now)
        try session.execute(
            "UPDATE city SET status = 'active', public_key = $2, key_since_ms = $3 WHERE city_code = $1",
            [.int4(Int32(request.city.rawValue)), .bytea(request.publicKey.bytes), .int8(Int64(now))])
        try session.queue("DELETE FROM lost_member WHERE city_code = $1", [.int4(Int32(request.city.rawValue))])
        try append(.joined(request.city, request.publicKey), session, secrets, now: now)
        return epoch
    }

    private static func grant(
        _ city: CityCode, counter: UInt32, _ processNonce: [UInt8], _ session: PostgresSession,
        _ secrets: RegistrySecrets, now: UInt64
    ) throws -> Epoch {
        var generator = SystemRandomNumberGenerator()
        let incarnation = try RegistryRow.read(session).incarnation
        let epoch = Epoch(incarnation: incarnation, counter: counter, nonce: generator.next())
        try session.execute(
            "UPDATE city SET granted_epoch = $2, process_nonce = $3 WHERE city_code = $1",
            [.int4(Int32(city.rawValue)), .bytea(epoch.bytes), .bytea(processNonce)])
        try append(.epochGranted(city, epoch, processNonce: processNonce), session, secrets, now: now)
        return epoch
    }

    /// Notes which version of the protocol a city's node speaks.
    private static func note(version: UInt32, of city: CityCode, _ session: PostgresSession) throws {
        try session.queue(
            "UPDATE city SET protocol_version = $2 WHERE city_code = $1 AND protocol_version IS DISTINCT FROM $2",
            [.int4(Int32(city.rawValue)), .int4(Int32(clamping: version))])
    }

    /// Notes what a city's node calls itself: nothing but printable ASCII of at most 64 characters.
    private static func note(software: String, of city: CityCode, _ session: PostgresSession) throws {
        let isPlain = software.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7F } && software.contains { $0 != " " }
        guard isPlain, software.utf8.count <= 64 else { return }
        try session.queue(
            "UPDATE city SET software = $2 WHERE city_code = $1 AND software <> $2",
            [.int4(Int32(city.rawValue)), .text(software)])
    }

    private static func welcome(
        _ request: JoinRequest, name: String, epoch: Epoch, version: UInt32, _ secrets: RegistrySecrets
    ) throws -> JoinAnswer {
        let welcome = Welcome(
            city: request.city, name: name, publicKey: request.publicKey, keyEpoch: secrets.keyEpoch,
            federationSecret: secrets.federationSecret,
            detailKey: DetailCipher.cityKey(master: secrets.detailMaster, city: request.city))
        let grant = Grant(
            city: request.city, epoch: epoch, processNonce: request.processNonce, version: version)
        let membership = Membership(city: request.city, name: name, publicKey: request.publicKey, epoch: epoch)
        return JoinAnswer(
            welcome: try welcome.signed(by: secrets.signingKey), grant: try grant.signed(by: secrets.signingKey),
            registryKey: secrets.signingKey.publicKey, membership: try membership.signed(by: secrets.signingKey))
    }

    /// Greets a city: compares heads, grants an epoch by compare-and-set.
    ///
    /// - Throws: ``HelloReview/Fault``, or ``RegistryRefusal`` when the city is unknown.
    package func greet(_ hello: Hello, now: UInt64) async throws -> HelloAnswer {
        let secrets = secrets
        let answer = try await pool.transaction { session in
            let row = try CityRow.lock(hello.city, session)
            guard let standing = row.standing else {
                throw RegistryRefusal(.unknownCity, "city \(hello.city) has not joined")
            }
            let registry = try RegistryRow.read(session)
            try registry.requireOpen()
            let knownHash = try RegistryStore.hash(of: hello.logHead.sequence, hello.city, session)
            let knownFeed = try RegistryStore.feedHead(at: Int64(clamping: hello.feedHead.position), session)
            let verdict = try HelloReview.review(
                hello, in: dialect, standing: standing, incarnation: registry.incarnation,
                recoveryID: registry.recoveryID, processNonce: row.processNonce,
                knownHash: { _ in knownHash }, knownFeedHead: { _ in knownFeed }
            ).get()
            let (epoch, version): (Epoch, UInt32)
            switch verdict {
            case .keep(let common): (epoch, version) = (standing.grantedEpoch, common)
            case .grant(let common, let counter):
                version = common
                epoch = try RegistryStore.grant(
                    hello.city, counter: counter, hello.processNonce, session, secrets, now: now)
                Failpoint.reach(.greetingUncommitted)
            }
            try RegistryStore.note(version: version, of: hello.city, session)
            try RegistryStore.note(software: hello.software, of: hello.city, session)
            let grant = Grant(city: hello.city, epoch: epoch, processNonce: hello.processNonce, version: version)
            return HelloAnswer(
                grant: try grant.signed(by: secrets.signingKey), logHead: row.head,
                feedHead: registry.feedHead, registryTime: now,
                keyUntil: try RegistryStore.keyExpiry(of: hello.city, session))
        }
        Failpoint.reach(.greetingCommitted)
        return answer
    }

    private static func hash(of sequence: UInt64, _ city: CityCode, _ session: PostgresSession) throws -> Digest? {
        let result = try session.execute(
            "SELECT hash FROM entry WHERE city_code = $1 AND sequence = $2",
            [.int4(Int32(city.rawValue)), .int8(Int64(clamping: sequence))])
        return result.count == 1 ? Digest(rawValue: result.bytes(0, 0)) : nil
    }

    /// Suspends or reinstates a city; its keys stay as they are. A city that is already so is left alone.
    package func setSuspended(_ isSuspended: Bool, _ city: CityCode, reason: String, now: UInt64) async throws {
        let secrets = secrets
        try await pool.transaction { session in
            let row = try CityRow.lock(city, session)
            guard row.publicKey != nil, city != .registry else {
                throw RegistryRefusal(.invalid, "city \(city) has not joined")
            }
            guard (row.status == "suspended") != isSuspended else { return }
            try session.execute(
                "UPDATE city SET status = $2 WHERE city_code = $1",
                [.int4(Int32(city.rawValue)), .text(isSuspended ? "suspended" : "active")])
            let act: RegistryAct = isSuspended ? .suspended(city, reason: reason) : .reinstated(city, reason: reason)
            try RegistryStore.append(act, session, secrets, now: now)
        }
    }

    /// The key that a city's requests are verified by, and whether it is suspended; `nil` before it has joined.
    package func credentials(of city: CityCode) async throws -> (key: PublicKey, isSuspended: Bool)? {
        try await pool.run { session in
            guard let row = try CityRow.read(city, session), let key = row.publicKey else { return nil }
            return (key, row.status == "suspended")
        }
    }

    /// All cities by code, without the registry's own log.
    package func cities() async throws -> [CitySummary] {
        try await pool.run { session in
            let result = try session.execute(
                """
                SELECT c.city_code, name, status, log_sequence, log_sequence - coalesce(folded_sequence, 0),
                    greatest(r.feed_position - coalesce(feed_applied, 0), 0), last_contact_ms, granted_epoch, protocol_version,
                    software, key_since_ms, \(RegistryStore.keyUntil)
                FROM registry r, city c
                LEFT JOIN fold_cursor f ON f.city_code = c.city_code
                LEFT JOIN city_contact t ON t.city_code = c.city_code
                WHERE c.city_code <> 0 ORDER BY c.city_code
                """)
            return (0..<result.count).compactMap { row in
                CityCode(rawValue: UInt32(result.int(row, 0))).map { code in
                    CitySummary(
                        code: code, name: result.text(row, 1), status: result.text(row, 2),
                        logSequence: UInt64(result.int(row, 3)), undecided: UInt64(result.int(row, 4)),
                        feedLag: UInt64(result.int(row, 5)), lastContact: result.optionalInt(row, 6).map(UInt64.init),
                        epochCounter: Epoch(bytes: result.bytes(row, 7))?.counter ?? 0,
                        protocolVersion: result.optionalInt(row, 8), software: result.text(row, 9),
                        keySince: result.optionalInt(row, 10).map { UInt64(clamping: $0) },
                        keyUntil: result.optionalInt(row, 11).map { Expiry(rawValue: UInt64(clamping: $0)) })
                }
            }
        }
    }
}
