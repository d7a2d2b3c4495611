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

/// All red letters under one name of an invoice, each once, with the cities that told them.
package struct RedLetters: Hashable, Sendable {
    package struct Told: Hashable, Sendable {
        package let amount: Money
        package fileprivate(set) var cities: Set<CityCode>
    }

    /// By the canonical name of the red-letter invoice.
    package private(set) var letters: [String: Told] = [:]

    package init() {}

    /// Another amount than before replaces what was told.
    package mutating func take(_ number: String, _ amount: Money, by city: CityCode) {
        if letters[number]?.amount != amount { letters[number] = Told(amount: amount, cities: []) }
        letters[number]?.cities.insert(city)
    }

    /// What is taken back by the word of these cities, in fen: of an invoice that it has no part in, no city is believed.
    /// Never passes 64 bits: each amount is within ``Money/maximum``.
    func total(believing cities: Set<CityCode>) -> Int64 {
        letters.values.filter { !$0.cities.isDisjoint(with: cities) }.reduce(0) { $0 + $1.amount.rawValue }
    }
}
