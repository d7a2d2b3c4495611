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
        /// Whether the claims on the invoice have answered for it: one of its cities was believed when it, or another
        /// letter on the invoice, was decided. It counts from then on, whoever of these cities still has a claim.
        package fileprivate(set) var isApplied = false
    }

    /// By the canonical name of the red-letter invoice.
    package private(set) var letters: [String: Told] = [:]

    package init() {}

    /// Another amount than before replaces what was told, but for a letter that is applied.
    package mutating func take(_ number: String, _ amount: Money, by city: CityCode, isApplied: Bool = false) {
        if let told = letters[number], told.amount != amount {
            if told.isApplied, !isApplied { return }
            letters[number] = nil
        }
        letters[number, default: Told(amount: amount, cities: [])].cities.insert(city)
        if isApplied { letters[number]?.isApplied = true }
    }

    /// The claims have answered for these.
    mutating func apply(_ numbers: Set<String>) {
        for number in numbers { letters[number]?.isApplied = true }
    }

    /// What the claims have not answered for and one of these cities has told.
    func unapplied(believing cities: Set<CityCode>) -> Set<String> {
        Set(letters.filter { !$0.value.isApplied && !$0.value.cities.isDisjoint(with: cities) }.keys)
    }

    /// What is taken back by letters that are applied, or by the word of these cities, in fen: of an invoice that it
    /// has no part in, no city is believed. Never passes 64 bits: each amount is within ``Money/maximum``.
    func total(believing cities: Set<CityCode>) -> Int64 {
        letters.values.filter { $0.isApplied || !$0.cities.isDisjoint(with: cities) }
            .reduce(0) { $0 + $1.amount.rawValue }
    }
}
