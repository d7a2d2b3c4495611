import Crypto

/// What happened, and the digest over it: time in virtual milliseconds, node, event.
///
/// Two runs of one seed must give the same digest, in whatever process, with whatever hash seed.
package struct Trace: Sendable {
    private var hash = SHA256()
    /// What is not hashed yet: many small pieces cost far more than a large one.
    private var pending: [UInt8] = []
    /// In fixed columns; empty unless lines are kept.
    package private(set) var lines: [String] = []
    private let keepsLines: Bool

    /// Bytes.
    private static let mostPending = 1 << 14

    package init(keepsLines: Bool) { self.keepsLines = keepsLines }

    /// Notes an event.
    mutating func note(_ time: UInt64, _ node: NodeID, _ event: String) {
        withUnsafeBytes(of: time.bigEndian) { pending.append(contentsOf: $0) }
        withUnsafeBytes(of: UInt64(node.rawValue).bigEndian) { pending.append(contentsOf: $0) }
        pending.append(contentsOf: event.utf8)
        pending.append(10)
        if pending.count >= Trace.mostPending {
            hash.update(data: pending)
            pending.removeAll(keepingCapacity: true)
        }
        guard keepsLines else { return }
        lines.append("\(Trace.column(String(time), 10, leading: true))  \(Trace.column(node.description, 9))  \(event)")
    }

    /// 64 hexadecimal digits.
    package var digest: String {
        var hash = hash
        hash.update(data: pending)
        return hash.finalize().map { byte in
            let text = String(byte, radix: 16)
            return text.count == 1 ? "0" + text : text
        }.joined()
    }

    private static func column(_ text: String, _ width: Int, leading: Bool = false) -> String {
        let padding = String(repeating: " ", count: max(0, width - text.utf8.count))
        return leading ? padding + text : text + padding
    }
}
