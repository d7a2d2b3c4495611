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

/// Policies, decoded once a version.
final class PolicyCache: Sendable {
    private let known = Mutex<[Int64: Policy]>([:])

    func standing(_ session: PostgresSession) throws -> PolicyStanding {
        try standing(askVersions(session).get(), session)
    }

    /// - Returns: `nil` before the first policy was folded.
    func current(_ session: PostgresSession) throws -> Policy? { try standing(session).current }

    /// Queues reading the version that binds the next position, and after it those that wait.
    func askVersions(_ session: PostgresSession) throws -> PendingAnswer<[Int64]> {
        try session.ask(
            """
            WITH current AS (
                SELECT max(version) AS version FROM policy, registry WHERE from_position <= feed_position + 1)
            SELECT p.version FROM policy p, current WHERE p.version >= current.version ORDER BY p.version
            """
        ) { result in (0..<result.count).map { result.int($0, 0) } }
    }

    /// - Parameter versions: What ``askVersions(_:)`` gave.
    func standing(_ versions: [Int64], _ session: PostgresSession) throws -> PolicyStanding {
        let missing = known.withLock { known in versions.filter { known[$0] == nil } }
        for version in missing {
            let result = try session.execute("SELECT document FROM policy WHERE version = $1", [.int4(Int32(version))])
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
