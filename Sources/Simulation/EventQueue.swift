/// What will happen, in the order of (time, sequence): a binary heap.
///
/// Two events of one time happen in the order in which they were added, so a run is the same whenever it is repeated.
struct EventQueue<Event> {
    private struct Item {
        let time: UInt64
        let sequence: UInt64
        let event: Event

        func isBefore(_ other: Item) -> Bool { (time, sequence) < (other.time, other.sequence) }
    }

    private var items: [Item] = []
    private var nextSequence: UInt64 = 0

    var count: Int { items.count }

    /// Adds an event that happens at `time`, in virtual milliseconds.
    mutating func add(_ event: Event, at time: UInt64) {
        items.append(Item(time: time, sequence: nextSequence, event: event))
        nextSequence += 1
        var child = items.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard items[child].isBefore(items[parent]) else { break }
            items.swapAt(child, parent)
            child = parent
        }
    }

    /// Takes the earliest event out; `nil` when there is none.
    mutating func next() -> (time: UInt64, event: Event)? {
        guard let first = items.first, let last = items.popLast() else { return nil }
        if !items.isEmpty {
            items[0] = last
            sink()
        }
        return (first.time, first.event)
    }

    private mutating func sink() {
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < items.count {
                if items[child].isBefore(items[least]) { least = child }
            }
            guard least != parent else { return }
            items.swapAt(parent, least)
            parent = least
        }
    }
}
