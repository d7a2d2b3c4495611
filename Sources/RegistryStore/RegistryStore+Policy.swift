package import Arbitration
import FederationWire
import PostgresClient
import Replication
import VoucherDomain

extension RegistryStore {
    /// The policy in force with its file, byte for byte; `nil` before the first one was folded.
    package func policy() async throws -> (policy: Policy, document: [UInt8])? {
        try await pool.run { session in
            let result = try session.execute("SELECT document FROM policy ORDER BY version DESC LIMIT 1")
            guard result.count == 1 else { return nil }
            let document = result.bytes(0, 0)
            return (try PolicyCoding.decode(document), document)
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
        let policy = try RegistryStore.decode(document)
        return try await pool.run { session in
            try session.transaction(isSnapshot: true) {
                var preview = PolicyPreview(policy)
                try RegistryStore.eachFeedRow(session) { row in
                    preview.apply(try row.decoded().journalEntry)
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
    private static func lastPublished(_ session: PostgresSession) throws -> (version: UInt32, document: [UInt8])? {
        let result = try session.execute(
            "SELECT bytes FROM entry WHERE city_code = 0 AND kind = $1 ORDER BY sequence DESC LIMIT 1",
            [.int4(Int32(EntryKind.policyPublished.rawValue))])
        guard result.count == 1 else { return nil }
        let document = try PayloadCoding.policyDocument(try EntryCoding.decode(result.bytes(0, 0)).payload)
        return (try PolicyCoding.decode(document).version, document)
    }
}
