package import Logging
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
            while !Task.isCancelled {
                let arbiter = Arbiter(store: store)
                do {
                    try await serve(arbiter)
                } catch {
                    if !Task.isCancelled {
                        logger.error("deciding failed, trying again", metadata: ["error": "\(error)"])
                    }
                }
                status.set(isArbiter: false)
                await arbiter.release()
                try? await Task.sleep(for: .milliseconds(500))
            }
        }
    }

    private func serve(_ arbiter: Arbiter) async throws {
        while !Task.isCancelled {
            if try await arbiter.acquire() { break }
            try await Task.sleep(for: .milliseconds(500))
        }
        guard !Task.isCancelled else { return }
        status.set(isArbiter: true)
        logger.notice("this process is the arbiter")
        while !Task.isCancelled {
            let report = try await arbiter.decide()
            if report.decided > 0 {
                bell.ring()
                status.add(decided: report.decided)
                logger.debug("decided", metadata: ["arbiter.entries": "\(report.decided)"])
            }
            if !report.more { _ = try await arbiter.waitForWork(milliseconds: 500) }
        }
    }
}

/// What the arbiter of this process is doing, for health and metrics.
package final class ArbiterStatus: Sendable {
    private struct State { var isArbiter = false, decided = 0 }
    private let state = Mutex(State())

    package init() {}

    package var isArbiter: Bool { state.withLock(\.isArbiter) }
    package var decided: Int { state.withLock(\.decided) }

    func set(isArbiter: Bool) { state.withLock { $0.isArbiter = isArbiter } }
    func add(decided: Int) { state.withLock { $0.decided += decided } }
}
