import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

/// The running totals of an occupancy against the same questions answered from the plain list of holdings.
@Suite("Occupancy of a key")
struct OccupancyTests {
    private static let key = Key.bankReceipt("B1")

    /// All that the rules ask of an occupancy.
    private struct Answers: Hashable {
        let holdings: [Holding]
        let claims: [ClaimName]
        let used: Int64
        let standingCapacity: Int64?
        let conflicts: [[ClaimName]]
        let overlaps: [[ClaimName]]
        let additions: [Int64]

        init(of occupancy: Occupancy, about candidates: [[Holding]]) {
            holdings = occupancy.holdings
            claims = occupancy.claims
            used = occupancy.used
            standingCapacity = occupancy.standingCapacity
            conflicts = candidates.map { occupancy.conflicts(with: $0[0]) }
            overlaps = candidates.map { occupancy.overlaps(with: $0[0]) }
            additions = candidates.map { occupancy.addition(of: $0) }
        }

        init(of list: [Holding], about candidates: [[Holding]]) {
            holdings = list.inPositionOrder
            claims = list.naiveClaims()
            used = list.naiveUsed
            standingCapacity = list.naiveStandingCapacity
            conflicts = candidates.map { list.naiveConflicts(with: $0[0]) }
            overlaps = candidates.map { list.naiveOverlaps(with: $0[0]) }
            additions = candidates.map { (list + $0).naiveUsed - list.naiveUsed }
        }
    }

    /// What one claim would take under the key: one holding, or one for each of a few invoices.
    private func candidate(position: Int64, _ numbers: inout SeededGenerator) -> [Holding] {
        let holder = numbers.pick([[UInt8(1)], [2], [3]])
        let group = numbers.pick(["", "", "G", "G", "H"])
        let capacity = numbers.pick([Int64(0), 500, 500, 500, 700])
        let from = CalendarDate(rawValue: Int32(numbers.number(below: 10)))
        let until = CalendarDate(rawValue: from.rawValue + 1 + Int32(numbers.number(below: 3)))
        let interval = numbers.once(in: 4) ? nil : DayInterval(from: from, until: until)
        var items: [[UInt8]] = [[]]
        if numbers.once(in: 2) {
            items = [10, 11, 12].map { ItemSums.item([Key(bytes: [$0])]) }.filter { _ in !numbers.once(in: 3) }
        }
        return (items.isEmpty ? [[]] : items).map { item in
            Holding(
                key: Self.key, position: position, claim: .hangzhou("C\(position)"), holder: holder, group: group,
                item: item, amount: capacity == 0 ? 0 : Int64(numbers.number(below: 100)), capacity: capacity,
                interval: interval)
        }
    }

    @Test("running totals agree with a recount after every taking and release", arguments: UInt64(1)...40)
    func agreesWithRecount(seed: UInt64) {
        var numbers = SeededGenerator(seed: seed)
        var occupancy = Occupancy()
        var list: [Holding] = []
        for step in 1...60 {
            if numbers.once(in: 3), let position = list.isEmpty ? nil : numbers.pick(list).position {
                occupancy.release(position: position)
                list.removeAll { $0.position == position }
            } else {
                let taken = candidate(position: Int64(step), &numbers)
                for holding in taken { occupancy.take(holding) }
                list += taken
            }
            let candidates = (0..<4).map { _ in candidate(position: 1_000, &numbers) }

            #expect(Answers(of: occupancy, about: candidates) == Answers(of: list, about: candidates))
        }
    }

    @Test("claims loaded in any order stand in the order of their positions", arguments: UInt64(1)...10)
    func loadedInAnyOrder(seed: UInt64) {
        var numbers = SeededGenerator(seed: seed)
        var list = (1...12).map { candidate(position: $0, &numbers) }
        let candidates = (0..<4).map { _ in candidate(position: 1_000, &numbers) }
        let expected = Answers(of: list.flatMap(\.self), about: candidates)

        var occupancy = Occupancy()
        while !list.isEmpty {
            for holding in list.remove(at: numbers.number(below: list.count)) { occupancy.take(holding) }
        }

        #expect(Answers(of: occupancy, about: candidates) == expected)
    }

    @Test("an occupancy that everything was released from is like a new one")
    func emptied() {
        var numbers = SeededGenerator(seed: 1)
        var occupancy = Occupancy()
        for position in Int64(1)...5 {
            for holding in candidate(position: position, &numbers) { occupancy.take(holding) }
        }

        for position in Int64(1)...5 { occupancy.release(position: position) }

        #expect(occupancy == Occupancy())
    }
}
