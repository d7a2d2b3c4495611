import CLibPQ
import Synchronization

/// Interrupts the statement that runs on a connection, from another thread; only while it is open.
///
/// `@unchecked Sendable`: libpq documents `PGcancel` as immutable and `PQcancel` as safe from any thread.
final class StatementInterrupt: @unchecked Sendable {
    private let handle: OpaquePointer?
    private let isOpen = Mutex(false)

    init(_ connection: OpaquePointer) { handle = PQgetCancel(connection) }

    deinit { PQfreeCancel(handle) }

    /// Opens or closes it. Once closed, no request is on its way: it can hit no later statement.
    func set(isOpen value: Bool) { isOpen.withLock { $0 = value } }

    func whileClosed<T>(_ body: () throws -> T) rethrows -> T {
        let wasOpen = isOpen.withLock { isOpen in
            defer { isOpen = false }
            return isOpen
        }
        defer { set(isOpen: wasOpen) }
        return try body()
    }

    func send() {
        isOpen.withLock { isOpen in
            guard isOpen, let handle else { return }
            var reason = [CChar](repeating: 0, count: 256)
            PQcancel(handle, &reason, 256)
        }
    }
}
