import CityNode
import Testing

@Suite("When a node gives memory back")
struct IdleMemoryTests {
    /// In which of the intervals the end of work is told, by how often the store was used in each.
    private func ends(_ uses: [Int]) -> [Int] {
        var pace = WorkPace()
        var total = 0
        return uses.indices.filter { index in
            total += uses[index]
            return pace.hasEnded(uses: total)
        }
    }

    @Test("once after its start, and once after each time of work, not while it goes on")
    func told() {
        let (idle, busy) = (WorkPace.mostIdleUses, WorkPace.mostIdleUses + 1)

        #expect(ends([0, 0, 0]) == [0])
        #expect(ends([idle, idle]) == [0])
        #expect(ends([busy, busy, idle, 0]) == [2])
        #expect(ends([0, busy, 0, 0, busy, busy, idle]) == [0, 2, 6])
    }
}
