import FederationHTTP
import FederationWire
import Foundation
import PostgresClient
package import RegistryStore
import Replication
import VoucherDomain

/// What this registry last saw of its database, signed and kept outside it: a database that was restored to an earlier point,
/// copied, or replaced by a standby that was behind, does not fit it.
///
/// One file in the `--state` directory. Losing it costs nothing but a recovery mode that ends as soon as the cities have
/// shown what they hold.
package struct Witness: Sendable {
    private let path: String
    private let secrets: RegistrySecrets

    package init(state: RegistryState) {
        path = "\(state.directory)/witness"
        secrets = state.secrets
    }

    /// What was seen.
    private struct Sighting: Codable, Equatable {
        let system_identifier: String
        let timeline: String
        let incarnation: UInt32
        let position: UInt64
        let hash: String

        init(_ state: RegistryStore.DatabaseState) {
            system_identifier = state.systemIdentifier
            timeline = state.timeline
            incarnation = state.incarnation
            position = state.head.position
            hash = state.head.hash.rawValue.hexadecimal
        }

        func mismatch(_ state: RegistryStore.DatabaseState) -> String? {
            // A recovery has ended since: the database that was seen before it is given up, and what it held is back.
            if incarnation < state.incarnation { return nil }
            if system_identifier != state.systemIdentifier {
                return "this is another database system than the one that was served last (a restored dump or a copy)"
            }
            if timeline != state.timeline {
                return
                    "PostgreSQL is on timeline \(state.timeline) and was on \(timeline): it was restored to a point "
                    + "in time, or a standby was promoted"
            }
            if position > state.head.position {
                return "the feed ends at \(state.head.position) and was seen up to \(position)"
            }
            if position > 0, state.known?.hash.rawValue.hexadecimal != hash {
                return "the feed has another entry \(position) than was seen there"
            }
            return nil
        }
    }

    private struct Signed: Codable {
        let body: Data
        let signature: Data
    }

    /// Compares the database that a new connection leads to with what was seen last, and begins recovery mode where they do
    /// not fit: before anything is read or written there.
    ///
    /// - Returns: What did not fit; `nil` when all is well, or was known before.
    func meet(_ session: PostgresSession) throws -> String? { try compare(session).reason }

    /// The same, and keeps what is seen now; not while the registry recovers: another restore of the same backup must be
    /// seen, too.
    package func update(from store: RegistryStore) async throws -> String? {
        let (seen, state, reason) = try await store.pool.run { try compare($0) }
        guard state.recovery == nil else { return reason }
        if seen != Sighting(state) { try keep(state) }
        if !state.isWitnessed { try await store.noteWitness() }
        return reason
    }

    /// What a verb that writes to the registry's log should know first: the database may not be the one that was served last.
    ///
    /// - Returns: What does not fit; `nil` also where this computer has seen nothing of it, or the registry recovers.
    func mismatch(with store: RegistryStore) async throws -> String? {
        let (seen, fault) = try read()
        let state = try await store.databaseState(knownAt: seen?.position ?? 0)
        return state.recovery == nil ? fault ?? seen?.mismatch(state) : nil
    }

    private func compare(
        _ session: PostgresSession
    ) throws -> (seen: Sighting?, state: RegistryStore.DatabaseState, reason: String?) {
        let (seen, fault) = try read()
        let (state, reason) = try RegistryStore.compare(
            session, secrets, knownAt: seen?.position ?? 0, above: seen?.incarnation ?? 0, now: WallClock.now
        ) { state in
            // A recovery that had ended already is seen once more: its database was put back, too.
            if let recovery = state.recovery, (seen?.incarnation ?? 0) < recovery { return nil }
            if let seen { return seen.mismatch(state) }
            return fault ?? (state.isWitnessed ? "the witness file \(path) is missing" : nil)
        }
        return (seen, state, reason)
    }

    private func read() throws -> (seen: Sighting?, fault: String?) {
        guard let data = FileManager.default.contents(atPath: path) else { return (nil, nil) }
        guard let signed = try? JSONDecoder().decode(Signed.self, from: data),
            SignedBytes(body: Array(signed.body), signature: Array(signed.signature))
                .isValid(.witness, by: secrets.signingKey.publicKey),
            let seen = try? JSONDecoder().decode(Sighting.self, from: signed.body)
        else { return (nil, "the witness file \(path) is damaged") }
        return (seen, nil)
    }

    private func keep(_ state: RegistryStore.DatabaseState) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let signed = try secrets.signingKey.sign(.witness, Array(try encoder.encode(Sighting(state))))
        try PrivateFile.replace(
            path, with: Array(try encoder.encode(Signed(body: Data(signed.body), signature: Data(signed.signature)))))
    }
}
