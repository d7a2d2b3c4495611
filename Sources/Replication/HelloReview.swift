import SeededBugs
package import VoucherDomain

/// A city's first words in a session.
package struct Hello: Hashable, Sendable {
    /// Protocol versions the node speaks.
    package let versions: [UInt32]
    package let city: CityCode
    /// 16 random bytes of this process: the same process saying hello again keeps its grant.
    package let processNonce: [UInt8]
    /// The epoch that is to be followed: the one that the node adopted last, or one that it knows to be its own to follow.
    package let epoch: Epoch?
    package let logHead: LogHead
    package let feedHead: FeedHead
    /// The incarnation of the registry below which the city accepts nothing; 0 before it was called by a recovering one.
    package let promise: UInt32
    /// The recovery that it has promised this to; empty before the first, or where that was before recoveries had ids.
    package let recoveryID: [UInt8]
    /// The registry's head of this log as the node has compared it with its own; `nil` where it has compared nothing, for it
    /// holds the grant or gets back what it lacks. Another node of the city has written whatever the registry has by then
    /// besides.
    package let compared: LogHead?
    /// What the node calls itself, for people to read; empty where it does not.
    package var software = ""

    package init(
        versions: [UInt32], city: CityCode, processNonce: [UInt8], epoch: Epoch?, logHead: LogHead,
        feedHead: FeedHead, promise: UInt32 = 0, recoveryID: [UInt8] = [], compared: LogHead? = nil
    ) {
        self.versions = versions
        self.city = city
        self.processNonce = processNonce
        self.epoch = epoch
        self.logHead = logHead
        self.feedHead = feedHead
        self.promise = promise
        self.recoveryID = recoveryID
        self.compared = compared
    }
}

/// The registry's judgement of a hello. Pure: the caller holds the city's row locked.
///
/// A grant is a compare-and-set on the epoch that the hello names. An epoch is never granted twice, and a hello that was sent
/// to an earlier incarnation lacks the promise to the present one: whatever arrives late or again takes effect once at most.
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
        /// The city has not promised to accept nothing older than this incarnation of the registry, or has promised that of
        /// a later one.
        case unpromised(incarnation: UInt32)
        /// The node names an older epoch than the registry granted last: a clone or an old backup.
        case staleEpoch(granted: Epoch)
        /// The node names a later epoch than the registry granted last: the registry has lost that grant.
        case unknownEpoch(Epoch)
        /// The city has another history than the registry.
        case diverged(String)
        /// The registry has not the feed head that the city has applied: one of them was restored to an earlier point.
        case unknownFeedHead(UInt64)
        /// The registry has received more of the log than the node has compared: this sequence is its last.
        case grown(through: UInt64)

        package var message: String {
            switch self {
            case .suspended: "the city is suspended"
            case .noCommonVersion(let offered, let spoken):
                "the node speaks protocol versions \(offered), the registry \(spoken): the older of both needs an update"
            case .unpromised(let incarnation):
                "this is incarnation \(incarnation) of the registry, and the city has promised another one: present what "
                    + "the city holds"
            case .unknownEpoch(let epoch):
                "the registry does not know epoch \(epoch.counter) that this city was granted: its database was put back "
                    + "to an earlier point; its operators must run national-registry recovery begin"
            case .staleEpoch(let granted):
                "another node with this city's key started later (epoch \(granted.counter)): "
                    + "this store is a clone or an old backup; \(HelloReview.adviceOnCopies)"
            case .diverged(let why): "\(why); \(HelloReview.adviceOnCopies)"
            case .unknownFeedHead(let position):
                "the registry does not have the feed head \(position) that this city has applied"
            case .grown(let sequence):
                "the registry has received this city's log up to entry \(sequence) since this node compared it: it is "
                    + "compared again before anything is granted"
            }
        }
    }

    /// - Parameters:
    ///   - dialect: What the registry speaks.
    ///   - incarnation: The registry's present one, which grants all epochs anew.
    ///   - recoveryID: That of the recovery which began it; empty where none did.
    ///   - processNonce: The process that holds the present grant.
    ///   - knownHash: The hash that the registry has at a sequence at or below its head.
    ///   - feedHash: The hash that the registry has at a feed position, with its incarnation.
    package static func review(
        _ hello: Hello, in dialect: Dialect = .current, standing: CityStanding, incarnation: UInt32,
        recoveryID: [UInt8] = [], processNonce: [UInt8], knownHash: (UInt64) -> Digest?,
        knownFeedHead: (UInt64) -> FeedHead?
    ) -> Result<Verdict, Fault> {
        if standing.isSuspended { return .failure(.suspended) }
        guard let version = dialect.common(with: hello.versions) else {
            return .failure(.noCommonVersion(offered: hello.versions, spoken: dialect.versions))
        }
        let granted = standing.grantedEpoch
        let isAnew = granted.incarnation < incarnation
        let hasPromised =
            hello.promise == incarnation && hello.recoveryID == recoveryID || SeededBug.unpromisedGranted.isActive
        guard isAnew ? hasPromised : hello.promise <= incarnation else {
            return .failure(.unpromised(incarnation: incarnation))
        }
        if let fault = logFault(hello, standing, knownHash) { return .failure(.diverged(fault)) }
        if hello.feedHead.position > 0, knownFeedHead(hello.feedHead.position) != hello.feedHead,
            !SeededBug.feedHeadByNumber.isActive
        {
            return .failure(.unknownFeedHead(hello.feedHead.position))
        }
        if hello.processNonce == processNonce, !isAnew { return .success(.keep(version: version)) }
        guard let epoch = hello.epoch, epoch >= granted || SeededBug.staleEpochGranted.isActive else {
            return .failure(.staleEpoch(granted: granted))
        }
        // A grant that the registry lost with its database counts, once the registry has begun anew.
        guard epoch <= granted || isAnew else { return .failure(.unknownEpoch(epoch)) }
        // Another node of the city goes on: a grant would fence it, and this one would find that it lacks entries and stop.
        if let compared = hello.compared, compared.sequence < standing.head.sequence {
            return .failure(.grown(through: standing.head.sequence))
        }
        return .success(.grant(version: version, counter: granted.counter + 1))
    }

    /// What is wrong with the registry's time in the answer to a hello, which is not signed: a registry that has just
    /// let in a request by this node's clock is not further from it than the window of requests.
    ///
    /// - Parameters:
    ///   - registryTime: What the answer says, milliseconds since 1970.
    ///   - sent: The node's clock when the hello was sent.
    ///   - now: The node's clock when the answer came.
    /// - Returns: `nil` when the answer can be believed.
    package static func clockFault(registryTime: UInt64, sent: UInt64, now: UInt64) -> String? {
        let nearest = min(max(registryTime, min(sent, now)), max(sent, now))
        let distance = max(registryTime, nearest) - min(registryTime, nearest)
        guard distance > PushReview.clockTolerance else { return nil }
        return "clock wrong: the answer to the greeting is dated \(distance / 1_000) s from this computer's clock, "
            + "and yet the request was let in: set the clock right; where it is, something on the way changes the answers"
    }

    /// What the officer of a store can do that another one of the city has outrun.
    package static let adviceOnCopies = """
        if it is to go on and no other node of the city is, stop it and run city-node restore --in-place, which keeps \
        what the registry has and what this store has besides
        """

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
