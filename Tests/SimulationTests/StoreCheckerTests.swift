import Arbitration
import Replication
import Simulation
import Testing
import VoucherDomain

/// The checkers of what a node's processes find and ask for, each shown a history that is wrong in one place.
@Suite("Checkers of stores")
struct StoreCheckerTests {
    private typealias Sample = BrokenHistory

    private func store(
        of city: CityCode = BrokenHistory.city, at position: UInt64, _ states: [String: String] = [:], index: UInt8 = 7
    ) -> StoreFact {
        StoreFact(
            city: city, feedPosition: position,
            feedHash: position == 0 ? .zero : Sample.digest(UInt8(200 + position)), states: states,
            indexDigest: Sample.digest(index))
    }

    /// How many faults there are when processes find these stores in a federation where C1 is reserved at position 1,
    /// and withdrawn at 2.
    private func faults(_ stores: StoreFact...) -> Int {
        let name = Sample.claim("C1").name
        var sample = Sample()
        sample.decide(Sample.entry(1), .filed(Sample.claim("C1")), .reserved)
        sample.decide(Sample.entry(2), .withdrew(name), .withdrawn, effects: [name: .withdrawn])
        for (index, store) in stores.enumerated() { sample.add(.started(store), at: NodeID(rawValue: index + 1)) }
        return Checker.cursorAndEffectAgree.check(sample.history).count
    }

    @Test("I12: a store whose claims stand as the feed says up to its cursor is sound")
    func soundStore() {
        #expect(faults(store(at: 0, ["C1": "received", "C2": "recorded", "C3": "invalid"])) == 0)
        #expect(faults(store(at: 1, ["C1": "reserved", "C2": "recorded"])) == 0)
        #expect(faults(store(at: 2, ["C1": "withdrawn"])) == 0)
        #expect(faults(store(of: Sample.other, at: 2)) == 0)
    }

    @Test("I12: a cursor without its effect is found, and an effect without its cursor")
    func halfApplied() {
        #expect(faults(store(at: 1, ["C1": "received"])) == 1)
        #expect(faults(store(at: 2, ["C1": "reserved"])) == 1)
        #expect(faults(store(at: 2)) == 1)
        #expect(faults(store(at: 0, ["C1": "reserved"])) == 1)
        #expect(faults(store(at: 1, ["C1": "withdrawn"])) == 1)
    }

    @Test("I12: a store with another key index than one at the same place of the feed is found")
    func otherIndex() {
        let (first, second) = (store(of: Sample.other, at: 1), store(of: Sample.other, at: 1, index: 8))

        #expect(faults(first, first) == 0)
        #expect(faults(first, store(of: Sample.other, at: 2, index: 8)) == 0)
        #expect(faults(first, second) == 1)
    }

    @Test("I16: a second request of one flow beside the first is found, unless its process has ended")
    func requests() {
        func faults(_ events: [History.Event]) -> Int {
            var sample = Sample()
            for event in events { sample.add(event) }
            return Checker.requestsAreBounded.check(sample.history).count
        }

        #expect(faults([.asked(.hello), .answered(.hello), .asked(.push), .asked(.feed)]) == 0)
        #expect(faults([.asked(.push), .answered(.push), .asked(.push)]) == 0)
        #expect(faults([.asked(.push), .started(store(at: 0)), .asked(.push)]) == 0)
        #expect(faults([.asked(.push), .asked(.push)]) == 1)
        #expect(faults([.asked(.feed), .answered(.push), .asked(.feed)]) == 1)
        var others = Sample()
        for number in 1...2 { others.add(.asked(.push), at: NodeID(rawValue: number)) }
        #expect(Checker.requestsAreBounded.check(others.history) == [])
    }
}
