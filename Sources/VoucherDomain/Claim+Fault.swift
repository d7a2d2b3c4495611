extension Claim {
    /// What a well-behaved node would never have filed, or `nil`: the registry's own check of a decoded claim.
    ///
    /// Identifiers with a type of their own were re-derived when that type was made; this checks the rest:
    /// amounts, counts, lengths, and that free identifiers are in normal form.
    package var fault: String? {
        if let fault = Claim.textFault("claim_no", number, atMost: 64) ?? textFaults { return fault }
        guard (1...Claim.maximumInvoices).contains(invoices.count) else {
            return "\(invoices.count) invoices, 1 to \(Claim.maximumInvoices) are allowed"
        }
        let amounts = invoices.map(\.amount)
        for amount in amounts + [claimed, contractAmount] where amount <= .zero || amount > .maximum {
            return "an amount of \(amount.yuan) yuan"
        }
        if amounts.total == nil { return "the invoices add up too high" }
        let names = invoices.flatMap(\.number.names)
        if Set(names).count != names.count { return "an invoice is named twice" }
        if let cardHours, !(0...1_000_000_000_000).contains(cardHours) { return "card_hours is out of bounds" }
        let dates =
            [service.from, service.until] + [contractSignedOn].compactMap { $0 } + invoices.compactMap(\.issuedOn)
        if dates.contains(where: { !(1900...2999).contains($0.year) }) {
            return "a date outside the years 1900 to 2999"
        }
        if let filedAt, StatedTime(filedAt.rfc3339) != filedAt { return "filed_at is outside the years 1900 to 2999" }
        if !usageProof.isEmpty, usageProof.count != 32 { return "usage_proof_sha256 has not 32 bytes" }
        return nil
    }

    private var textFaults: String? {
        let normal: [(column: String, text: String, normalise: (String) -> String)] = [
            ("bank_receipt_no", bankReceipt, Normaliser.code), ("resource_class", resourceClass, Normaliser.folded),
            ("cofunding_group", cofundingGroup, Normaliser.folded),
        ]
        for (column, text, normalise) in normal {
            // The length first: a text of a quarter of a megabyte is not worth normalising.
            if !text.isEmpty, let fault = Claim.textFault(column, text, atMost: 64) { return fault }
            if !text.utf8.elementsEqual(normalise(text).utf8) { return "\(column) is not in normal form" }
        }
        for (column, text) in [("enterprise_name", enterpriseName), ("provider_name", providerName)]
        where !text.isEmpty {
            if let fault = Claim.textFault(column, text, atMost: 200) { return fault }
        }
        if let fault = Claim.textFault("contract_no", contractText, atMost: 100) { return fault }
        return Claim.textFault("voucher_no", voucherNumber, atMost: 64)
    }

    /// What is wrong with a text of 1 to `limit` characters, or `nil`.
    package static func textFault(_ column: String, _ text: String, atMost limit: Int) -> String? {
        // A short ASCII text, as most are, is seen to be right without its code points being counted.
        let utf8 = text.utf8
        if (1...limit).contains(utf8.count), utf8.allSatisfy({ (0x20..<0x7F).contains($0) }) { return nil }
        guard (1...limit).contains(text.unicodeScalars.count) else {
            return "\(column) has not 1 to \(limit) characters"
        }
        let isClean = text.unicodeScalars.allSatisfy { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) }
        return isClean ? nil : "\(column) contains a control character"
    }
}
