import Foundation

/// The messages of `federation.proto` and their fields, as the file itself lists them.
struct ProtoFile {
    /// The names of each message's fields in JSON, by the message's name.
    private(set) var messages: [String: Set<String>] = [:]

    init() throws {
        let text = try String(
            contentsOf: DefaultPolicy.repository("Schemas/protocol/federation.proto"), encoding: .utf8)
        var message = ""
        for line in text.split(separator: "\n") {
            let words = line.split { " {".contains($0) }
            if words.first == "message", words.count > 1 {
                message = String(words[1])
                messages[message] = []
            } else if let equals = words.firstIndex(of: "="), equals > 1, line.hasPrefix("  "), words[0] != "//" {
                messages[message]?.insert(ProtoFile.jsonName(words[equals - 1]))
            }
        }
    }

    /// `log_head` is `logHead` in JSON.
    private static func jsonName(_ name: Substring) -> String {
        let parts = name.split(separator: "_")
        return parts.prefix(1).joined() + parts.dropFirst().map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
}
