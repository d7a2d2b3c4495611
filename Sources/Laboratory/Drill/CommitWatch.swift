import Foundation

/// Reads what a client of PostgreSQL sends on one connection, and notices its COMMITs.
///
/// Each message but the first is a letter, four bytes of length (themselves included) and that much; the first has no
/// letter (PostgreSQL, "Message Formats"). A statement is prepared under a name and run by that name from then on.
struct CommitWatch {
    /// What a transaction writes.
    enum Kind: String, CaseIterable, Hashable, Sendable {
        /// Entries of the feed.
        case decision
        /// Entries of a log.
        case batch
    }

    /// A whole message, and what it commits.
    struct Message {
        let bytes: Data
        /// Of a message that runs COMMIT.
        let commits: Set<Kind>?
        /// Whether the server answers all that was sent by now.
        let isSync: Bool
    }

    private var buffer = Data()
    private var isStarted = false
    private var statements: [String: String] = [:]
    private var written: Set<Kind> = []

    /// Takes bytes as they come.
    ///
    /// - Returns: The messages that are complete now.
    mutating func take(_ bytes: Data) -> [Message] {
        buffer += bytes
        var messages: [Message] = []
        while let message = next() { messages.append(message) }
        return messages
    }

    private mutating func next() -> Message? {
        let prefix = isStarted ? 1 : 0
        guard buffer.count >= prefix + 4 else { return nil }
        let start = buffer.startIndex
        let length = buffer[(start + prefix)..<(start + prefix + 4)].reduce(0) { $0 << 8 | Int($1) }
        guard buffer.count >= prefix + length else { return nil }
        let bytes = Data(buffer.prefix(prefix + length))
        buffer = Data(buffer.dropFirst(prefix + length))
        guard isStarted else {
            isStarted = true
            return Message(bytes: bytes, commits: nil, isSync: false)
        }
        return read(bytes)
    }

    private mutating func read(_ bytes: Data) -> Message {
        let body = bytes.dropFirst(5)
        var sql: String?
        switch bytes.first {
        case UInt8(ascii: "P"):
            let texts = CommitWatch.texts(body)
            statements[texts[0]] = texts[1]
        case UInt8(ascii: "B"): sql = statements[CommitWatch.texts(body)[1]]
        case UInt8(ascii: "Q"): sql = CommitWatch.texts(body)[0]
        default: break
        }
        var commits: Set<Kind>?
        switch sql {
        case "COMMIT": commits = written
        case let sql? where sql.hasPrefix("BEGIN"): written = []
        case let sql?:
            if sql.contains("COPY feed ") || sql.contains("INTO feed ") { written.insert(.decision) }
            if sql.contains("INTO batch ") { written.insert(.batch) }
        case nil: break
        }
        return Message(bytes: bytes, commits: commits, isSync: bytes.first == UInt8(ascii: "S"))
    }

    /// The first two texts, each ended by a zero byte; empty where there is none.
    private static func texts(_ body: Data) -> [String] {
        let parts = body.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
        return (0..<2).map { $0 < parts.count ? String(decoding: parts[$0], as: UTF8.self) : "" }
    }
}
