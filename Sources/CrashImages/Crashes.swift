import Replication

/// Crashes, and what was seen in them.
package struct Crashes: Sendable {
    /// How a process ends.
    package enum End: String, Hashable, Sendable, CaseIterable {
        case powerLoss = "power loss"
        /// The process alone, by a signal; what it wrote stays in the system's memory.
        case kill = "kill"
        /// A second power loss, during the recovery or soon after it.
        case powerLossInRecovery = "power loss in the recovery"
        case powerLossAfterKill = "power loss after a kill"
    }

    package private(set) var ends: [End] = []
    package private(set) var mishaps: Set<CrashImage.Mishap> = []

    /// Ends the process after what was recorded, lets another recover, and half of the time crashes that one too.
    ///
    /// - Throws: ``Violation``.
    mutating func run(_ recording: DiskRecording, _ recovery: Recovery, using random: inout SeededGenerator) throws {
        let isKill = Int.random(in: 0..<3, using: &random) == 0
        let acknowledged = recording.acknowledged ?? 0
        let start = crash(recording, isKill ? .kill : .powerLoss, &random)
        let isLong = Int.random(in: 0..<16, using: &random) == 0
        let calls = isLong ? Int.max : Int.random(in: 0...3, using: &random)
        let recovered = try recovery.run(from: start, acknowledged: acknowledged, thenCalls: calls)
        guard Bool.random(using: &random) else { return }
        let cut = Int.random(in: start.events.count...recovered.events.count, using: &random)
        let second = recovered.prefix(cut)
        let image = crash(second, isKill ? .powerLossAfterKill : .powerLossInRecovery, &random)
        _ = try recovery.run(from: image, acknowledged: max(acknowledged, second.acknowledged ?? 0), thenCalls: 2)
    }

    /// The disk under the next process.
    private mutating func crash(_ before: DiskRecording, _ end: End, _ random: inout SeededGenerator) -> DiskRecording {
        ends.append(end)
        guard end != .kill else { return DiskRecording(files: before.files, events: before.events + [.killed]) }
        let image = DiskModel(before).image(using: &random)
        mishaps.formUnion(image.mishaps)
        return DiskRecording(files: image.files)
    }
}
