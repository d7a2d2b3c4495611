import RegistryStore
import Replication

/// Whether a replica is one, and keeps up: from what was seen of it and of the primary, one look after the other.
struct ReplicaReview {
    enum Verdict: Hashable {
        case fit
        /// It was not seen to keep up yet; decided within ``longestDelay``.
        case undecided
        case unfit(String)
        /// It is no replica of the registry's database, or of one before the last recovery.
        case foreign(String)
    }

    /// How long ago the primary may have had what the replica has now.
    static let longestDelay = Duration.seconds(60)

    /// The primary's end at an earlier look, which the replica had not reached yet.
    private var awaited: (position: UInt64, since: ContinuousClock.Instant)?
    /// The last time at which the primary is known to have had no more than the replica has.
    private var freshAsOf: ContinuousClock.Instant?
    /// The replica's end at the last look.
    private var reached: UInt64 = 0

    /// Reviews one look.
    ///
    /// - Parameters:
    ///   - replica: What was seen of it, before the primary was looked at.
    ///   - agrees: Whether both have the same entry where the shorter feed ends.
    mutating func verdict(
        replica: RegistryStore.Sight, primary: RegistryStore.Sight, agrees: Bool, at now: ContinuousClock.Instant
    ) -> Verdict {
        if let fault = ReplicaReview.fault(of: replica.identity, for: primary.identity) { return .foreign(fault) }
        guard replica.incarnation == primary.incarnation else {
            return .foreign(
                "it is of incarnation \(replica.incarnation), and the registry of \(primary.incarnation): it follows "
                    + "another database, or has not come as far as the recovery")
        }
        guard agrees else { return .foreign("it has another feed: it is no replica of this registry's database") }
        return verdict(replica: replica.head.position, primary: primary.head.position, at: now)
    }

    /// What is wrong with a replica of that identity; `nil` where it is one of the database of the other.
    static func fault(of replica: RegistryStore.Identity, for primary: RegistryStore.Identity) -> String? {
        guard replica != primary else { return nil }
        return "it is the database \(replica), and not \(primary): it is no replica of this registry's database"
    }

    private mutating func verdict(replica: UInt64, primary: UInt64, at now: ContinuousClock.Instant) -> Verdict {
        let before = reached
        reached = replica
        if replica < before {
            // Another copy than the one that was seen before, of which nothing is known yet.
            awaited = nil
            freshAsOf = nil
        }
        if replica >= primary {
            awaited = nil
            freshAsOf = now
        } else if let awaited, replica >= awaited.position {
            freshAsOf = awaited.since
            self.awaited = (primary, now)
        } else if awaited == nil {
            awaited = (primary, now)
        }
        if let freshAsOf, freshAsOf.duration(to: now) <= ReplicaReview.longestDelay { return .fit }
        if replica < before { return .unfit("it went back from entry \(before) to \(replica) of \(primary)") }
        if freshAsOf == nil, let awaited, awaited.since.duration(to: now) <= ReplicaReview.longestDelay {
            return .undecided
        }
        return .unfit("it is at entry \(replica) of \(primary), and has not kept up for a minute")
    }
}
