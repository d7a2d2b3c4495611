import Crypto

/// What happened, line by line in fixed columns (time in virtual milliseconds, node, event), and the digest over it.
///
/// Two runs of one seed must give the same digest, in whatever process, with whatever hash seed.
package struct Trace: Sendable {
    private var hash = SHA256()
    /// Empty unless lines are kept.
    package private(set) var lines: [String] = []
    private let keepsLines: Bool

    package init(keepsLines: Bool) { self.keepsLines = keepsLines }

    /// Adds a line.
    mutating func note(_ time: UInt64, _ node: NodeID, _ event: String) {
        let line = "\(Trace.column(String(time), 10, leading: true))  \(Trace.column(node.description, 9))  \(event)"
        hash.update(data: Array(line.utf8) + [10])
        if keepsLines { lines.append(line) }
    }

    /// 64 hexadecimal digits.
    package var digest: String {
        hash.finalize().map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }

    private static func column(_ text: String, _ width: Int, leading: Bool = false) -> String {
        let padding = String(repeating: " ", count: max(0, width - text.utf8.count))
        return leading ? padding + text : text + padding
    }
}
