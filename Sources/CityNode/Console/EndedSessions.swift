import Synchronization
import WebConsole

/// Sessions that were ended before their time, so that a copy of their cookie is of no use either.
///
/// In memory: no other process has the key that their cookies are made with.
final class EndedSessions: Sendable {
    /// Until when each would have lasted, by its digest.
    private let known = Mutex<[[UInt8]: UInt64]>([:])

    func add(_ session: ConsoleSession, now: UInt64) {
        known.withLock { known in
            known = known.filter { $0.value > now }
            known[session.digest] = session.expiresAt
        }
    }

    func contains(_ session: ConsoleSession) -> Bool { known.withLock { $0[session.digest] != nil } }
}
