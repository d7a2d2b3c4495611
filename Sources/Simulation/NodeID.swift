/// One machine of the simulated federation.
package struct NodeID: RawRepresentable, Hashable, Comparable, Sendable, CustomStringConvertible {
    package let rawValue: Int

    package init(rawValue: Int) { self.rawValue = rawValue }

    /// The registry; city nodes follow from 1.
    package static let registry = NodeID(rawValue: 0)

    package static func < (left: NodeID, right: NodeID) -> Bool { left.rawValue < right.rawValue }

    /// `registry` or `node-3`.
    package var description: String { self == .registry ? "registry" : "node-\(rawValue)" }
}
