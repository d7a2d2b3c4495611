import FederationHTTP
import FederationWire
import Foundation
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
    private let key: SigningKey

    package init(state: RegistryState) {
        path = "\(state.directory)/witness"
        key = state.secrets.signingKey
    }

    /// What was seen.
    private struct Sighting: Codable, Equatable {
        let system_identifier: String
        let timeline: String
        let incarnation: UInt32
        let position: UInt64
        let hash: String
    }

    private struct Signed: Codable {
        let body: Data
        let signature: Data
    }

    /// Compares the database with what was seen last, begins recovery mode where they do not fit, and keeps what is seen now.
    ///
    /// - Returns: What did not fit; `nil` when all is well, or was known before.
    package func compare(with store: RegistryStore) async throws -> String? {
        let last = try read()
        let (state, known) = try await store.databaseState(knownAt: last.seen?.position ?? 0)
        var reason = last.fault
        if let seen = last.seen {
            if seen.system_identifier != state.systemIdentifier {
                reason = "this is another database system than the one that was served last (a restored dump or a copy)"
            } else if seen.timeline != state.timeline {
                reason =
                    "PostgreSQL is on timeline \(state.timeline) and was on \(seen.timeline): it was restored to a point "
                    + "in time, or a standby was promoted"
            } else if seen.position > state.head.position {
                reason = "the feed ends at \(state.head.position) and was seen up to \(seen.position)"
            } else if seen.position > 0, known?.hash.rawValue.hexadecimal != seen.hash {
                reason = "the feed has another entry \(seen.position) than was seen there"
            }
        } else if reason == nil, state.isWitnessed {
            reason = "the witness file \(path) is missing"
        }
        if let reason, !state.isRecovering { try await store.beginRecovery(reason: reason, now: WallClock.now) }
        try await update(from: store)
        return state.isRecovering ? nil : reason
    }

    /// Keeps what is seen now; not while the registry recovers: another restore of the same backup must be seen, too.
    package func update(from store: RegistryStore) async throws {
        let (state, _) = try await store.databaseState(knownAt: 0)
        guard !state.isRecovering else { return }
        try keep(state)
        if !state.isWitnessed { try await store.noteWitness() }
    }

    private func read() throws -> (seen: Sighting?, fault: String?) {
        guard let data = FileManager.default.contents(atPath: path) else { return (nil, nil) }
        guard let signed = try? JSONDecoder().decode(Signed.self, from: data),
            SignedBytes(body: Array(signed.body), signature: Array(signed.signature))
                .isValid(.witness, by: key.publicKey),
            let seen = try? JSONDecoder().decode(Sighting.self, from: signed.body)
        else { return (nil, "the witness file \(path) is damaged") }
        return (seen, nil)
    }

    private func keep(_ state: RegistryStore.DatabaseState) throws {
        let seen = Sighting(
            system_identifier: state.systemIdentifier, timeline: state.timeline, incarnation: state.head.incarnation,
            position: state.head.position, hash: state.head.hash.rawValue.hexadecimal)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys]
        let signed = try key.sign(.witness, Array(try encoder.encode(seen)))
        try PrivateFile.replace(
            path, with: Array(try encoder.encode(Signed(body: Data(signed.body), signature: Data(signed.signature)))))
    }
}
