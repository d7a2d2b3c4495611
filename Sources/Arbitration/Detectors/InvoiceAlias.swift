import VoucherDomain

/// D03: one invoice under its 20-digit name here and as code and number there.
///
/// Same buyer, supplier and amount, the last eight digits alike, and the dates too where both are given. When a claim
/// declares both names, the rule on the invoice's key finds it instead. Does not fire on two invoices that are written
/// in the same form, within a declared co-funding group, or on the renewal in another programme year.
enum InvoiceAlias: Detector {
    static func traces(of filing: Filing, _ rule: Rule, _ register: Register) -> [Trace] {
        filing.claim.invoices.flatMap { invoice in
            invoice.number.names.map { trace(filing, invoice, isDigital: $0.isDigital, tail: $0.tail) }
        }
    }

    static func lookups(of filing: Filing, _ rule: Rule, _ register: Register, own traces: [Trace]) -> [Trace] {
        filing.claim.invoices.filter { $0.number.alias == nil }.map { invoice in
            trace(filing, invoice, isDigital: !invoice.number.primary.isDigital, tail: invoice.number.primary.tail)
        }
    }

    private static func trace(
        _ filing: Filing, _ invoice: Claim.Invoice, isDigital: Bool, tail: Substring
    ) -> Trace {
        Trace(
            .alias, filing.pair + [String(invoice.amount.rawValue), String(tail), isDigital ? "E" : "P"])
    }

    static func matches(_ view: DetectorView) -> [DetectorMatch] {
        DetectorMatch.gathered(.invoiceAlias, view.live.filter(view.filing.isSamePair)) { neighbour in
            guard !neighbour.sharesGroup(view.filing), neighbour.year == view.filing.year else { return nil }
            for own in view.filing.claim.invoices {
                for other in neighbour.claim.invoices where isAlias(own, other) {
                    let date: [FieldMatch] =
                        own.issuedOn == nil || other.issuedOn == nil ? [] : [.init(.invoiceDate, .same)]
                    return [
                        .init(.enterprise, .same), .init(.provider, .same), .init(.invoiceAmount, .same),
                        .init(.invoice, .near),
                    ] + date
                }
            }
            return nil
        }
    }

    private static func isAlias(_ own: Claim.Invoice, _ other: Claim.Invoice) -> Bool {
        guard own.amount == other.amount, own.number.alias == nil, other.number.alias == nil else { return false }
        if let date = own.issuedOn, let otherDate = other.issuedOn, date != otherDate { return false }
        return own.number.primary.isDigital != other.number.primary.isDigital
            && own.number.primary.tail == other.number.primary.tail
    }

    static func fault(_ parameters: Rule.Parameters) -> String? { nil }
}

extension InvoiceNumber.Name {
    var isDigital: Bool { if case .digital = self { true } else { false } }

    /// The digits as one text.
    var digits: String {
        switch self {
        case .digital(let digits): digits
        case .paper(let code, let number): code + number
        }
    }

    /// The last eight digits.
    fileprivate var tail: Substring { digits.suffix(8) }
}
