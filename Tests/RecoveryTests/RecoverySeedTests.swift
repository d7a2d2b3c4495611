import Foundation
import PostgresClient
import Testing

/// Random schedules of restores among the production stores of the registry and the cities.
///
/// `RECOVERY_SEEDS=1-500` runs these seeds instead of the default ones; `RECOVERY_TRACE=1` prints what happens in each.
@Suite("Recovery from seeds")
struct RecoverySeedTests {
    /// Of the first 25 those in which cities give something back, and of the others some of each kind: five registries, with
    /// and without a city that is absent. The rest lost nothing that had to be decided again.
    private static let usual: [UInt64] = [1, 2, 3, 4, 5, 7, 8, 9, 11, 12, 16, 17, 19, 20, 21, 23, 24, 25]
    private static let seeds: [UInt64] = {
        let ends = (ProcessInfo.processInfo.environment["RECOVERY_SEEDS"] ?? "").split(separator: "-")
            .compactMap { UInt64($0) }
        guard let first = ends.first, let last = ends.last, first <= last else { return usual }
        return Array(first...last)
    }()
    private static let tracesAll = ProcessInfo.processInfo.environment["RECOVERY_TRACE"] != nil
    /// A run has up to five registries of four connections each.
    private static let places = AsyncSemaphore(3)

    @Test(
        "whatever is restored, and when, nothing that anyone has seen changes, and all comes to rest", arguments: seeds)
    func recovers(seed: UInt64) async throws {
        try await Self.places.wait()
        defer { Self.places.signal() }
        let federation = try await Federation(seed: seed)
        var faults: [String]
        do {
            try await federation.run()
            faults = federation.faults
        } catch { faults = federation.faults + ["the run ended with \(error)"] }
        if !faults.isEmpty || Self.tracesAll {
            print("seed \(seed)\n" + federation.trace.joined(separator: "\n"))
        }
        print("seed \(seed): \(federation.summary)")
        for ending in federation.endings { print("seed \(seed), as designed: \(ending)") }
        #expect(faults == [], "seed \(seed)")
        try await federation.close()
    }
}
