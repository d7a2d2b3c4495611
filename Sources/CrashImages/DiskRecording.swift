/// What SQLite did to the files of one directory, in the order in which it was done.
package struct DiskRecording: Sendable {
    /// One call that changes a file or makes changes last, or something that the scenario noted between calls.
    ///
    /// Files go by their names in the directory; a file that is made after another of its name was deleted is another file.
    package enum Event: Hashable, Sendable {
        case created(String)
        case wrote(String, at: Int, bytes: [UInt8])
        case truncated(String, to: Int)
        /// A sync that returned; `coversDirectory` when what files there are became durable too.
        case synced(String, coversDirectory: Bool)
        /// A sync that failed. As on Linux, what it did not write counts as clean from then on: no later sync writes it.
        case syncFailed(String)
        case deleted(String, coversDirectory: Bool)
        /// The process ended without closing its files, and another goes on with what they hold: the power stayed on.
        case killed
        /// The caller was told that so many calls of the scenario are done.
        case acknowledged(Int)
    }

    /// The files at the beginning, all durable.
    package let files: [String: [UInt8]]
    package var events: [Event]

    package init(files: [String: [UInt8]] = [:], events: [Event] = []) {
        self.files = files
        self.events = events
    }

    /// What was recorded up to an event, not including it.
    package func prefix(_ cut: Int) -> DiskRecording { DiskRecording(files: files, events: Array(events.prefix(cut))) }

    /// How many calls had been acknowledged in its events, if any had.
    package var acknowledged: Int? {
        for case .acknowledged(let count) in events.reversed() { return count }
        return nil
    }

    /// The places just before and just after each event that is not a write.
    package var boundaries: [Int] {
        (0...events.count).filter { [$0 - 1, $0].contains { events.indices.contains($0) && events[$0].isBoundary } }
    }
}

extension DiskRecording.Event {
    fileprivate var isBoundary: Bool {
        if case .wrote = self { false } else { true }
    }
}
