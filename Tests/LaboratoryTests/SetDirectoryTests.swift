import Foundation
import TestSupport
import Testing

@testable import Laboratory

@Suite("The directory of a generated set")
struct SetDirectoryTests {
    private let generator = SetGenerator(seed: 1, claims: 100)

    @Test("a directory that is not there is refused and not made")
    func missing() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/not-there"

        #expect(throws: Sample.Failure.self) { try generator.write(into: path) }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("a file that cannot be written is named")
    func blockedFile() throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/providers.csv"
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)

        let failure = try #require(throws: Sample.Failure.self) { try generator.write(into: directory.path) }

        #expect(failure.message.hasPrefix("cannot write \(path)"))
    }

    @Test("a set over another one replaces its files, and leaves what it does not write")
    func notEmpty() throws {
        let directory = try TemporaryDirectory()
        _ = try SetGenerator(seed: 2, claims: 300).write(into: directory.path)
        let note = Data("keep".utf8)
        try note.write(to: URL(filePath: "\(directory.path)/note.txt"))

        _ = try generator.write(into: directory.path)

        var expected = try GeneratedSet(seed: 1, claims: 100).files()
        expected["note.txt"] = note
        #expect(try GeneratedSet.files(below: directory.path) == expected)
    }

    @Test("progress grows and ends with all claims")
    func progress() throws {
        let directory = try TemporaryDirectory()
        var reported: [Int] = []

        _ = try generator.write(into: directory.path) { reported.append($0) }

        #expect(reported == reported.sorted())
        #expect(reported.last == 100)
    }
}
