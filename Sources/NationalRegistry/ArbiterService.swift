import FederationHTTP
package import Logging
import Metrics
import PostgresClient
package import RegistryStore
import ServiceLifecycle
import Synchronization

/// Keeps trying to be the arbiter, and decides while it is.
package struct ArbiterService: Service {
    private let store: RegistryStore
    private let bell: FeedBell
    private let logger: Logger
    private let status: ArbiterStatus

    package init(store: RegistryStore, bell: FeedBell, status: ArbiterStatus, logger: Logger) {
        self.store = store
        self.bell = bell
        self.status = status
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            var pause = ArbiterService.shortestPause
            while !Task.isCancelled {
                let arbiter = Arbiter(store: store)
                do {
                    try await serve(arbiter)
                } catch {
                    if !Task.isCancelled {
                        logger.error("deciding failed, trying again", metadata: ["error": "\(error)"])
                    }
                }
                // A database that is away for an hour must not fill the log.
                pause = status.isArbiter ? ArbiterService.shortestPause : min(pause * 2, .seconds(15))
                status.set(isArbiter: false)
                await arbiter.release()
                try? await Task.sleep(for: pause)
            }
        }
    }

    /// Lets the fold know the time when something waits for it; looks once a minute.
    private func tickIfDue() async throws {
        guard status.isTimeToLook else { return }
        if try await store.tickIfDue(now: WallClock.now) { logger.info("the fold is told the time: a case is due") }
    }

    private static let shortestPause = Duration.milliseconds(500)

    private func serve(_ arbiter: Arbiter) async throws {
        while !Task.isCancelled {
            if try await arbiter.acquire() { break }
            try await Task.sleep(for: .milliseconds(500))
        }
        guard !Task.isCancelled else { return }
        status.set(isArbiter: true)
        logger.notice("this process is the arbiter")
        while !Task.isCancelled {
            let start = ContinuousClock.now
            let report = try await arbiter.decide()
            if let poison = report.poison {
                Counter(label: "national_registry.poison_alarms").increment()
                logger.critical(
                    "ALARM: the database cannot take an entry; it is answered invalid, the others go on",
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
            if !report.more {
                try await tickIfDue()
                _ = try await arbiter.waitForWork(milliseconds: 500)
            }
        }
    }
}

/// Whether this process is the arbiter, for status and metrics.
package final class ArbiterStatus: Sendable {
    private let state = Mutex(false)
    private let lastLook = Mutex<ContinuousClock.Instant?>(nil)

    package init() {}

    /// Once a minute, and at first.
    fileprivate var isTimeToLook: Bool {
        lastLook.withLock { last in
            let now = ContinuousClock.now
            if let last, last.duration(to: now) < .seconds(60) { return false }
            last = now
            return true
        }
    }

    package var isArbiter: Bool { state.withLock { $0 } }

    func set(isArbiter: Bool) { state.withLock { $0 = isArbiter } }
}
