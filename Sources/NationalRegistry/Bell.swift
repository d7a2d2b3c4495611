import Synchronization

/// Wakes those who wait for something, such as the readers of the feed for it to grow.
///
/// Whoever waits takes the ``generation`` before looking; waiting for a later one then misses nothing.
package final class Bell: Sendable {
    private struct State {
        var generation: UInt64 = 0
        var isClosed = false
        var waiters: [UInt64: CheckedContinuation<Void, Never>] = [:]
        var nextID: UInt64 = 0
    }
    private let state = Mutex(State())

    package init() {}

    package var generation: UInt64 { state.withLock(\.generation) }

    /// Whether nobody is to wait any more.
    var isClosed: Bool { state.withLock(\.isClosed) }

    /// Wakes everybody who waits.
    package func ring() {
        let waiters = state.withLock { state in
            state.generation += 1
            defer { state.waiters = [:] }
            return state.waiters
        }
        for waiter in waiters.values { waiter.resume() }
    }

    /// Wakes everybody, and lets nobody wait any more: the server is shutting down.
    package func close() {
        state.withLock { $0.isClosed = true }
        ring()
    }

    /// Returns once the bell was rung after `generation`, or the time is over, or the task is cancelled.
    package func wait(after generation: UInt64, atMost limit: Duration) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait(after: generation) }
            group.addTask { try? await Task.sleep(for: limit) }
            await group.next()
            group.cancelAll()
        }
    }

    private func wait(after generation: UInt64) async {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isOver = state.withLock { state in
                    if state.generation > generation || state.isClosed || Task.isCancelled { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isOver { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume()
        }
    }
}
