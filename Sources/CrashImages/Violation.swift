/// What a recovered store has otherwise than was promised.
package struct Violation: Error, Hashable, Sendable, CustomStringConvertible {
    /// The invariant's number, or `recovery`.
    package let invariant: String
    package let text: String

    package var description: String { "\(invariant): \(text)" }

    /// What `body` throws, if it does.
    static func caught(_ body: () throws -> Void) -> Violation? {
        do {
            try body()
            return nil
        } catch let violation as Violation {
            return violation
        } catch {
            return Violation(invariant: "recovery", text: "\(error)")
        }
    }
}
