import Replication

/// Crashes from one place of a recorded scenario on: where, how, and what came of it.
package struct CrashTrial: Sendable {
    /// What stands beside the cut.
    package enum Place: String, Hashable, Sendable, CaseIterable {
        case beforeSync = "before a sync"
        case afterSync = "after a sync"
        case afterAcknowledgement = "after an acknowledgement"
        case elsewhere = "elsewhere"
    }

    package let number: Int
    /// The index of the first event of the recording that did not happen.
    package let cut: Int
    package let place: Place
    package private(set) var crashes = Crashes()
    package private(set) var violation: Violation?

    /// Runs the trial of that number: the same number of the same scenario is the same trial.
    ///
    /// - Parameters:
    ///   - given: The cut; `nil` for the one that the number says.
    ///   - directory: A directory to be made and removed.
    package init(_ scenario: RecordedScenario, number: Int, cutAt given: Int? = nil, in directory: String) {
        self.number = number
        var random = SeededGenerator(trial: number, of: scenario.seed)
        let recording = scenario.recording
        // The places beside whatever is not a write in turn, neighbours far apart; and as often any place.
        let boundaries = recording.boundaries
        let drawn =
            number % 2 == 0
            ? boundaries[number / 2 * 7_919 % boundaries.count]
            : Int.random(in: 0...recording.events.count, using: &random)
        cut = given ?? drawn
        place = Place(cut, recording.events)
        violation = Violation.caught {
            try crashes.run(
                recording.prefix(cut), Recovery(scenario: scenario, directory: directory), using: &random)
        }
    }
}

extension CrashTrial.Place {
    fileprivate init(_ cut: Int, _ events: [DiskRecording.Event]) {
        if cut > 0, case .acknowledged = events[cut - 1] {
            self = .afterAcknowledgement
        } else if cut > 0, case .synced = events[cut - 1] {
            self = .afterSync
        } else if cut < events.count, case .synced = events[cut] {
            self = .beforeSync
        } else {
            self = .elsewhere
        }
    }
}

extension SeededGenerator {
    /// The generator of one trial of a scenario; trials of other kinds have numbers below zero.
    init(trial number: Int, of seed: UInt64) {
        var first = SeededGenerator(seed: seed ^ UInt64(bitPattern: Int64(number)) << 32)
        self.init(seed: first.next())
    }
}
