import FederationHTTP
package import Logging
import Metrics
import PostgresClient
package import RegistryStore
import ServiceLifecycle
import Synchronization
import VoucherDomain

/// Keeps trying to be the arbiter, and decides while it is.
package struct ArbiterService: Service {
    private let store: RegistryStore
    private let bell: Bell
    private let logger: Logger
    private let status: ArbiterStatus

    package init(store: RegistryStore, bell: Bell, status: ArbiterStatus, logger: Logger) {
        self.store = store
        self.bell = bell
        self.status = status
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var complaints = Complaints()
            while !Task.isCancelled {
                let arbiter = Arbiter(store: store)
                do {
                    try await serve(arbiter)
                } catch {
                    if !Task.isCancelled {
                        if complaints.isNews("\(error)", at: .now) {
                            logger.error("deciding failed, trying again", metadata: ["error": "\(error)"])
                        }
                        if let refusal = error as? RegistryRefusal, refusal.code == .diverged {
                            try? await store.note(recoveryProblem: refusal.message)
                        }
                    }
                }
                status.set(isArbiter: false)
                // In a task that is cancelled nothing would be said to the database.
                await Task { await arbiter.release() }.value
                try? await Task.sleep(for: ArbiterService.pause)
            }
        }
    }

    /// Lets the fold know the time when something waits for it.
    private func tickIfDue(_ pace: inout TickPace, _ arbiter: Arbiter) async throws {
        guard let elapsed = pace.look(at: .now) else { return }
        try await arbiter.confirm()
        let report = try await store.tickIfDue(now: WallClock.now, sinceLast: elapsed)
        if report.isAppended { pace.ticked() }
        for city in report.strangers where pace.isNews(city) {
            Counter(label: "national_registry.stranger_alarms").increment()
            logger.critical(
                "ALARM: a city has sealed a feed head that is not on this feed", metadata: ["city": "\(city)"])
        }
    }

    /// How long to rest after a failure, however many there were: the nation waits for whoever decides next.
    private static let pause = Duration.milliseconds(500)
    /// How often one that does not decide asks for the lock. It asks, and does not wait within the database: a statement that
    /// waits for days keeps the rows of all that time from being cleaned away.
    private static let pace = Duration.milliseconds(250)

    private func serve(_ arbiter: Arbiter) async throws {
        while !Task.isCancelled {
            if try await arbiter.acquire() { break }
            try await Task.sleep(for: ArbiterService.pace)
        }
        guard !Task.isCancelled else { return }
        status.set(isArbiter: true)
        logger.notice("this process is the arbiter")
        var pace = TickPace(start: .now)
        // What an older build could not read is decided before anything else is waited for.
        var mayReadAgain = true
        while !Task.isCancelled {
            let start = ContinuousClock.now
            let report = try await arbiter.decide()
            if let poison = report.poison {
                Counter(label: "national_registry.poison_alarms").increment()
                logger.critical(
                    "ALARM: an entry cannot be decided; it is answered invalid, the others go on",
                    metadata: ["poison": "\(poison)"])
            }
            for position in report.guarded {
                Counter(label: "national_registry.guard_alarms").increment()
                logger.critical(
                    "ALARM: the database refused a key that the ledger shows free; the claim is held",
                    metadata: ["feed.position": "\(position)"])
            }
            if report.decided > 0 {
                bell.ring()
                Counter(label: "national_registry.decided_entries").increment(by: report.decided)
                Metrics.Timer(label: "national_registry.fold").record(duration: start.duration(to: .now))
                logger.debug("decided", metadata: ["arbiter.entries": "\(report.decided)"])
            }
            if mayReadAgain, !report.more { mayReadAgain = try await store.readAgain(now: WallClock.now) }
            try await tickIfDue(&pace, arbiter)
            if !report.more {
                try await store.followBranches(now: WallClock.now)
                // In pieces: one that is being ended gives the lock up soon.
                for _ in 0..<5 where !Task.isCancelled {
                    if try await arbiter.waitForWork(milliseconds: 100) { break }
                }
            }
        }
    }
}

/// Whether this process is the arbiter, for status and metrics.
package final class ArbiterStatus: Sendable {
    private let state = Mutex(false)

    package init() {}

    package var isArbiter: Bool { state.withLock { $0 } }

    func set(isArbiter: Bool) { state.withLock { $0 = isArbiter } }
}

/// What goes wrong again and again: a database that is away for an hour must not fill the log.
private struct Complaints {
    private var last: (text: String, at: ContinuousClock.Instant)?

    /// Whether to say it: it is another one than before, or was last said a minute ago.
    mutating func isNews(_ text: String, at now: ContinuousClock.Instant) -> Bool {
        if let last, last.text == text, last.at.duration(to: now) < .seconds(60) { return false }
        last = (text, now)
        return true
    }
}

/// How the arbiter keeps time for the fold: by a clock that stands still while the machine sleeps, from when it became the
/// arbiter on.
private struct TickPace {
    private var lastTick: SuspendingClock.Instant
    private var lastLook: SuspendingClock.Instant?
    /// Cities of which the alarm was raised.
    private var strangers: Set<CityCode> = []

    init(start: SuspendingClock.Instant) { lastTick = start }

    /// The time since the last tick in milliseconds; `nil` when it was looked at less than a quarter of a second ago.
    mutating func look(at now: SuspendingClock.Instant) -> Int64? {
        if let lastLook, lastLook.duration(to: now) < .milliseconds(250) { return nil }
        lastLook = now
        return Int64(lastTick.duration(to: now) / .milliseconds(1))
    }

    /// Whether the alarm on the city is still to be raised: once is enough for what stays as it is.
    mutating func isNews(_ city: CityCode) -> Bool { strangers.insert(city).inserted }

    /// Says that the time up to the last look is counted.
    mutating func ticked() { if let lastLook { lastTick = lastLook } }
}
