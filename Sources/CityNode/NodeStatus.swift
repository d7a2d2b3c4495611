import Synchronization
import VoucherDomain

/// What the sync service tells the API: whether the registry is reached, and what stands in the way.
final class NodeStatus: Sendable {
    struct Values: Sendable {
        var isConnected = false
        /// What failed last, cleared by success; in words for the officer.
        var lastError: String?
        /// Set when replication has stopped for good: the node is read-only until somebody acts.
        var alarm: String?
        /// When the certificate ends that the registry showed last; `nil` before this process has reached it.
        var certificate: Expiry?
    }

    private let values = Mutex(Values())

    var current: Values { values.withLock { $0 } }

    func update(_ change: (inout sending Values) -> Void) { values.withLock { change(&$0) } }
}
