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
                guard pace.hasEnded(uses: store.useCount) else { continue }
                store.releaseMemory()
                ProcessMemory.giveBack()
            }
        }
    }
}

/// Tells when a time of work has ended, by how often the store is used.
package struct WorkPace {
    /// How often it is told.
    package static let interval = Duration.seconds(30)
    /// More uses of the store in an interval are work. An idle node looks about ten times, for the feed and to report;
    /// each page that is open in a browser 30 times.
    package static let mostIdleUses = 100

    private var uses = 0
    /// Starting is work.
    private var wasBusy = true

    package init() {}

    /// - Parameter uses: How often the store has been used by now.
    /// - Returns: Whether there was work in an interval before this one, and there was none in this.
    package mutating func hasEnded(uses: Int) -> Bool {
        let isBusy = uses - self.uses > WorkPace.mostIdleUses
        defer { (self.uses, wasBusy) = (uses, isBusy) }
        return wasBusy && !isBusy
    }
}
