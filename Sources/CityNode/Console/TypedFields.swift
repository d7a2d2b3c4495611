import VoucherDomain
import WebConsole

/// Reads what was typed into a form, field by field, and notes what is wrong with each.
struct TypedFields {
    let form: ConsoleForm
    /// In the page's language, by field.
    private(set) var faults: [String: String] = [:]
    /// What is wrong with all of it together; `nil` while nothing is.
    var fault: String?

    /// A phrase by its key, and a message of the domain, in the page's language.
    private let word: (String) -> String
    private let said: (String) -> String

    init(_ form: ConsoleForm, word: @escaping (String) -> String, said: @escaping (String) -> String) {
        self.form = form
        self.word = word
        self.said = said
    }

    /// - Parameter key: The phrase that tells of a field which is not given.
    /// - Returns: One line of 1 to `limit` characters; `nil` for anything else.
    mutating func line(_ name: String, atMost limit: Int, missing key: String = "expectText") -> String? {
        guard let text = form.line(name) else { return note(name, word(key)) }
        if let fault = Claim.textFault(word("field_\(name)"), text, atMost: limit) { return note(name, said(fault)) }
        return text
    }

    /// - Returns: An amount above zero, written with two decimals.
    mutating func amount(_ name: String) -> Money? {
        guard let amount = form.line(name).flatMap({ Money(yuan: $0) }), amount > .zero else {
            return note(name, word("expectAmount"))
        }
        return amount
    }

    mutating func day(_ name: String) -> CalendarDate? {
        guard let day = form.line(name).flatMap({ CalendarDate($0) }) else { return note(name, word("expectDay")) }
        return day
    }

    mutating func invoice(_ name: String) -> InvoiceNumber? {
        guard let text = form.line(name) else { return note(name, word("expectText")) }
        do throws(InvoiceNumber.Fault) { return try InvoiceNumber(text) } catch {
            return note(name, said(error.message))
        }
    }

    /// One of several values, by its name.
    mutating func choice<Value>(_ name: String, of values: [String: Value]) -> Value? {
        guard let value = form.line(name).flatMap({ values[$0] }) else { return note(name, word("expectChoice")) }
        return value
    }

    private mutating func note<Value>(_ name: String, _ fault: String) -> Value? {
        faults[name] = fault
        return nil
    }
}
