import CityStore
package import Replication
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
    /// The feed as far as it was applied.
    package let feed: [SealedFeedEntry]

    /// - Parameters:
    ///   - calls: How many calls; whatever an officer does takes one to six.
    ///   - directory: A directory to be made and removed.
    package init(seed: UInt64, calls count: Int, in directory: String) throws {
        var writer = try ScenarioWriter(seed: seed)
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
        feed = calls.flatMap { call -> [SealedFeedEntry] in
            if case .apply(let entries, _) = call { entries } else { [] }
        }
    }
}
