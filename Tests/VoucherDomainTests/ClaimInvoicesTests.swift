import Testing

@testable import VoucherDomain

@Suite("Invoices of a claim form")
struct ClaimInvoicesTests {
    private static let first = "24442384382320000039"
    private static let second = "24442384382320000040"
    private static let digitsOnly = "an invoice number has digits only: 20 of them, or code:number"
    private static let amountForm =
        "expected yuan with exactly two decimals, such as 52443.40, at most 10000000000.00, more than zero"

    @Test("numbers, amounts and dates belong together by their order, spaces around them ignored")
    func inOrder() throws {
        let form = Self.form(" \(Self.second) ; 1100204130：00012345 ", "2.00 ;\u{3000}1.00", ";2026-01-30")

        #expect(
            try #require(form.validated().value).invoices == [
                .init(number: try InvoiceNumber(Self.second), amount: Money(rawValue: 200), issuedOn: nil),
                .init(
                    number: try InvoiceNumber("1100204130:00012345"), amount: Money(rawValue: 100),
                    issuedOn: try SampleClaim.date("2026-01-30")),
            ])
    }

    @Test(
        "lists that do not fit together are refused with both counts",
        arguments: [
            ("\(first);\(second)", "1.00", "", "invoice_amounts_yuan", "1 amounts for 2 invoices"),
            (first, "1.00;2.00", "", "invoice_amounts_yuan", "2 amounts for 1 invoices"),
            (first, "", "", "invoice_amounts_yuan", "0 amounts for 1 invoices"),
            (first, "1.00;", "", "invoice_amounts_yuan", "2 amounts for 1 invoices"),
            ("\(first);\(second)", "1.00;2.00", "2026-01-30", "invoice_dates", "1 dates for 2 invoices"),
            (first, "1.00", "2026-01-30;", "invoice_dates", "2 dates for 1 invoices"),
            ("", "1.00", "", "invoice_numbers", "is required: at least one invoice"),
        ])
    func counts(numbers: String, amounts: String, dates: String, column: String, message: String) {
        let validated = Self.form(numbers, amounts, dates).validated()

        #expect(validated == Validated(value: nil, problems: [.init(column: column, message: message)], repairs: []))
    }

    @Test(
        "a bad number, amount or date is refused in its own column",
        arguments: [
            ("2444238438232", "1.00", "", "invoice_numbers", "a fully digital invoice number has 20 digits, not 13"),
            ("\(first)；\(second)", "1.00", "", "invoice_numbers", digitsOnly),
            (first, "12.345", "", "invoice_amounts_yuan", amountForm),
            (first, "-1.00", "", "invoice_amounts_yuan", amountForm),
            (first, "0.00", "", "invoice_amounts_yuan", amountForm),
            (first, "1,000.00", "", "invoice_amounts_yuan", amountForm),
            (first, "１.００", "", "invoice_amounts_yuan", amountForm),
            (first, "99999999999999.00", "", "invoice_amounts_yuan", amountForm),
            (first, "1.00", "2026-02-30", "invoice_dates", "expected dates written YYYY-MM-DD"),
            ("\(first);", "1.00;1.00", "", "invoice_numbers", digitsOnly),
        ])
    func badItem(numbers: String, amounts: String, dates: String, column: String, message: String) {
        let validated = Self.form(numbers, amounts, dates).validated()

        #expect(validated == Validated(value: nil, problems: [.init(column: column, message: message)], repairs: []))
    }

    @Test(
        "an invoice named twice is refused, under whichever of its names",
        arguments: [
            ("\(first);\(first)", "E:\(first)"),
            ("\(first);2444-2384-3823-2000-0039", "E:\(first)"),
            ("\(first)=1100204130:00012345;1100204130:00012345", "P:1100204130:00012345"),
            ("1100204130:00012345;\(first)=1100204130:00012345", "P:1100204130:00012345"),
            ("\(first)=1100204130:00012345;\(second)=1100204130:00012345", "P:1100204130:00012345"),
            ("\(first);\(first)=1100204130:00012345", "E:\(first)"),
        ])
    func namedTwice(numbers: String, name: String) {
        let problems = Self.form(numbers, "1.00;1.00", "").validated().problems

        #expect(problems == [.init(column: "invoice_numbers", message: "names invoice \(name) twice")])
    }

    @Test("two hundred invoices with both names and the largest amounts are one claim, one more is refused")
    func mostInvoices() throws {
        func form(count: Int) -> ClaimForm {
            let numbers = (0..<count).map { "24442384382320000\(100 + $0)=011002000111:00000\(100 + $0)" }
            let joined = numbers.joined(separator: ";")
            let amounts = Array(repeating: Money.maximum.yuan, count: count).joined(separator: ";")
            return Self.form(joined, amounts, Array(repeating: "2026-01-30", count: count).joined(separator: ";"))
        }

        let claim = try #require(form(count: 200).validated().value)
        #expect(claim.invoices.count == 200)
        #expect(claim.fault == nil)
        #expect(
            form(count: 201).validated().problems == [
                .init(column: "invoice_numbers", message: "201 invoices, at most 200")
            ])
    }

    private static func form(_ numbers: String, _ amounts: String, _ dates: String) -> ClaimForm {
        SampleClaim.form([
            "invoice_numbers": numbers, "invoice_amounts_yuan": amounts, "invoice_dates": dates,
        ])
    }
}
