/// Bytes that are no message of this protocol, or one that breaks a bound.
package struct WireFault: Error, Hashable, Sendable {
    package let message: String

    package init(_ message: String) { self.message = message }
}
