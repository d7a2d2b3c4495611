/// A claim as text fields by CSV column name, not yet checked.
///
/// The same form is behind CSV import, the HTTP API and the command line: all pass ``validated()``.
package struct ClaimForm: Hashable, Sendable {
    /// Columns in the order of the exchanged file; `invoice_dates` is optional there.
    package static let columns = [
        "claim_no", "filed_at", "voucher_no", "enterprise_uscc", "enterprise_name", "provider_uscc",
        "provider_name", "contract_no", "contract_signed_on", "contract_amount_yuan", "service_from",
        "service_until", "resource_class", "card_hours", "invoice_numbers", "invoice_amounts_yuan", "claimed_yuan",
        "bank_receipt_no", "usage_proof_sha256", "cofunding_group", "invoice_dates",
    ]

    package let fields: [String: String]

    package init(fields: [String: String]) { self.fields = fields }

    /// The claim with identifiers normalised, or every problem found, each with its column.
    package func validated() -> Validated<Claim> {
        var reader = FieldReader(fields: fields)
        let number = reader.value("claim_no", required: true, expecting: "the city's claim number", atMost: 64) { $0 }
        let filedAt = reader.value(
            "filed_at", required: false, expecting: "a time such as 2026-06-02T18:24:46+08:00", StatedTime.init(_:))
        let voucherNumber = reader.value("voucher_no", required: true, expecting: "a voucher serial", atMost: 64) { $0 }
        let enterprise = reader.creditCode("enterprise_uscc")
        let enterpriseName = reader.text("enterprise_name") ?? ""
        let provider = reader.creditCode("provider_uscc")
        let providerName = reader.text("provider_name") ?? ""
        let contract = reader.value(
            "contract_no", required: true, expecting: "a contract number of 1 to 64 letters and digits", atMost: 100
        ) { text in ContractNumber(text).map { (text: text, number: $0) } }
        let signedOn = reader.date("contract_signed_on", required: false)
        let contractAmount = reader.money("contract_amount_yuan")
        let service = reader.interval("service_from", "service_until")
        let resourceClass = reader.folded("resource_class", Normaliser.folded)
        let cardHours = reader.value(
            "card_hours", required: false, expecting: "a whole number of card hours", ClaimForm.cardHours(_:))
        let invoices = ClaimForm.invoices(&reader)
        let claimed = reader.money("claimed_yuan")
        let bankReceipt = reader.folded("bank_receipt_no", Normaliser.code)
        let usageProof = reader.value(
            "usage_proof_sha256", required: false, expecting: "64 hexadecimal digits", ClaimForm.digest(_:))
        let group = reader.folded("cofunding_group", Normaliser.folded)

        guard reader.problems.isEmpty, let number, let voucherNumber, let enterprise, let provider, let contract,
            let contractAmount, let service, let claimed
        else { return Validated(value: nil, problems: reader.problems, repairs: reader.repairs) }
        let claim = Claim(
            number: number, filedAt: filedAt, voucherNumber: voucherNumber, enterprise: enterprise,
            enterpriseName: enterpriseName, provider: provider, providerName: providerName, contract: contract.number,
            contractText: contract.text, contractSignedOn: signedOn, contractAmount: contractAmount, service: service,
            resourceClass: resourceClass, cardHours: cardHours, invoices: invoices, claimed: claimed,
            bankReceipt: bankReceipt, usageProof: usageProof ?? [], cofundingGroup: group)
        return Validated(value: claim, problems: [], repairs: reader.repairs)
    }

    private static func cardHours(_ text: String) -> Int64? {
        guard text.isASCIIDigits, let hours = Int64(text), hours <= 1_000_000_000_000 else { return nil }
        return hours
    }

    private static func digest(_ text: String) -> [UInt8]? {
        guard let bytes = [UInt8](hexadecimal: text), bytes.count == 32 else { return nil }
        return bytes
    }

    /// The three list columns, separated by `;`, in the same order.
    private static func invoices(_ reader: inout FieldReader) -> [Claim.Invoice] {
        let limit = Claim.maximumInvoices * 50
        let before = reader.problems.count
        let numbers = list(reader.text("invoice_numbers", atMost: limit))
        let amounts = list(reader.text("invoice_amounts_yuan", atMost: limit))
        let dates = list(reader.text("invoice_dates", atMost: limit))
        guard reader.problems.count == before else { return [] }
        guard !numbers.isEmpty else {
            reader.note("invoice_numbers", "is required: at least one invoice")
            return []
        }
        guard numbers.count <= Claim.maximumInvoices else {
            reader.note("invoice_numbers", "\(numbers.count) invoices, at most \(Claim.maximumInvoices)")
            return []
        }
        guard amounts.count == numbers.count else {
            reader.note("invoice_amounts_yuan", "\(amounts.count) amounts for \(numbers.count) invoices")
            return []
        }
        guard dates.isEmpty || dates.count == numbers.count else {
            reader.note("invoice_dates", "\(dates.count) dates for \(numbers.count) invoices")
            return []
        }
        var invoices: [Claim.Invoice] = []
        var seen: Set<InvoiceNumber.Name> = []
        for index in numbers.indices {
            let date = dates.isEmpty ? "" : dates[index]
            guard let invoice = invoice(numbers[index], amounts[index], date, &reader) else { continue }
            for name in invoice.number.names where !seen.insert(name).inserted {
                reader.note("invoice_numbers", "names invoice \(name.canonical) twice")
            }
            invoices.append(invoice)
        }
        if invoices.map(\.amount).total == nil { reader.note("invoice_amounts_yuan", "the amounts add up too high") }
        return invoices
    }

    private static func invoice(
        _ numberText: String, _ amountText: String, _ dateText: String, _ reader: inout FieldReader
    ) -> Claim.Invoice? {
        var number: InvoiceNumber?
        do { number = try InvoiceNumber(numberText) } catch { reader.note("invoice_numbers", error.message) }
        let amount = Money(yuan: amountText)
        if amount.map({ $0 <= .zero }) ?? true {
            reader.note("invoice_amounts_yuan", "expected \(FieldReader.moneyForm), more than zero")
        }
        let date = CalendarDate(dateText)
        if date == nil, !dateText.isEmpty { reader.note("invoice_dates", "expected dates written YYYY-MM-DD") }
        guard let number, let amount, amount > .zero, date != nil || dateText.isEmpty else { return nil }
        return Claim.Invoice(number: number, amount: amount, issuedOn: date)
    }

    private static func list(_ text: String?) -> [String] {
        guard let text else { return [] }
        return Normaliser.trimmed(text).split(separator: ";", omittingEmptySubsequences: false)
            .map { Normaliser.trimmed(String($0)) }
    }
}
