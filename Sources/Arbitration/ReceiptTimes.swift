/// When the registry received what it decided at a position: the earliest that somebody who knew of it can have written.
///
/// Facts of the journal and no state of its own: what is remembered does not make two ledgers differ. The whole one has
/// every position, a partial one those that its batch names.
package struct ReceiptTimes: Equatable, Sendable {
    private var times: [Int64: Int64] = [:]

    package init() {}

    /// Milliseconds since 1970; `nil` for a position that is not known.
    package subscript(position: Int64) -> Int64? {
        get { times[position] }
        set { times[position] = newValue }
    }

    package static func == (left: ReceiptTimes, right: ReceiptTimes) -> Bool { true }
}
