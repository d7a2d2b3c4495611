import SeededBugs
package import VoucherDomain

/// A city's first words in a session.
package struct Hello: Hashable, Sendable {
    /// Protocol versions the node speaks.
    package let versions: [UInt32]
    package let city: CityCode
    /// 16 random bytes of this process: the same process saying hello again keeps its grant.
    package let processNonce: [UInt8]
    /// Every nonce that this store has said hello with since it last stored a grant, each kept before it was sent:
    /// a grant whose answer was lost is recognised by one of them.
    package let previousProcessNonces: [[UInt8]]

    /// The most nonces a hello names: the oldest and the newest ones.
    package static let maximumPreviousNonces = 64
    /// The epoch that the node was granted last, as it remembers.
    package let epoch: Epoch?
    package let logHead: LogHead
    package let feedHead: FeedHead
    /// The operator of the city has restored the store from a backup and says that no other node of the city is to go on:
    /// it may remember an older epoch, and gets back what it lacks before it writes.
    package let isRestored: Bool

    package init(
        versions: [UInt32], city: CityCode, processNonce: [UInt8], previousProcessNonces: [[UInt8]], epoch: Epoch?,
        logHead: LogHead, feedHead: FeedHead, isRestored: Bool = false
    ) {
        self.isRestored = isRestored
        self.versions = versions
        self.city = city
        self.processNonce = processNonce
        self.previousProcessNonces = previousProcessNonces
        self.epoch = epoch
        self.logHead = logHead
        self.feedHead = feedHead
    }
}

/// The registry's judgement of a hello. Pure: the caller holds the city's row locked.
package enum HelloReview {
    /// What a hello leads to.
    package enum Verdict: Hashable, Sendable {
        /// The same process again: nothing changes.
        case keep(version: UInt32)
        /// A new epoch with this counter is to be granted.
        case grant(version: UInt32, counter: UInt32)
    }

    package enum Fault: Error, Hashable, Sendable {
        case suspended
        case noCommonVersion(offered: [UInt32], spoken: [UInt32])
        /// The node remembers an older epoch than the registry granted last: a clone or an old backup.
        case staleEpoch(granted: Epoch)
        /// The city has another history than the registry.
        case diverged(String)
        /// The registry has not the feed head that the city has applied: one of them was restored to an earlier point.
        case unknownFeedHead(UInt64)

        package var message: String {
            switch self {
            case .suspended: "the city is suspended"
            case .noCommonVersion(let offered, let spoken):
                "the node speaks protocol versions \(offered), the registry \(spoken): the older of both needs an update"
            case .staleEpoch(let granted):
                "another node with this city's key started later (epoch \(granted.counter)): "
                    + "this store is a clone or an old backup; if it is to go on and no other node of the city is, stop "
                    + "this one and run city-node restore"
            case .diverged(let why): why
            case .unknownFeedHead(let position):
                "the registry does not have the feed head \(position) that this city has applied"
            }
        }
    }

    /// - Parameters:
    ///   - dialect: What the registry speaks.
    ///   - incarnation: The registry's present one, which grants all epochs anew.
    ///   - processNonce: The process that holds the present grant.
    ///   - hasHeldGrant: Whether the process that says hello was granted an epoch before: what it said then may be said
    ///     once more by somebody who has listened.
    ///   - knownHash: The hash that the registry has at a sequence at or below its head.
    ///   - feedHash: The hash that the registry has at a feed position, with its incarnation.
    package static func review(
        _ hello: Hello, in dialect: Dialect = .current, standing: CityStanding, incarnation: UInt32,
        processNonce: [UInt8], hasHeldGrant: Bool, knownHash: (UInt64) -> Digest?, knownFeedHead: (UInt64) -> FeedHead?
    ) -> Result<Verdict, Fault> {
        if standing.isSuspended { return .failure(.suspended) }
        guard let version = dialect.common(with: hello.versions) else {
            return .failure(.noCommonVersion(offered: hello.versions, spoken: dialect.versions))
        }
        if let fault = logFault(hello, standing, knownHash) { return .failure(.diverged(fault)) }
        if hello.feedHead.position > 0, knownFeedHead(hello.feedHead.position) != hello.feedHead,
            !SeededBug.feedHeadByNumber.isActive
        {
            return .failure(.unknownFeedHead(hello.feedHead.position))
        }
        let isAnew = standing.grantedEpoch.incarnation < incarnation
        if hello.processNonce == processNonce, !isAnew { return .success(.keep(version: version)) }
        // A grant that the registry lost with its database counts: it was given later than the one that is remembered.
        let isLatest =
            hello.epoch == standing.grantedEpoch || hello.processNonce == processNonce
            || hello.previousProcessNonces.contains(processNonce)
            || isAnew && hello.epoch.map { $0 > standing.grantedEpoch } ?? false
        let mayTakeOver = hello.isRestored && (!hasHeldGrant || SeededBug.restoredHelloAgain.isActive)
        guard isLatest || mayTakeOver || SeededBug.staleEpochGranted.isActive else {
            return .failure(.staleEpoch(granted: standing.grantedEpoch))
        }
        return .success(.grant(version: version, counter: standing.grantedEpoch.counter + 1))
    }

    private static func logFault(
        _ hello: Hello, _ standing: CityStanding, _ knownHash: (UInt64) -> Digest?
    ) -> String? {
        let shared = min(hello.logHead.sequence, standing.head.sequence)
        // A city that is ahead has entries to push; their links are checked there.
        guard shared > 0, hello.logHead.sequence <= standing.head.sequence else { return nil }
        return knownHash(shared) == hello.logHead.hash || SeededBug.logHeadByNumber.isActive
            ? nil : "the registry has another entry \(shared) in this city's log: two histories"
    }
}
