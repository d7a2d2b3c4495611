package import VoucherDomain

/// A reversal of an invoice, or of a part of it, by a red-letter invoice.
package struct RedLetter: Hashable, Sendable {
    /// The invoice that is reversed.
    package let invoice: InvoiceNumber
    /// The red-letter invoice's own number.
    package let number: InvoiceNumber
    /// What is taken back, above zero.
    package let amount: Money
    package let issuedOn: CalendarDate

    package init(invoice: InvoiceNumber, number: InvoiceNumber, amount: Money, issuedOn: CalendarDate) {
        self.invoice = invoice
        self.number = number
        self.amount = amount
        self.issuedOn = issuedOn
    }
}

/// All red letters under one name of an invoice, each once.
package struct RedLetters: Hashable, Sendable {
    /// By the canonical name of the red-letter invoice.
    package private(set) var amounts: [String: Money] = [:]

    package init() {}

    package mutating func take(_ number: String, _ amount: Money) { amounts[number] = amount }

    /// Never passes 64 bits: each amount is within ``Money/maximum``.
    var total: Int64 { amounts.values.reduce(0) { $0 + $1.rawValue } }
}
