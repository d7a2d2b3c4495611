import CityStore
import FederationWire
import Replication
import VoucherDomain

/// A city's store driven by a seed to the end without misfortune, with every write and sync recorded, and what it held after
/// each call.
package struct RecordedScenario: Sendable {
    package let seed: UInt64
    package let calls: [StoreCall]
    /// What the store held after so many calls; the first is the empty store.
    package let states: [StoreState]
    package let recording: DiskRecording
    /// By claim number: after how many calls it was acknowledged as recorded, and the fields that it has.
    package let claims: [String: (call: Int, fields: [String: String])]

    /// - Parameters:
    ///   - calls: How many calls; whatever an officer does takes one to six.
    ///   - merges: Whether the city goes back, time and again, to where two registries agreed.
    ///   - directory: A directory to be made and removed.
    package init(seed: UInt64, calls count: Int, merges: Bool = false, in directory: String) throws {
        var writer = try ScenarioWriter(seed: seed, merges: merges)
        var calls: [StoreCall] = []
        var states: [StoreState] = []
        var claims: [String: (call: Int, fields: [String: String])] = [:]
        recording = try RecordedDisk.recording(in: directory) { disk in
            var node = try RecordedNode(directory: disk.directory, seed: seed)
            defer { try? node.close() }
            states.append(try StoreState(node.store))
            while calls.count < count {
                let call = try writer.nextCall(node.store)
                let answer = try node.perform(call, at: calls.count)
                calls.append(call)
                disk.acknowledge(calls.count)
                states.append(try StoreState(node.store))
                try writer.note(answer, to: call)
                guard case .rows(let rows) = answer, !call.claims.isEmpty else { continue }
                for row in rows where row.outcome == .recorded {
                    claims[row.number] = (calls.count, try node.store.claim(row.number)?.fields ?? [:])
                }
            }
            return disk.recording
        }
        self.seed = seed
        self.calls = calls
        self.states = states
        self.claims = claims
    }

    /// The feed as far as the store has applied it, and not gone back from it, after so many calls.
    func feed(after count: Int) -> [SealedFeedEntry] {
        var feed: [SealedFeedEntry] = []
        for call in calls.prefix(count) {
            switch call {
            case .apply(let entries, _): feed += entries
            case .goBack(let call): feed = Array(feed.prefix(Int(call.wayBack?.to.position ?? 0)))
            default: break
            }
        }
        return feed
    }

    /// The cuts of the recording at which the store is going back to where two registries agreed.
    package var cutsGoingBack: [Int] {
        var cuts: [Int] = []
        var done = 0
        for (cut, event) in recording.events.enumerated() {
            if done < calls.count, case .goBack = calls[done] { cuts.append(cut) }
            if case .acknowledged(let count) = event { done = count }
        }
        return cuts
    }
}
