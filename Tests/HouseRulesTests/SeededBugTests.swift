import Foundation
import Testing

@Suite("Seeded bugs in the sources")
struct SeededBugTests {
    /// The defects by their names in Swift.
    private static var names: [String] {
        get throws {
            let files = try SourceTree.swiftFiles(in: "Sources/SeededBugs")
            let catalogue = try #require(files.first { $0.path.hasSuffix("/SeededBug.swift") })
            return catalogue.text.split(separator: "\n").compactMap { line in
                let words = line.split(separator: " ")
                guard words.count == 4, words[0] == "case", words[2] == "=" else { return nil }
                return String(words[1])
            }
        }
    }

    @Test("each takes one counter-measure away, in one place of the product")
    func placedOnce() throws {
        let folders = ["Arbitration", "CityStore", "FederationWire", "Replication"]
        let product = try folders.flatMap { try SourceTree.swiftFiles(in: "Sources/\($0)") }
        let text = product.map(\.text).joined(separator: "\n")
        let names = try Self.names

        #expect(names.count >= 40)
        for name in names {
            #expect(text.components(separatedBy: "SeededBug.\(name).isActive").count == 2, "\(name)")
        }
    }

    @Test("nothing but the core and the city's store knows of them, and they know of nothing")
    func contained() throws {
        let allowed: Set = ["Arbitration", "CityStore", "FederationWire", "Laboratory", "Replication", "SeededBugs"]
        let folders = try FileManager.default.contentsOfDirectory(
            atPath: SourceTree.root.appendingPathComponent("Sources").path)
        for folder in folders where !allowed.contains(folder) {
            for file in try SourceTree.swiftFiles(in: "Sources/\(folder)") {
                #expect(!SourceTree.imports(file.text).contains("SeededBugs"), "\(file.path)")
            }
        }
        for file in try SourceTree.swiftFiles(in: "Sources/SeededBugs") {
            // Foundation, for the environment, in the builds that have the defects in them.
            let foreign = SourceTree.imports(file.text).filter { $0 != "Foundation" }
            #expect(foreign == [], "\(file.path)")
            #expect(!file.text.contains("import") || file.text.hasPrefix("#if SeededBugs\n"), "\(file.path)")
        }
    }
}
