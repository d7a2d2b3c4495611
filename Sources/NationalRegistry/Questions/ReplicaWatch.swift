import Logging
import Metrics
import RegistryStore
import Replication
import ServiceLifecycle

/// Looks after the replica, and rings for pages when what they show has grown. It asks over connections that no
/// question takes: however long people's questions take, it goes on looking.
struct ReplicaWatch: Service {
    private let replica: Replica
    /// The database that the replica is one of.
    private let store: RegistryStore
    private let bell: Bell
    private let logger: Logger

    private static let pace = Duration.milliseconds(500)

    init(replica: Replica, store: RegistryStore, bell: Bell, logger: Logger) {
        self.replica = replica
        self.store = store
        self.bell = bell
        self.logger = logger
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var review = ReplicaReview()
            var told: FeedHead?
            while !Task.isCancelled {
                if let shown = await look(&review), shown != told {
                    told = shown
                    bell.ring()
                }
                try? await Task.sleep(for: ReplicaWatch.pace)
            }
        }
        bell.close()
    }

    /// Looks at the replica and at the primary, and judges.
    ///
    /// - Returns: The feed's end where questions are answered now; `nil` where nobody says it.
    func look(_ review: inout ReplicaReview) async -> FeedHead? {
        let there = await lookThere()
        // A primary that is away is the arbiter's to report: the replica stands as it stood.
        guard let here = try? await store.sight() else { return replica.isFit ? there?.head : nil }
        replica.note(original: here.identity)
        guard let there else { return here.head }
        guard let agrees = try? await agree(there.head, here.head) else { return here.head }
        let verdict = review.verdict(replica: there, primary: here, agrees: agrees, at: .now)
        replica.judge(verdict, logger)
        if case .foreign = verdict { return here.head }
        let lag = here.head.position - min(there.head.position, here.head.position)
        Gauge(label: "national_registry.replica.lag_entries").record(lag)
        return replica.isFit ? there.head : here.head
    }

    /// Asks the replica, which must not be silent for long.
    private func ask<Answer>(_ question: (RegistryStore) async throws -> Answer) async throws -> Answer {
        replica.note(isAwaited: true)
        defer { replica.note(isAwaited: false) }
        return try await question(replica.eye)
    }

    private func lookThere() async -> RegistryStore.Sight? {
        do {
            return try await ask { try await $0.sight() }
        } catch {
            // This process is ending, and says nothing of the replica.
            if !Task.isCancelled { replica.judge(.unfit("\(error)"), logger) }
            return nil
        }
    }

    /// Whether both have the same entry where the shorter feed ends. A replica that every commit waits for may show an entry a
    /// moment before the primary does.
    private func agree(_ there: FeedHead, _ here: FeedHead) async throws -> Bool {
        if there.position <= here.position {
            return try await store.feedHead(at: Int64(clamping: there.position)) == there
        }
        return try await ask { try await $0.feedHead(at: Int64(clamping: here.position)) } == here
    }
}
