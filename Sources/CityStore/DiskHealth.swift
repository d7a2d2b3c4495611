import Synchronization

/// Whether the disk has failed a write of this process. From then on none is tried: after a failed fsync the system may have
/// thrown away what it could not write and say that all is well the next time. Only a new process, which reads what is really
/// there, can go on.
final class DiskHealth: Sendable {
    private let failure = Mutex<(any Error)?>(nil)
    /// The first failure, and then the end.
    let failures: AsyncStream<any Error>
    private let told: AsyncStream<any Error>.Continuation

    init() { (failures, told) = AsyncStream.makeStream() }

    /// Writes, unless the disk has failed before.
    func write<Value>(_ body: () throws -> Value) throws -> Value {
        if let failure = failure.withLock({ $0 }) { throw failure }
        do { return try body() } catch {
            if error.isDiskFailure { note(error) }
            throw error
        }
    }

    /// Notes a failure of the disk: from now on nothing is written.
    func note(_ error: any Error) {
        failure.withLock { $0 = $0 ?? error }
        told.yield(error)
        told.finish()
    }
}
