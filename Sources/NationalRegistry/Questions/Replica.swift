import Logging
import Metrics
import PostgresClient
import RegistryStore
import Synchronization

/// A streaming replica of the database, and whether questions may be asked of it.
final class Replica: Sendable {
    /// For questions, as many at a time as of the primary.
    let store: RegistryStore
    /// For looking after it: that must not wait behind questions. It leads wherever the URL leads.
    let eye: RegistryStore
    private let original: Original
    private let standing = Mutex(ReplicaStanding())

    /// The database that it is to be one of; `nil` before the first look at that.
    private final class Original: Sendable { let identity = Mutex<RegistryStore.Identity?>(nil) }

    init(url: String, secrets: RegistrySecrets) {
        let original = Original()
        self.original = original
        let pool = PostgresPool(url: url, size: 4) { session in
            // Also where the URL leads to a server that takes writes.
            try session.run(script: "SET statement_timeout = '60s'; SET default_transaction_read_only = on")
            // A new connection may lead to another server than the ones before, and than the one that is looked after.
            guard let identity = original.identity.withLock({ $0 }) else { return }
            let fault = ReplicaReview.fault(of: try RegistryStore.identity(session), for: identity)
            if let fault { throw ForeignDatabase(message: fault) }
        }
        store = RegistryStore(pool: pool, secrets: secrets)
        eye = RegistryStore(pool: PostgresPool(url: url, size: 1), secrets: secrets)
    }

    /// Whether questions are asked of it now.
    var isFit: Bool { standing.withLock { $0.isFit(at: .now) } }

    /// Whether it was seen to be no replica of the registry's database.
    var isForeign: Bool { standing.withLock { $0.state == .foreign } }

    /// Takes note of which database it is to be one of.
    func note(original identity: RegistryStore.Identity) { original.identity.withLock { $0 = identity } }

    /// Takes note that whoever looks after it has begun to wait for an answer, or waits for none any more.
    func note(isAwaited: Bool) { standing.withLock { $0.note(isAwaited: isAwaited, at: .now) } }

    /// Takes note of what was seen of it; says it where that has changed.
    func judge(_ verdict: ReplicaReview.Verdict, _ logger: Logger) {
        guard standing.withLock({ $0.judge(verdict, at: .now) }) else { return }
        switch verdict {
        case .undecided: break
        case .fit: logger.notice("questions go to the replica")
        case .unfit(let fault):
            store.pool.closeIdle()
            logger.warning("questions go to the primary, not to the replica", metadata: ["reason": "\(fault)"])
        case .foreign(let fault):
            store.pool.closeIdle()
            logger.error(
                "the replica is refused, and questions go to the primary: see --queries-database",
                metadata: ["reason": "\(fault)"])
        }
    }

    /// Takes note that it has failed a question: it is left alone for a while.
    func noteFailure(_ verdict: ReplicaReview.Verdict, _ logger: Logger) {
        standing.withLock { $0.rest(from: .now) }
        judge(verdict, logger)
    }

    /// Sets the gauges that say how it stands.
    func measure() {
        Gauge(label: "national_registry.replica.is_asked").record(isFit ? 1 : 0)
        Gauge(label: "national_registry.replica.is_foreign").record(isForeign ? 1 : 0)
    }
}

/// A connection led to a database of which nothing may be told.
struct ForeignDatabase: Error { let message: String }
