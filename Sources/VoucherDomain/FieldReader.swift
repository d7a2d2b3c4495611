/// Something wrong with one field of a row, in words for the officer who typed it.
package struct FieldProblem: Error, Hashable, Sendable {
    /// The column's name in the exchanged CSV.
    package let column: String
    package let message: String

    package init(column: String, message: String) {
        self.column = column
        self.message = message
    }
}

/// A field that was read differently from how it was typed.
package struct FieldRepair: Hashable, Sendable {
    package let column: String
    package let typed: String
    package let read: String

    package init(column: String, typed: String, read: String) {
        self.column = column
        self.typed = typed
        self.read = read
    }
}

/// Reads the named text fields of one row, gathering every problem instead of stopping at the first.
struct FieldReader {
    private let fields: [String: String]
    private(set) var problems: [FieldProblem] = []
    private(set) var repairs: [FieldRepair] = []

    /// - Parameter fields: Text by column name; an empty or missing text means "not given".
    init(fields: [String: String]) { self.fields = fields }

    mutating func note(_ column: String, _ message: String) {
        problems.append(FieldProblem(column: column, message: message))
    }

    /// The trimmed text, or `nil` when not given. Control characters and over-long texts are problems.
    mutating func text(_ column: String, atMost limit: Int = 200) -> String? {
        guard let typed = fields[column] else { return nil }
        let text = Normaliser.trimmed(typed)
        guard !text.isEmpty else { return nil }
        guard text.unicodeScalars.count <= limit else {
            note(column, "longer than \(limit) characters")
            return nil
        }
        guard text.unicodeScalars.allSatisfy({ $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }) else {
            note(column, "contains a control character")
            return nil
        }
        return text
    }

    /// A value read by `parse`; a required one that is missing, or one that does not parse, is a problem.
    mutating func value<T>(
        _ column: String, required: Bool, expecting form: String, atMost limit: Int = 200, _ parse: (String) -> T?
    ) -> T? {
        let before = problems.count
        guard let text = text(column, atMost: limit) else {
            if required, problems.count == before { note(column, "is required: \(form)") }
            return nil
        }
        guard let value = parse(text) else {
            note(column, "expected \(form)")
            return nil
        }
        return value
    }

    /// A free identifier in normal form, at most 64 characters before and after folding; empty when not given.
    mutating func folded(_ column: String, _ fold: (String) -> String) -> String {
        let folded = fold(text(column, atMost: 64) ?? "")
        guard folded.unicodeScalars.count <= 64 else {
            note(column, "longer than 64 characters once its compatibility forms are written out")
            return ""
        }
        return folded
    }

    mutating func creditCode(_ column: String) -> CreditCode? {
        let before = problems.count
        guard let text = text(column) else {
            if problems.count == before { note(column, "is required: a unified social credit code of 18 characters") }
            return nil
        }
        switch CreditCode.parse(text) {
        case .success(let parsed):
            if parsed.isRepaired { repairs.append(.init(column: column, typed: text, read: parsed.code.rawValue)) }
            return parsed.code
        case .failure(let fault):
            note(column, fault.rawValue)
            return nil
        }
    }

    /// A positive amount of yuan with two decimals.
    mutating func money(_ column: String) -> Money? {
        let amount = value(column, required: true, expecting: Self.moneyForm, Money.init(yuan:))
        guard let amount else { return nil }
        guard amount > .zero else {
            note(column, "must be more than zero")
            return nil
        }
        return amount
    }

    mutating func date(_ column: String, required: Bool) -> CalendarDate? {
        value(column, required: required, expecting: "a date written YYYY-MM-DD", CalendarDate.init(_:))
    }

    /// A half-open interval from two columns, the first before the second.
    mutating func interval(_ fromColumn: String, _ untilColumn: String) -> DayInterval? {
        let from = date(fromColumn, required: true)
        let until = date(untilColumn, required: true)
        guard let from, let until else { return nil }
        guard let interval = DayInterval(from: from, until: until) else {
            note(untilColumn, "must be after \(fromColumn) (\(from.iso8601)); the day itself is not included")
            return nil
        }
        return interval
    }

    static let moneyForm = "yuan with exactly two decimals, such as 52443.40, at most \(Money.maximum.yuan)"
}
