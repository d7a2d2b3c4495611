import SeededBugs

/// How much time has passed for the fold: the sum of the ticks' intervals, and nothing else.
package struct DwellClock: Equatable, Sendable {
    /// What the clock showed after the tick at a position, in milliseconds.
    package struct Mark: Hashable, Sendable {
        package let position: Int64
        package let elapsed: Int64

        package init(position: Int64, elapsed: Int64) {
            self.position = position
            self.elapsed = elapsed
        }
    }

    /// In the order of their positions. A partial ledger has the last one, and the first after each claim that it needs.
    package private(set) var marks: [Mark]

    package init(marks: [Mark] = []) { self.marks = marks.sorted { $0.position < $1.position } }

    package var elapsed: Int64 { marks.last?.elapsed ?? 0 }

    mutating func tick(_ tick: Tick, at position: Int64) {
        let most = SeededBug.dwellUncapped.isActive ? .max : Tick.maximumInterval
        let interval = min(max(0, tick.intervalMilliseconds), most)
        marks.append(Mark(position: position, elapsed: elapsed + interval))
    }

    /// How long ago something was decided at least, in milliseconds: it is counted from the first tick after it.
    func dwell(since position: Int64) -> Int64 {
        var (low, high) = (0, marks.count)
        while low < high {
            let middle = (low + high) / 2
            if marks[middle].position > position { high = middle } else { low = middle + 1 }
        }
        return low < marks.count ? elapsed - marks[low].elapsed : 0
    }
}
