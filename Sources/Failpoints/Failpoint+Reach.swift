import Synchronization

#if canImport(Glibc)
    import Glibc
#else
    import Darwin
#endif

extension Failpoint {
    /// Where this process was started to die; `nil` in every process that anybody relies on.
    package static var armed: Failpoint? { Armed.inThisProcess?.point }

    /// Kills this process if it was started to die here and has arrived often enough: nothing is flushed, nothing closed,
    /// no handler runs. Otherwise one comparison, and nothing else.
    ///
    /// - Parameter condition: What makes an arrival count; looked at only in a process that was started to die here.
    package static func reach(_ point: Failpoint, when condition: @autoclosure () -> Bool = true) {
        guard let armed = Armed.inThisProcess, armed.point == point, condition(), armed.countsToZero() else { return }
        die()
    }

    /// As ``reach(_:when:)``, but a process may have been started to die of one subject.
    package static func reach(_ point: Failpoint, of subject: @autoclosure () -> String) {
        guard let armed = Armed.inThisProcess, armed.point == point,
            armed.subject.map({ $0 == subject() }) ?? armed.countsToZero()
        else { return }
        die()
    }

    private static func die() -> Never {
        kill(getpid(), SIGKILL)
        // The signal may be delivered to another thread first: this one takes no further step.
        while true { pause() }
    }
}

/// What the environment asks for, read once.
private final class Armed: Sendable {
    let point: Failpoint
    /// What it is to die of; `nil` when arrivals are counted.
    let subject: String?
    /// Arrivals that are still to come.
    private let left: Atomic<Int>

    static let inThisProcess: Armed? = getenv(Failpoint.environmentName).flatMap { Armed(String(cString: $0)) }

    private init?(_ text: String) {
        let parts = text.split(maxSplits: 1) { $0 == ":" || $0 == "=" }
        guard parts.count == 2, let point = Failpoint(rawValue: String(parts[0])) else { return nil }
        let isNamed = text.dropFirst(parts[0].count).first == "="
        let count = Int(parts[1]) ?? 0
        guard isNamed || count > 0 else { return nil }
        self.point = point
        subject = isNamed ? String(parts[1]) : nil
        left = Atomic(count)
    }

    func countsToZero() -> Bool { left.subtract(1, ordering: .relaxed).newValue == 0 }
}
