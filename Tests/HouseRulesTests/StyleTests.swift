import Foundation
import Testing

@Suite("House style")
struct StyleTests {
    @Test("no function is longer than 70 lines")
    func functionsAreShort() throws {
        for file in try SourceTree.swiftFiles(in: "Sources") {
            let lines = file.text.split(separator: "\n", omittingEmptySubsequences: false)
            for (index, line) in lines.enumerated() where line.contains("func ") || line.contains("init(") {
                let indent = line.prefix { $0 == " " }
                guard line.hasSuffix("{"), !line.trimmingCharacters(in: .whitespaces).hasPrefix("//") else { continue }
                let end = lines[(index + 1)...].firstIndex { $0 == indent + "}" } ?? index
                #expect(end - index <= 70, "\(file.path):\(index + 1)")
            }
        }
    }

    @Test("nothing is left for later in the sources, and nothing forced")
    func noLeftovers() throws {
        let banned = ["TO" + "DO", "FIX" + "ME", "try" + "!", " as" + "! ", "fatal" + "Error("]
        for file in try SourceTree.swiftFiles(in: "Sources") {
            for word in banned { #expect(!file.text.contains(word), "\(file.path) has \(word)") }
        }
    }

    @Test("every migration file is listed", arguments: ["city", "registry"])
    func migrationsAreListed(program: String) throws {
        let folder = SourceTree.root.appendingPathComponent("Schemas/\(program)")
        let files = try FileManager.default.contentsOfDirectory(
            atPath: folder.appendingPathComponent("Migrations").path)
        let schema = try #require(try SourceTree.swiftFiles(in: "Schemas/\(program)").first).text

        for file in files { #expect(schema.contains("\"\(file.dropLast(4))\""), "\(file) is not listed") }
    }

    @Test("executables are nothing but an entry point")
    func executablesAreThin() throws {
        for program in ["city-node", "national-registry", "federation-lab"] {
            let files = try SourceTree.swiftFiles(in: "Sources/\(program)")
            #expect(files.count == 1)
            #expect(files.allSatisfy { $0.text.split(separator: "\n").count <= 30 }, "\(program)")
        }
    }
}
