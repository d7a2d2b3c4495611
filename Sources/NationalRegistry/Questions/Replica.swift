import Logging
import Metrics
import PostgresClient
import RegistryStore
import Replication
import ServiceLifecycle
import Synchronization

/// A streaming replica of the database, and whether questions may be asked of it.
final class Replica: Sendable {
    /// For questions, as many at a time as of the primary.
    let store: RegistryStore
    /// For looking after it: that must not wait behind questions.
    fileprivate let eye: RegistryStore
    private enum Standing { case unknown, fit, unfit }
    private let standing = Mutex(Standing.unknown)

    init(url: String, secrets: RegistrySecrets) {
        let pool = PostgresPool(url: url, size: 4) { session in
            // Also where the URL leads to a server that takes writes.
            try session.run(script: "SET statement_timeout = '60s'; SET default_transaction_read_only = on")
        }
        store = RegistryStore(pool: pool, secrets: secrets)
        eye = RegistryStore(pool: PostgresPool(url: url, size: 1), secrets: secrets)
    }

    private let answeredAt = Mutex<ContinuousClock.Instant?>(nil)
    /// One that is silent for longer hangs, and so would every question.
    private static let patience = Duration.seconds(10)

    var isFit: Bool {
        let isSilent = answeredAt.withLock { $0.map { $0.duration(to: .now) > Replica.patience } ?? false }
        return !isSilent && standing.withLock { $0 == .fit }
    }

    /// Takes note that it has just answered whoever looks after it.
    fileprivate func answered() { answeredAt.withLock { $0 = .now } }

    /// Takes note of why it is not to be asked, or of `nil` that it may be; says it where that has changed.
    func judge(_ fault: String?, _ logger: Logger) {
        let now = fault == nil ? Standing.fit : .unfit
        let isNews = standing.withLock { standing in
            defer { standing = now }
            return standing != now
        }
        guard isNews else { return }
        if let fault {
            store.pool.closeIdle()
            logger.warning("questions go to the primary, not to the replica", metadata: ["reason": "\(fault)"])
        } else {
            logger.notice("questions go to the replica")
        }
    }
}

/// Whether a replica is one, and keeps up: from what was seen of it and of the primary, one look after the other.
struct ReplicaReview {
    enum Verdict: Hashable {
        case fit
        /// It was not seen to keep up yet; decided within ``longestDelay``.
        case undecided
        case unfit(String)
    }

    /// How long ago the primary may have had what the replica has now.
    static let longestDelay = Duration.seconds(60)

    /// The primary's end at an earlier look, which the replica had not reached yet.
    private var awaited: (position: UInt64, since: ContinuousClock.Instant)?
    /// The last time at which the primary is known to have had no more than the replica has.
    private var freshAsOf: ContinuousClock.Instant?

    /// Reviews one look.
    ///
    /// - Parameters:
    ///   - replica: The position of the replica's last entry, which was looked at before the primary's.
    ///   - agrees: Whether both have the same entry where the shorter one ends.
    mutating func verdict(
        replica: UInt64, primary: UInt64, agrees: Bool, at now: ContinuousClock.Instant
    ) -> Verdict {
        guard agrees else { return .unfit("it has another feed: it is no replica of this registry's database") }
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
        if freshAsOf == nil, let awaited, awaited.since.duration(to: now) <= ReplicaReview.longestDelay {
            return .undecided
        }
        return .unfit("it is at entry \(replica) of \(primary), and has not kept up for a minute")
    }
}

/// Looks after the replica, and rings for pages when what they show has grown.
struct ReplicaWatch: Service {
    private let replica: Replica
    /// The database that the replica is one of.
    private let store: RegistryStore
    private let desk: QuestionDesk
    private let bell: Bell
    private let logger: Logger

    private static let pace = Duration.milliseconds(500)

    init(replica: Replica, store: RegistryStore, desk: QuestionDesk, bell: Bell, logger: Logger) {
        self.replica = replica
        self.store = store
        self.desk = desk
        self.bell = bell
        self.logger = logger
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var review = ReplicaReview()
            var told: FeedHead?
            while !Task.isCancelled {
                await look(&review)
                if let seen = try? await desk.ask({ $0.seen }), seen != told {
                    told = seen
                    bell.ring()
                }
                try? await Task.sleep(for: ReplicaWatch.pace)
            }
        }
        bell.close()
    }

    private func look(_ review: inout ReplicaReview) async {
        let there: FeedHead
        do {
            there = try await replica.eye.feedHead()
            replica.answered()
        } catch {
            replica.judge("\(error)", logger)
            return
        }
        // A primary that is away is the arbiter's to report: the replica stands as it stood.
        guard let (here, agrees) = try? await compare(there) else { return }
        Gauge(label: "national_registry.replica.lag_entries").record(here.position - min(there.position, here.position))
        switch review.verdict(replica: there.position, primary: here.position, agrees: agrees, at: .now) {
        case .fit: replica.judge(nil, logger)
        case .undecided: break
        case .unfit(let fault): replica.judge(fault, logger)
        }
    }

    /// - Returns: The primary's end, and whether both have the same entry where the shorter one ends. A replica that every
    ///   commit waits for may show an entry a moment before the primary does.
    private func compare(_ there: FeedHead) async throws -> (here: FeedHead, agrees: Bool) {
        let here = try await store.feedHead()
        if there.position <= here.position {
            return (here, try await store.feedHead(at: Int64(clamping: there.position))?.hash == there.hash)
        }
        return (here, try await replica.eye.feedHead(at: Int64(clamping: here.position))?.hash == here.hash)
    }
}
