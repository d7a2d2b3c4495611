import SeededBugs
import Simulation
import Testing

@testable import Laboratory

@Suite("Seeded bugs")
struct SeededBugTests {
    @Test("there are at least forty, for every trap at least one, and each detector has one to find")
    func catalogue() {
        #expect(SeededBug.allCases.count >= 40)
        #expect(Set(SeededBug.allCases.map(\.trap)) == Set(1...20))
        #expect(Set(SeededBug.allCases.map(\.detector)) == Set(Detector.allCases))
    }

    @Test("none is active unless the process was started with its name, in a build that has them")
    func inert() {
        #expect(SeededBug.allCases.filter(\.isActive) == [])
    }

    // Another process of the test bundle is no federation-lab: that detector is seen by the command alone.
    @Test("a detector finds nothing in the sound product", arguments: Detector.allCases.filter { $0 != .processes })
    func sound(detector: Detector) throws {
        let simulation = Simulation()
        for seed: UInt64 in 1...3 { #expect(try detector.finding(seed: seed, simulation) == nil, "seed \(seed)") }
    }
}
