import CityStore
import FederationHTTP
import ServiceLifecycle

/// Gives memory back once work has ended: what SQLite and the allocator keep is otherwise as much as the busiest minute
/// needed, for as long as the node runs.
struct IdleMemory: Service {
    let store: CityStore

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var pace = WorkPace()
            // A sleep that is cut short ends the service.
            while (try? await Task.sleep(for: WorkPace.interval)) != nil {
                guard pace.hasEnded(timeUsed: store.timeUsed) else { continue }
                store.releaseMemory()
                ProcessMemory.giveBack()
            }
        }
    }
}

/// Tells when a time of work has ended, by how long the store is used: a single use may import a thousand rows.
package struct WorkPace {
    /// How often it is told.
    package static let interval = Duration.seconds(30)
    /// More time in the store within an interval is work. An idle node looks about ten times, for the feed and to report;
    /// each page that is open in a browser 30 times; each look takes less than a millisecond.
    package static let mostIdleTime = Duration.milliseconds(200)

    private var timeUsed = Duration.zero
    /// Starting is work.
    private var wasBusy = true

    package init() {}

    /// - Parameter timeUsed: How long the store has been used by now.
    /// - Returns: Whether there was work in an interval before this one, and there was none in this.
    package mutating func hasEnded(timeUsed: Duration) -> Bool {
        let isBusy = timeUsed - self.timeUsed > WorkPace.mostIdleTime
        defer { (self.timeUsed, wasBusy) = (timeUsed, isBusy) }
        return wasBusy && !isBusy
    }
}
