/// A failure reported by PostgreSQL or by the connection to it.
package struct PostgresError: Error, Hashable, Sendable, CustomStringConvertible {
    /// A five-character SQLSTATE (PostgreSQL, appendix A).
    package struct Code: RawRepresentable, Hashable, Sendable {
        package let rawValue: String

        package init(rawValue: String) { self.rawValue = rawValue }

        /// The connection could not be made or broke; whether a COMMIT under way took effect is unknown.
        package static let connectionFailure = Code(rawValue: "08006")
        package static let uniqueViolation = Code(rawValue: "23505")
        package static let exclusionViolation = Code(rawValue: "23P01")
        package static let checkViolation = Code(rawValue: "23514")
        package static let diskFull = Code(rawValue: "53100")
        package static let serializationFailure = Code(rawValue: "40001")
        package static let queryCanceled = Code(rawValue: "57014")
        /// An answer that this client cannot read: another column count or type than asked for.
        package static let unexpectedResult = Code(rawValue: "XX900")
    }

    package let code: Code
    package let message: String
    /// The constraint that was violated, when one was.
    package let constraint: String?

    package init(code: Code, message: String, constraint: String? = nil) {
        self.code = code
        self.message = message
        self.constraint = constraint
    }

    /// The server is a standby, and what is asked for needs one that takes writes.
    package static let standby = PostgresError(
        code: .connectionFailure,
        message: "this PostgreSQL is a standby, which takes no writes: name the primary, or all of them with "
            + "target_session_attrs=read-write")

    /// Whether a standby gave the statement up because it had to apply what the primary did meanwhile: the same may be tried
    /// again. (By its text where a server has no code of its own for it.)
    package var isReplicaConflict: Bool {
        code == .serializationFailure || code == .queryCanceled && message.contains("conflict with recovery")
    }

    /// Whether the statement was interrupted: its time was over, or nobody waits for it any more.
    package var isInterruption: Bool { code == .queryCanceled && !isReplicaConflict }

    /// Whether the connection is unusable, so that the work may be tried again on a new one.
    package var isConnectionLoss: Bool {
        code.rawValue.hasPrefix("08") || ["57P01", "57P02", "57P03"].contains(code.rawValue)
    }

    /// Whether the statement's own data is at fault, so that the same again fails again: a value that cannot be stored,
    /// a constraint, a limit (SQLSTATE classes 22, 23 and 54).
    package var isDataFault: Bool { ["22", "23", "54"].contains(code.rawValue.prefix(2)) }

    package var description: String { "\(message) [\(code.rawValue)]" }
}
