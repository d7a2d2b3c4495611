import FederationHTTP
import FederationWire
import Foundation
import PostgresClient
import RegistryStore
import Replication
import Synchronization
import VoucherDomain

/// What this registry last saw of its database, signed and kept outside it: a database that was restored to an earlier point,
/// copied, or replaced by a standby that was behind, does not fit it.
///
/// One file in the `--state` directory. Losing it costs nothing but a recovery mode that ends as soon as the cities have
/// shown what they hold.
///
/// What was acknowledged in the second before a standby is promoted, the file does not know. So a later timeline fits only
/// where nothing can be missing: commits waited for the standby when this process last looked, and the operator says that no
/// other one is ever promoted; or another server has found it so.
package struct Witness: Sendable {
    private let path: String
    private let secrets: RegistrySecrets
    /// Whether the operator says that only a standby is ever promoted which every commit waited for.
    private let trustsStandby: Bool
    private let footing = LastFooting()

    package init(state: RegistryState, trustsStandby: Bool = false) {
        path = "\(state.directory)/witness"
        secrets = state.secrets
        self.trustsStandby = trustsStandby
    }

    /// Where this process has last found that all is well. Not kept in the file: what commits waited for long ago says nothing
    /// of a standby that is promoted today.
    private struct Footing {
        let timeline: String
        /// Whether commits waited for a standby, by the setting.
        let isSynchronous: Bool
        /// Whether a standby that is promoted from here lacks nothing; `nil` where the operator says nothing of standbys.
        let isSafe: Bool?
        let at: ContinuousClock.Instant

        /// A process that was cut off for longer does not know what commits waited for meanwhile.
        static let longest = Duration.seconds(900)
    }

    private final class LastFooting: Sendable { let value = Mutex<Footing?>(nil) }

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

        /// - Parameter footing: That of this process, where it has one.
        func mismatch(_ state: RegistryStore.DatabaseState, _ footing: Footing?) -> String? {
            // A recovery has ended since: the database that was seen before it is given up, and what it held is back.
            if incarnation < state.incarnation { return nil }
            if system_identifier != state.systemIdentifier {
                return "this is another database system than the one that was served last (a restored dump or a copy)"
            }
            if timeline != state.timeline, !follows(state, footing) {
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

        /// Whether a database on another timeline goes on where this one was, without a loss. An earlier timeline is an old
        /// primary that came back.
        private func follows(_ state: RegistryStore.DatabaseState, _ footing: Footing?) -> Bool {
            // Eight hexadecimal digits each.
            guard timeline < state.timeline else { return false }
            if let footing, footing.timeline == state.timeline { return true }
            // What this process has seen just now counts for more than what another one has noted.
            if let footing, footing.timeline == timeline, let isSafe = footing.isSafe,
                footing.at.duration(to: .now) < Footing.longest
            {
                return isSafe
            }
            return state.knownTimeline == state.timeline
        }
    }

    private struct Signed: Codable {
        let body: Data
        let signature: Data
    }

    /// What came of a look at the database.
    struct Look: Sendable {
        /// What did not fit, so that recovery mode has begun; `nil` when all is well, or was known before.
        let mismatch: String?
        let timeline: String
        /// The timeline that was kept before, where the database is now on another one that fits.
        let followedTimeline: String?
        /// Whether a commit is acknowledged only once a standby has it and all before it.
        let isSynchronous: Bool
    }

    /// Compares the database that a new connection leads to with what was seen last, and begins recovery mode where they do
    /// not fit: before anything is read or written there.
    ///
    /// - Returns: What did not fit; `nil` when all is well, or was known before.
    func meet(_ session: PostgresSession) throws -> String? { try compare(session).reason }

    /// The same, and keeps what is seen now; not while the registry recovers: another restore of the same backup must be
    /// seen, too.
    ///
    /// - Parameter confirming: Wait until a standby that commits wait for has all from before. The setting says nothing of
    ///   what was committed before it was made; a commit under it has waited for all of that.
    func update(from store: RegistryStore, confirming: Bool = false) async throws -> Look {
        let isConfirmed = confirming && trustsStandby
        if isConfirmed { try await store.awaitStandby() }
        let (seen, state, reason) = try await store.pool.run { try compare($0, isConfirmed: isConfirmed) }
        let isOpen = state.recovery == nil
        if isOpen {
            if seen != Sighting(state) { try keep(state) }
            if !state.isWitnessed || state.knownTimeline != state.timeline {
                try await store.noteWitness(timeline: state.timeline)
            }
        }
        let isLater = isOpen && seen?.incarnation == state.incarnation && seen?.timeline != state.timeline
        return Look(
            mismatch: reason, timeline: state.timeline, followedTimeline: isLater ? seen?.timeline : nil,
            isSynchronous: footing.value.withLock { $0?.isSafe ?? false })
    }

    /// What a verb that writes to the registry's log should know first: the database may not be the one that was served last.
    ///
    /// - Returns: What does not fit; `nil` also where this computer has seen nothing of it, or the registry recovers.
    func mismatch(with store: RegistryStore) async throws -> String? {
        let (seen, fault) = try read()
        let state = try await store.databaseState(knownAt: seen?.position ?? 0)
        return state.recovery == nil ? fault ?? seen?.mismatch(state, nil) : nil
    }

    private func compare(
        _ session: PostgresSession, isConfirmed: Bool = false
    ) throws -> (seen: Sighting?, state: RegistryStore.DatabaseState, reason: String?) {
        let (seen, fault) = try read()
        let known = footing.value.withLock { $0 }
        let (state, reason) = try RegistryStore.compare(
            session, secrets, knownAt: seen?.position ?? 0, above: seen?.incarnation ?? 0, now: WallClock.now
        ) { state in
            // A recovery that had ended already is seen once more: its database was put back, too.
            if let recovery = state.recovery, (seen?.incarnation ?? 0) < recovery { return nil }
            if let seen { return seen.mismatch(state, known) }
            return fault ?? (state.isWitnessed ? "the witness file \(path) is missing" : nil)
        }
        if reason == nil, state.recovery == nil {
            footing.value.withLock { footing in
                // An answer that was long on its way does not lead back.
                if let footing, footing.timeline > state.timeline { return }
                let before = footing.flatMap { $0.timeline == state.timeline ? $0 : nil }
                let isKnown = (before?.isSafe ?? false) || isConfirmed && (before?.isSynchronous ?? false)
                footing = Footing(
                    timeline: state.timeline, isSynchronous: state.isSynchronous,
                    isSafe: trustsStandby ? state.isSynchronous && isKnown : nil, at: .now)
            }
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
