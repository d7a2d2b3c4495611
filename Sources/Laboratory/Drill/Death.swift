import Failpoints

/// Where a process is to die by itself.
struct Death: Hashable, Sendable {
    let point: Failpoint
    /// At which arrival there, from 1.
    let arrival: Int
    /// Of what it dies there, each time; `nil` when arrivals are counted.
    var subject: String?

    /// What goes in front of the command that starts it.
    static func words(_ death: Death?) -> [String] {
        guard let death else { return [] }
        let cause = death.subject.map { "=\($0)" } ?? ":\(death.arrival)"
        return ["/usr/bin/env", "\(Failpoint.environmentName)=\(death.point.rawValue)\(cause)"]
    }
}
