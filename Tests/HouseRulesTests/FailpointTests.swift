import Failpoints
import Testing

@Suite("Failpoints")
struct FailpointTests {
    @Test("each is reached at one place, in its own program", arguments: Failpoint.allCases)
    func place(point: Failpoint) throws {
        let (own, others) =
            switch point.program {
            case .city: (["CityNode", "CityStore"], ["NationalRegistry", "RegistryStore"])
            case .registry: (["NationalRegistry", "RegistryStore"], ["CityNode", "CityStore"])
            }
        func count(_ targets: [String]) throws -> Int {
            try targets.flatMap { try SourceTree.swiftFiles(in: "Sources/\($0)") }
                .reduce(0) { $0 + $1.text.matches(of: try Regex("Failpoint\\.reach\\(\\.\(point)\\b")).count }
        }

        #expect(try count(own) == 1)
        #expect(try count(others) == 0)
    }

    @Test("no process dies that was not started to")
    func inert() {
        for point in Failpoint.allCases { Failpoint.reach(point) }

        #expect(Failpoint.armed == nil)
    }
}
