import Collections
import DequeModule
import Dispatch
import Synchronization

/// A bounded set of connections to one database, each on a queue of its own.
///
/// `run` lends one for the length of a synchronous closure, GRDB-style: inside, calls block that queue's thread
/// and nothing else; outside, everything is `async`. Connections are made when first needed, kept, and replaced
/// when they break.
package final class PostgresPool: Sendable {
    /// Looks at a session before anything is done with it. Where it throws, the connection is given up.
    package typealias Opening = @Sendable (PostgresSession) throws -> Void

    private let url: String
    private let opened: Opening
    private let slots: AsyncSemaphore
    private let idle = Mutex<[PostgresConnection]>([])

    /// - Parameters:
    ///   - size: The most connections open at a time.
    ///   - opened: Runs on each new connection, those in the place of lost ones included: these may lead to another server.
    package init(url: String, size: Int, opened: @escaping Opening = { _ in }) {
        self.url = url
        self.opened = opened
        self.slots = AsyncSemaphore(size)
    }

    /// Lends a connection to `body`. Cancelling the task interrupts the statement that is running.
    ///
    /// - Throws: What `body` throws, or ``PostgresError`` when no connection can be made.
    package func run<T: Sendable>(_ body: @escaping @Sendable (PostgresSession) throws -> T) async throws -> T {
        try await slots.wait()
        defer { slots.signal() }
        let connection = idle.withLock { $0.popLast() } ?? PostgresConnection(url: url, opened: opened)
        let result = await connection.run(body)
        if connection.isReusable { idle.withLock { $0.append(connection) } }
        return try result.get()
    }

    /// Lends a connection to `body` in one transaction.
    package func transaction<T: Sendable>(
        _ body: @escaping @Sendable (PostgresSession) throws -> T
    ) async throws -> T {
        try await run { session in try session.transaction { try body(session) } }
    }

    /// Closes the connections that nobody uses: where the server was lost each of them would be found broken by whoever is
    /// next.
    package func closeIdle() { idle.withLock { $0.removeAll() } }

    /// A connection of its own outside the pool, for a session that must last: an advisory lock, LISTEN. Once lost
    /// it stays lost: what was held with it is gone, too.
    package func dedicated() -> PostgresConnection {
        PostgresConnection(url: url, isOneSession: true, opened: opened)
    }
}

/// One connection and its serial queue.
///
/// `@unchecked Sendable`: the session is only touched on the queue; the flags are behind a mutex.
package final class PostgresConnection: @unchecked Sendable {
    private let url: String
    private let queue = DispatchQueue(label: "postgres-connection")
    private var session: PostgresSession?
    private struct State { var interrupt: StatementInterrupt?, isReusable = true, isCancelled = false }
    private let state = Mutex(State())

    private let isOneSession: Bool
    private let opened: PostgresPool.Opening

    init(url: String, isOneSession: Bool = false, opened: @escaping PostgresPool.Opening) {
        self.url = url
        self.isOneSession = isOneSession
        self.opened = opened
    }

    var isReusable: Bool { state.withLock(\.isReusable) }

    /// Runs `body` on the queue, connecting first if need be.
    package func run<T: Sendable>(
        _ body: @escaping @Sendable (PostgresSession) throws -> T
    ) async -> Result<T, any Error> {
        state.withLock { $0.isCancelled = false }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                queue.async { continuation.resume(returning: Result { try self.perform(body) }) }
            }
        } onCancel: {
            let interrupt = state.withLock { state in
                state.isCancelled = true
                return state.interrupt
            }
            interrupt?.send()
        }
    }

    private func perform<T>(_ body: (PostgresSession) throws -> T) throws -> T {
        let session = try openSession()
        guard !state.withLock(\.isCancelled) else { throw CancellationError() }
        session.interrupt.set(isOpen: true)
        defer {
            session.interrupt.set(isOpen: false)
            if !session.isUsable || session.isInTransaction || session.isFull && !isOneSession {
                self.session = nil
                state.withLock { $0 = State(isReusable: false) }
            }
        }
        do {
            let value = try body(session)
            try session.flush()
            return value
        } catch {
            session.discardQueued()
            throw error
        }
    }

    private func openSession() throws -> PostgresSession {
        if let session { return session }
        if isOneSession, !isReusable {
            throw PostgresError(code: .connectionFailure, message: "the connection was lost")
        }
        do {
            let session = try PostgresSession(url: url)
            try opened(session)
            try session.flush()
            self.session = session
            state.withLock { state in
                state.interrupt = session.interrupt
                state.isReusable = true
            }
            return session
        } catch {
            state.withLock { $0.isReusable = false }
            throw error
        }
    }
}

/// Counts free places; waiters are served in order and may be cancelled.
package final class AsyncSemaphore: Sendable {
    private struct State {
        var free: Int
        var waiters: Deque<(id: UInt64, continuation: CheckedContinuation<Void, any Error>)> = []
        var cancelled: Set<UInt64> = []
        var nextID: UInt64 = 0
    }
    private let state: Mutex<State>

    package init(_ count: Int) { state = Mutex(State(free: count)) }

    /// - Throws: `CancellationError` when the task is cancelled while waiting.
    package func wait() async throws {
        let id = state.withLock { state -> UInt64 in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome: Result<Void, any Error>? = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return .failure(CancellationError()) }
                    if state.free > 0 {
                        state.free -= 1
                        return .success(())
                    }
                    state.waiters.append((id, continuation))
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> CheckedContinuation<Void, any Error>? in
                if let index = state.waiters.firstIndex(where: { $0.id == id }) {
                    return state.waiters.remove(at: index).continuation
                }
                state.cancelled.insert(id)
                return nil
            }
            waiter?.resume(throwing: CancellationError())
        }
        // A cancellation that came after the place was taken leaves its mark behind.
        state.withLock { _ = $0.cancelled.remove(id) }
    }

    package func signal() {
        let next = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            guard !state.waiters.isEmpty else {
                state.free += 1
                return nil
            }
            return state.waiters.removeFirst().continuation
        }
        next?.resume()
    }
}
