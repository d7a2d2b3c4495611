package import Arbitration
import FederationWire
import PostgresClient
import Replication
import VoucherDomain

extension RegistryStore {
    /// A policy with its file, byte for byte.
    package struct PublishedPolicy: Hashable, Sendable {
        package let policy: Policy
        package let document: [UInt8]
    }

    /// The policy in force, and after it those that wait for their time; empty before the first one was folded.
    package func policyDocuments() async throws -> [PublishedPolicy] {
        try await pool.run { session in
            let versions = try policies.askVersions(session).get()
            let result = try session.execute(
                "SELECT document FROM policy WHERE version = ANY($1) ORDER BY version",
                [.int4Array(versions.map { Int32($0.number) })])
            return try (0..<result.count).map { row in
                let document = result.bytes(row, 0)
                return PublishedPolicy(policy: try PolicyCoding.decode(document), document: document)
            }
        }
    }

    /// SHA-256 of a policy's file, byte for byte; `nil` before such a version was folded.
    package func policyDigest(version: UInt32) async throws -> [UInt8]? {
        try await pool.run { session in
            let result = try session.execute(
                "SELECT sha256(document) FROM policy WHERE version = $1", [.int4(Int32(clamping: version))])
            return result.count == 1 ? result.bytes(0, 0) : nil
        }
    }

    /// Appends a policy to the registry's own log; it binds every entry that is decided after it.
    ///
    /// The very file that is in force, or waits to be, changes nothing.
    ///
    /// - Parameter document: The file's exact bytes.
    /// - Returns: Whether it was appended.
    /// - Throws: ``RegistryRefusal`` when the file is no policy or its version is not above every published one.
    package func publish(policy document: [UInt8], now: UInt64) async throws -> Bool {
        let policy = try RegistryStore.decode(document)
        let secrets = secrets
        return try await pool.transaction { session in
            // The lock on the registry's own log makes two operators take turns.
            _ = try CityRow.lock(.registry, session)
            guard let last = try RegistryStore.lastPublished(session) else {
                throw RegistryRefusal(.notInitialised, "the database has no registry: run national-registry migrate")
            }
            if last.document == document { return false }
            guard policy.version > last.version else {
                throw RegistryRefusal(
                    .invalid,
                    "policy version \(last.version) is published already: give this file version \(last.version + 1)")
            }
            try RegistryStore.append(
                .policyPublished(version: policy.version, document: document), session, secrets, now: now)
            return true
        }
    }

    /// Folds the whole journal twice, as it was and under another policy.
    ///
    /// - Parameter progress: Called now and then with the position reached.
    package func preview(
        policy document: [UInt8], progress: @escaping @Sendable (Int) -> Void
    ) async throws -> PolicyPreview {
        let (policy, dialect) = (try RegistryStore.decode(document), dialect)
        return try await pool.run { session in
            try session.transaction(isSnapshot: true) {
                var preview = PolicyPreview(policy)
                try RegistryStore.eachFeedRow(session) { row in
                    preview.apply(try row.journalEntry(in: dialect, session))
                    if row.position.isMultiple(of: 1_000) { progress(Int(row.position)) }
                    return true
                }
                return preview
            }
        }
    }

    private static func decode(_ document: [UInt8]) throws -> Policy {
        do { return try PolicyCoding.decode(document) } catch { throw RegistryRefusal(.invalid, error.message) }
    }

    /// The newest policy of the registry's log, folded or not.
    static func lastPublished(_ session: PostgresSession) throws -> (version: UInt32, document: [UInt8])? {
        let result = try session.execute(
            "SELECT bytes FROM entry WHERE city_code = 0 AND kind = $1 ORDER BY sequence DESC LIMIT 1",
            [.int4(Int32(EntryKind.policyPublished.rawValue))])
        guard result.count == 1 else { return nil }
        let document = try PayloadCoding.policyDocument(try EntryCoding.decode(result.bytes(0, 0)).payload)
        return (try PolicyCoding.decode(document).version, document)
    }
}
