import CityStore
import Logging
import ServiceLifecycle

/// Ends the node when its disk fails: what was recorded is there when it starts again, and nothing more can be.
struct DiskWatch: Service {
    let store: CityStore
    let logger: Logger

    func run() async throws {
        let failures = store.diskFailures
        try await cancelWhenGracefulShutdown {
            for await error in failures {
                logger.critical("ALARM: the disk fails, the node stops", metadata: ["error": "\(error)"])
                throw StoreRefusal(
                    .damaged,
                    "the disk fails: \(error); check it, then run city-node log verify and start city-node serve again")
            }
        }
    }
}
