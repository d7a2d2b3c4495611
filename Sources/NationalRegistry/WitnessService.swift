import Failpoints
import Logging
import RegistryStore
import ServiceLifecycle

/// Keeps the witness up to date in every server, arbiter or not: whichever of them decides next has seen the database.
struct WitnessService: Service {
    private let witness: Witness
    private let store: RegistryStore
    /// Whether the operator says that commits wait for a standby.
    private let expectsStandby: Bool
    private let logger: Logger

    /// How often the witness is brought up to date.
    private static let pace = Duration.seconds(1)

    init(witness: Witness, store: RegistryStore, expectsStandby: Bool, logger: Logger) {
        self.witness = witness
        self.store = store
        self.expectsStandby = expectsStandby
        self.logger = logger
    }

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var wasSynchronous: Bool?
            while !Task.isCancelled {
                // A database that is away is the arbiter's to report.
                if let look = try? await update(confirming: expectsStandby) {
                    if expectsStandby, look.isSynchronous != wasSynchronous { tell(isSynchronous: look.isSynchronous) }
                    wasSynchronous = look.isSynchronous
                }
                try? await Task.sleep(for: WitnessService.pace)
            }
        }
        // What was decided by now is kept, also while this process is being stopped; a standby is not waited for then.
        _ = try? await Task { try await update() }.value
    }

    private func update(confirming: Bool = false) async throws -> Witness.Look {
        Failpoint.reach(.witnessStale)
        let look = try await witness.update(from: store, confirming: confirming)
        if let reason = look.mismatch { Witness.alarm(reason, logger) }
        if let timeline = look.followedTimeline {
            logger.notice(
                "a standby was promoted, and lacks nothing",
                metadata: ["timeline": "\(look.timeline)", "timeline.before": "\(timeline)"])
        }
        Failpoint.reach(.witnessKept)
        return look
    }

    private func tell(isSynchronous: Bool) {
        if isSynchronous {
            logger.notice("the database waits for a standby with every commit")
        } else {
            logger.warning(
                "the database waits for no standby: if one is promoted now, recovery mode begins",
                metadata: ["setting": "synchronous_standby_names"])
        }
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
