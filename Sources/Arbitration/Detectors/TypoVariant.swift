import VoucherDomain

/// D14: an invoice or contract number that differs from an earlier one by a slip: one edit or swap of neighbours, two
/// from nine characters up.
///
/// Same buyer and supplier always. For invoices the amount within 1 % or the date within seven days besides; for
/// contracts the very same amount, one edit, and that outside a trailing run of digits, because numbers in sequence are
/// no slips.
///
/// Does not fire on monthly invoices of one contract in one city, on a co-funding group, on invoices in sequence within
/// one city, or on numbers that only carry another year.
enum TypoVariant: Detector {
    // MARK: Blocking

    static func traces(of filing: Filing, _ rule: Rule, _ register: Register) -> [Trace] {
        filing.claim.invoices.flatMap { invoice in
            [byAmount(filing, Trace.amountClass(invoice.amount.rawValue))]
                + (invoice.issuedOn.map { [byWeek(filing, week($0.rawValue))] } ?? [])
        } + [byContractAmount(filing)]
    }

    static func lookups(of filing: Filing, _ rule: Rule, _ register: Register, own traces: [Trace]) -> [Trace] {
        let permille = rule.parameters?.withinPermille ?? 10
        let days = Int32(clamping: rule.parameters?.days ?? 7)
        return filing.claim.invoices.flatMap { invoice in
            let amount = invoice.amount.rawValue
            let lowest = amount - invoice.amount.scaled(by: permille, over: 1_000).rawValue - 1
            let highest = amount + invoice.amount.scaled(by: permille, over: 1_000 - permille).rawValue + 1
            let classes = Trace.amountClass(lowest)...Trace.amountClass(highest)
            let weeks = invoice.issuedOn.map { week($0.rawValue - days)...week($0.rawValue + days) }
            return classes.map { byAmount(filing, $0) } + (weeks.map { $0.map { byWeek(filing, $0) } } ?? [])
        } + [byContractAmount(filing)]
    }

    private static func byAmount(_ filing: Filing, _ amountClass: Int64) -> Trace {
        Trace(.invoiceByAmount, filing.pair + [String(amountClass)])
    }

    private static func byWeek(_ filing: Filing, _ week: Int32) -> Trace {
        Trace(.invoiceByWeek, filing.pair + [String(week)])
    }

    private static func byContractAmount(_ filing: Filing) -> Trace {
        Trace(.contractByAmount, filing.pair + [String(filing.claim.contractAmount.rawValue)])
    }

    private static func week(_ day: Int32) -> Int32 { (day >= 0 ? day : day - 6) / 7 }

    // MARK: Comparing

    static func matches(_ view: DetectorView) -> [DetectorMatch] {
        let neighbours = view.live.filter { $0.isSamePair(view.filing) && !$0.sharesGroup(view.filing) }
        return DetectorMatch.gathered(.similarInvoice, neighbours) { similarInvoice(view, $0) }
            + DetectorMatch.gathered(.similarContract, neighbours) { similarContract(view.filing, $0) }
    }

    private static func similarInvoice(_ view: DetectorView, _ neighbour: Filing) -> [FieldMatch]? {
        let filing = view.filing
        let isOneCity = filing.name.city == neighbour.name.city
        if isOneCity, filing.contract.utf8.elementsEqual(neighbour.contract.utf8) { return nil }
        for own in filing.claim.invoices {
            for other in neighbour.claim.invoices {
                let closeness = closeness(own, other, view.parameters)
                guard !closeness.isEmpty else { continue }
                for name in own.number.names {
                    for otherName in other.number.names where name.isDigital == otherName.isDigital {
                        let numbers = (Array(name.digits.utf8), Array(otherName.digits.utf8))
                        guard isSlip(numbers.0, numbers.1, atMost: view.parameters.edits ?? 2),
                            !(isOneCity && isSequence(numbers.0, numbers.1)),
                            !(filing.year != neighbour.year && isSequence(name.withoutYear, otherName.withoutYear))
                        else { continue }
                        return [.init(.enterprise, .same), .init(.provider, .same), .init(.invoice, .near)] + closeness
                    }
                }
            }
        }
        return nil
    }

    /// What besides the number brings two invoices together; empty when nothing does.
    private static func closeness(
        _ own: Claim.Invoice, _ other: Claim.Invoice, _ parameters: Rule.Parameters
    ) -> [FieldMatch] {
        var found: [FieldMatch] = []
        let difference = abs(own.amount.rawValue - other.amount.rawValue)
        let allowed = max(own.amount, other.amount).scaled(by: parameters.withinPermille ?? 10, over: 1_000).rawValue
        if difference <= allowed { found.append(.init(.invoiceAmount, difference == 0 ? .same : .near)) }
        if let date = own.issuedOn, let otherDate = other.issuedOn {
            let days = abs(Int64(date.rawValue) - Int64(otherDate.rawValue))
            if days <= parameters.days ?? 7 { found.append(.init(.invoiceDate, days == 0 ? .same : .near)) }
        }
        return found
    }

    /// One edit or swap, or as many as allowed from nine characters up; the same number is no slip.
    private static func isSlip(_ left: [UInt8], _ right: [UInt8], atMost edits: Int64) -> Bool {
        let limit = min(left.count, right.count) >= 9 ? Int(clamping: edits) : 1
        return left != right && EditDistance.between(left, right, atMost: limit) != nil
    }

    /// Whether only the last two digits differ: what a supplier issues one after the other.
    private static func isSequence(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        left.count == right.count && left.dropLast(2) == right.dropLast(2)
    }

    private static func similarContract(_ filing: Filing, _ neighbour: Filing) -> [FieldMatch]? {
        guard filing.claim.contractAmount == neighbour.claim.contractAmount, filing.year == neighbour.year else {
            return nil
        }
        let (own, other) = (parts(filing.claim.contract), parts(neighbour.claim.contract))
        guard own.digits == other.digits, own.head != other.head,
            EditDistance.between(own.head, other.head, atMost: 1) != nil
        else { return nil }
        return [
            .init(.enterprise, .same), .init(.provider, .same), .init(.contract, .near), .init(.contractAmount, .same),
        ]
    }

    /// A contract number without its trailing run of digits, and that run.
    private static func parts(_ contract: ContractNumber) -> (head: [Unicode.Scalar], digits: [Unicode.Scalar]) {
        let scalars = Array(contract.rawValue.unicodeScalars)
        let digits = Array(scalars.reversed().prefix { ("0"..."9").contains($0) }.reversed())
        return (Array(scalars.dropLast(digits.count)), digits)
    }

    static func fault(_ parameters: Rule.Parameters) -> String? {
        guard (1...500).contains(parameters.withinPermille ?? 10) else { return "within_permille is 1 to 500" }
        guard (0...60).contains(parameters.days ?? 7) else { return "days is 0 to 60" }
        guard (1...3).contains(parameters.edits ?? 2) else { return "edits is 1 to 3" }
        return nil
    }
}

extension InvoiceNumber.Name {
    /// The digits without the two of the year: the first two of a 20-digit number; in an older code after the region,
    /// of four digits in a code of ten and of five in one of twelve.
    fileprivate var withoutYear: [UInt8] {
        var digits = Array(digits.utf8)
        let place =
            switch self {
            case .digital: 0
            case .paper(let code, _): code.utf8.count == 12 ? 5 : 4
            }
        digits.removeSubrange(place..<place + 2)
        return digits
    }
}
