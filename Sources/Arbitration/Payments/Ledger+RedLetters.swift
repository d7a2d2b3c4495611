import VoucherDomain

/// Red letters by their invoice, under whichever of its names they were told.
extension Ledger {
    /// Every red letter on an invoice, under whichever of its names.
    func redLetters(of invoice: InvoiceNumber) -> RedLetters {
        guard !redLetters.isEmpty else { return RedLetters() }
        // In the order of the names: where two cities tell one letter with different amounts, the last name counts.
        return names(linkedTo: invoice.names.map(Key.invoice)).sorted().reduce(into: RedLetters()) { all, key in
            for (number, told) in redLetters[key]?.letters ?? [:] {
                for city in told.cities { all.take(number, told.amount, by: city, isApplied: told.isApplied) }
            }
        }
    }

    /// The red letters that are told by one of these cities and not applied, once the city has told this one: by the
    /// key under which each is kept.
    func unappliedLetters(
        with letter: RedLetter, by city: CityCode, believing cities: Set<CityCode>
    ) -> [Key: Set<String>] {
        let own = letter.invoice.names.map(Key.invoice)
        var found: [Key: Set<String>] = [:]
        for key in names(linkedTo: own) {
            var letters = redLetters[key] ?? RedLetters()
            if own.contains(key) { letters.take(letter.number.primary.canonical, letter.amount, by: city) }
            let numbers = letters.unapplied(believing: cities)
            if !numbers.isEmpty { found[key] = numbers }
        }
        return found
    }
}
