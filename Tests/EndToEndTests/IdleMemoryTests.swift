import CityNode
import Testing

@Suite("When a node gives memory back")
struct IdleMemoryTests {
    /// In which of the intervals the end of work is told, by how long the store was used in each.
    private func ends(_ uses: [Duration]) -> [Int] {
        var pace = WorkPace()
        var total = Duration.zero
        return uses.indices.filter { index in
            total += uses[index]
            return pace.hasEnded(timeUsed: total)
        }
    }

    @Test("once after its start, and once after each time of work, not while it goes on")
    func told() {
        let (idle, busy) = (WorkPace.mostIdleTime, WorkPace.mostIdleTime + .microseconds(1))

        #expect(ends([.zero, .zero, .zero]) == [0])
        #expect(ends([idle, idle]) == [0])
        #expect(ends([busy, busy, idle, .zero]) == [2])
        #expect(ends([.zero, busy, .zero, .zero, busy, busy, idle]) == [0, 2, 6])
    }
}
