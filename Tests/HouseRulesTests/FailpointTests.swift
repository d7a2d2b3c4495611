import Failpoints
import Testing

@Suite("Failpoints")
struct FailpointTests {
    /// A target of one of the programs, and its files that reach some failpoint.
    private struct Target {
        let name: String
        let files: [SourceTree.File]
    }
    private static let targets = Result { try readTargets() }

    private static func readTargets() throws -> [Target] {
        try ["CityNode", "CityStore", "NationalRegistry", "RegistryStore"].map { name in
            let files = try SourceTree.swiftFiles(in: "Sources/\(name)")
            return Target(name: name, files: files.filter { $0.text.contains("Failpoint.reach(") })
        }
    }

    @Test("each is reached at one place, in its own program", arguments: Failpoint.allCases)
    func place(point: Failpoint) throws {
        let (own, others) =
            switch point.program {
            case .city: (["CityNode", "CityStore"], ["NationalRegistry", "RegistryStore"])
            case .registry: (["NationalRegistry", "RegistryStore"], ["CityNode", "CityStore"])
            }
        let call = try Regex("Failpoint\\.reach\\(\\.\(point)\\b")
        func count(_ names: [String]) throws -> Int {
            try Self.targets.get().filter { names.contains($0.name) }.flatMap(\.files)
                .reduce(0) { $0 + $1.text.matches(of: call).count }
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
