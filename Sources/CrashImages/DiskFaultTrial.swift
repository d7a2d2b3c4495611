import CityStore
import GRDB
import Replication

/// A scenario in which a call of the disk fails; then crashes.
package struct DiskFaultTrial: Sendable {
    package let fault: RecordedDisk.Fault
    /// What failed; `nil` when the scenario has fewer calls.
    package private(set) var failure: RecordedDisk.Failure?
    /// Whether the store told its caller; a checkpoint without space is passed over, and done later.
    package private(set) var isReported = false
    package private(set) var crashes = Crashes()
    package private(set) var violation: Violation?

    /// Runs the scenario until the call fails. A full disk has space again when the caller tries a second time. Any other failure
    /// ends the process, which has tried nothing more.
    ///
    /// - Parameter directory: A directory to be made and removed.
    package init(_ scenario: RecordedScenario, fault: RecordedDisk.Fault, in directory: String) {
        self.fault = fault
        var random = SeededGenerator(trial: -fault.call, of: scenario.seed)
        violation = Violation.caught {
            var recording = try run(scenario, directory)
            guard let failure else { return }
            if !isReported {
                let cut = Int.random(in: failure.event...recording.events.count, using: &random)
                recording = recording.prefix(cut)
            }
            try crashes.run(recording, Recovery(scenario: scenario, directory: directory), using: &random)
        }
    }

    private mutating func run(_ scenario: RecordedScenario, _ directory: String) throws -> DiskRecording {
        try RecordedDisk.recording(in: directory, fault: fault) { disk in
            defer { failure = disk.failure }
            var node: RecordedNode
            do { node = try RecordedNode(directory: disk.directory, seed: scenario.seed) } catch {
                try report(error, 0)
                return disk.recording
            }
            defer { try? node.close() }
            for (place, call) in scenario.calls.enumerated() {
                do { _ = try node.perform(call, at: place) } catch {
                    try report(error, place)
                    guard error.isDiskFull else {
                        try expectRefusal(&node, call, place)
                        return disk.recording
                    }
                    try tryAgain(&node, call, place, scenario)
                }
                disk.acknowledge(place + 1)
            }
            return disk.recording
        }
    }

    /// The error is one that says what is wrong with the disk.
    private mutating func report(_ error: any Error, _ place: Int) throws {
        isReported = true
        // SQLite keeps to itself why it does not change to a write-ahead log.
        let isOpening =
            (error as? DatabaseError)?.resultCode == .SQLITE_CANTOPEN
            || (error as? StoreRefusal)?.code == .unsafeSettings
        guard error.isDiskFull || error.isDiskFailure || isOpening else {
            throw Violation(invariant: "F4", text: "call \(place + 1) met the failing disk and says: \(error)")
        }
    }

    /// A process that went on would find a disk that says that all is well.
    private func expectRefusal(_ node: inout RecordedNode, _ call: StoreCall, _ place: Int) throws {
        if case .restart = call { return }
        do { _ = try node.perform(call, at: place) } catch  where error.isDiskFailure { return }
        throw Violation(
            invariant: "F4", text: "call \(place + 1) met the failing disk and is accepted when tried again")
    }

    private func tryAgain(
        _ node: inout RecordedNode, _ call: StoreCall, _ place: Int, _ scenario: RecordedScenario
    ) throws {
        // A restart leaves no store to look at before the next attempt.
        if case .restart = call {
        } else if let difference = try StoreState(node.store).difference(from: scenario.states[place]) {
            throw Violation(invariant: "F5", text: "call \(place + 1) was not saved and changed: \(difference)")
        }
        _ = try node.perform(call, at: place)
        if let difference = try StoreState(node.store).difference(from: scenario.states[place + 1]) {
            throw Violation(invariant: "F5", text: "call \(place + 1), tried again, came to: \(difference)")
        }
    }
}
