import Arbitration
import FederationWire
import PostgresClient
import Synchronization

/// The policy in force, and those that were published ahead of their time.
struct PolicyStanding: Sendable {
    /// `nil` before the first policy was folded.
    var current: Policy?
    /// By version.
    var scheduled: [Policy] = []

    var all: [Policy] { (current.map { [$0] } ?? []) + scheduled }

    /// A ledger under it, with nothing else.
    var ledger: Ledger {
        var ledger = Ledger(policy: current)
        for policy in scheduled { ledger.schedule(policy) }
        return ledger
    }
}

/// A policy by its version and its file: a version that was given up with a branch of the feed may be another one now.
struct PolicyVersion: Hashable, Sendable {
    let number: Int64
    /// SHA-256 of the file.
    fileprivate let digest: [UInt8]
}

/// Policies, decoded once a version.
final class PolicyCache: Sendable {
    private let known = Mutex<[PolicyVersion: Policy]>([:])

    func standing(_ session: PostgresSession) throws -> PolicyStanding {
        try standing(askVersions(session).get(), session)
    }

    /// - Returns: `nil` before the first policy was folded.
    func current(_ session: PostgresSession) throws -> Policy? { try standing(session).current }

    /// Queues reading the version that binds the next position, and after it those that wait.
    func askVersions(_ session: PostgresSession) throws -> PendingAnswer<[PolicyVersion]> {
        try session.ask(
            """
            WITH current AS (
                SELECT max(version) AS version FROM policy, registry WHERE from_position <= feed_position + 1)
            SELECT p.version, sha256(p.document) FROM policy p, current
            WHERE p.version >= current.version ORDER BY p.version
            """
        ) { result in
            (0..<result.count).map { PolicyVersion(number: result.int($0, 0), digest: result.bytes($0, 1)) }
        }
    }

    /// - Parameter versions: What ``askVersions(_:)`` gave.
    func standing(_ versions: [PolicyVersion], _ session: PostgresSession) throws -> PolicyStanding {
        let missing = known.withLock { known in versions.filter { known[$0] == nil } }
        for version in missing {
            let result = try session.execute(
                "SELECT document FROM policy WHERE version = $1 AND sha256(document) = $2",
                [.int4(Int32(version.number)), .bytea(version.digest)])
            guard result.count == 1 else {
                throw PostgresError(code: .serializationFailure, message: "the policies have changed meanwhile")
            }
            let policy = try PolicyCoding.decode(result.bytes(0, 0))
            known.withLock { $0[version] = policy }
        }
        let policies = known.withLock { known in
            known = known.filter { versions.contains($0.key) }
            return versions.compactMap { known[$0] }
        }
        return PolicyStanding(current: policies.first, scheduled: Array(policies.dropFirst()))
    }
}
