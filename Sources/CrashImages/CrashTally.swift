/// What was recorded and what was crashed, counted over many trials.
package struct CrashTally: Sendable {
    private var events: [String: Int] = [:]
    private var counts: [String: Int] = [:]
    private var images = 0
    private var boundaries = 0
    /// How many trials found a violation.
    package private(set) var failed = 0

    package init() {}

    package mutating func take(_ scenario: RecordedScenario) {
        for event in scenario.recording.events { events[event.kind, default: 0] += 1 }
        boundaries += scenario.recording.boundaries.count
    }

    package mutating func take(_ trial: CrashTrial) {
        count("cut: \(trial.place.rawValue)")
        take(trial.crashes, trial.violation)
    }

    package mutating func take(_ trial: DiskFaultTrial) {
        guard let failure = trial.failure else { return }
        count("\(trial.fault.kind.rawValue): \(failure.call), \(trial.isReported ? "reported" : "made good")")
        take(trial.crashes, trial.violation)
    }

    private mutating func take(_ crashes: Crashes, _ violation: Violation?) {
        images += crashes.ends.count
        if violation != nil { failed += 1 }
        for end in crashes.ends { count("end: \(end.rawValue)") }
        for mishap in crashes.mishaps { count("with: \(mishap.rawValue)") }
    }

    private mutating func count(_ name: String) { counts[name, default: 0] += 1 }

    /// A line for each kind of event, cut, end and mishap, in the order of their names; kinds of mishap that did not occur
    /// have a zero.
    package var lines: [String] {
        var all = counts
        for mishap in CrashImage.Mishap.allCases { all["with: \(mishap.rawValue)", default: 0] += 0 }
        for end in Crashes.End.allCases { all["end: \(end.rawValue)", default: 0] += 0 }
        let recorded = events.sorted { $0.key < $1.key }.map { "\($0.value) \($0.key)" }.joined(separator: ", ")
        return ["recorded: \(recorded)"] + all.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value)" }
            + ["\(images) images; \(boundaries) places beside something other than a write"]
    }
}

extension DiskRecording.Event {
    /// The event's kind, in the plural, and its file.
    fileprivate var kind: String {
        switch self {
        case .created(let name): "creations of \(name)"
        case .wrote(let name, _, _): "writes of \(name)"
        case .truncated(let name, _): "truncations of \(name)"
        case .synced(let name, _): "syncs of \(name)"
        case .syncFailed(let name): "failed syncs of \(name)"
        case .deleted(let name, _): "deletions of \(name)"
        case .killed: "kills"
        case .acknowledged: "acknowledgements"
        }
    }
}
