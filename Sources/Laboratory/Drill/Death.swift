import Failpoints

/// Where a process is to die by itself.
struct Death: Hashable, Sendable {
    let point: Failpoint
    /// At which arrival there, from 1.
    let arrival: Int

    /// What goes in front of the command that starts it.
    static func words(_ death: Death?) -> [String] {
        guard let death else { return [] }
        return ["/usr/bin/env", "\(Failpoint.environmentName)=\(death.point.rawValue):\(death.arrival)"]
    }
}
