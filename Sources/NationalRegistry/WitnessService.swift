import Failpoints
import Logging
import RegistryStore
import ServiceLifecycle

/// Keeps the witness up to date in every server, arbiter or not: whichever of them decides next has seen the database.
struct WitnessService: Service {
    private let witness: Witness
    private let store: RegistryStore
    private let logger: Logger

    /// How often the witness is brought up to date.
    private static let pace = Duration.seconds(1)

    init(witness: Witness, store: RegistryStore, logger: Logger) {
        self.witness = witness
        self.store = store
        self.logger = logger
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                // A database that is away is the arbiter's to report.
                try? await update()
                try? await Task.sleep(for: WitnessService.pace)
            }
        }
        // What was decided by now is kept, also while this process is being stopped.
        try? await Task { try await update() }.value
    }

    private func update() async throws {
        Failpoint.reach(.witnessStale)
        if let reason = try await witness.update(from: store) { Witness.alarm(reason, logger) }
        Failpoint.reach(.witnessKept)
    }
}

extension Witness {
    /// Says that recovery mode has begun.
    static func alarm(_ reason: String, _ logger: Logger) {
        logger.critical(
            "ALARM: the database does not fit what was seen of it: recovery mode, see national-registry status",
            metadata: ["reason": "\(reason)"])
    }
}
