import Foundation
import Testing

@testable import Laboratory

@Suite("What a relay sees of COMMITs")
struct CommitWatchTests {
    private static func message(_ letter: Character?, _ texts: String...) -> Data {
        let body = texts.reduce(into: Data()) { $0 += Data($1.utf8) + [0] }
        let length = UInt32(body.count + 4).bigEndian
        return Data(letter.map { [$0.asciiValue ?? 0] } ?? []) + withUnsafeBytes(of: length) { Data($0) } + body
    }

    /// A connection that prepares BEGIN, an INSERT into the feed and COMMIT, and runs them twice; a COPY is in the second.
    private static let conversation =
        message(nil, "user", "postgres")
        + message("P", "s0", "BEGIN") + message("B", "", "s0")
        + message("P", "s1", "INSERT INTO feed (position) VALUES ($1)") + message("B", "", "s1")
        + message("P", "s2", "COMMIT") + message("B", "", "s2") + message("S")
        + message("B", "", "s0") + message("Q", "COPY feed (position) FROM STDIN (FORMAT binary)")
        + message("B", "", "s2") + message("S") + message("B", "", "s0") + message("B", "", "s2") + message("S")

    @Test("messages come out as they went in, and each COMMIT with what it commits", arguments: [1, 7, 10_000])
    func commits(pieceSize: Int) {
        var watch = CommitWatch()
        var messages: [CommitWatch.Message] = []
        var rest = Self.conversation
        while !rest.isEmpty {
            messages += watch.take(Data(rest.prefix(pieceSize)))
            rest = Data(rest.dropFirst(pieceSize))
        }

        #expect(messages.reduce(into: Data()) { $0 += $1.bytes } == Self.conversation)
        #expect(messages.compactMap(\.commits) == [[.decision], [.decision], []])
        #expect(messages.count(where: \.isSync) == 3)
    }
}
