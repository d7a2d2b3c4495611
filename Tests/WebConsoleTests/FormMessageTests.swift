import Testing
import VoucherDomain
import WebConsole

/// What forms and files are refused for, made by the very code that refuses them: whoever adds a rule adds its Chinese.
@Suite("What is wrong with a form, in Chinese")
struct FormMessageTests {
    private let pages: ConsolePages

    init() throws { pages = try ConsolePages(templates: [:], phrases: [], navigation: []) }

    private static let claim = [
        "claim_no": "C-1", "voucher_no": "V-1", "enterprise_uscc": "91110000600037341L",
        "provider_uscc": "9144030071526726XG", "contract_no": "2026-37", "contract_amount_yuan": "986538.00",
        "service_from": "2026-01-01", "service_until": "2026-01-29", "invoice_numbers": first,
        "invoice_amounts_yuan": "1.00", "claimed_yuan": "1.00",
    ]
    private static let voucher = [
        "voucher_no": "V-1", "enterprise_uscc": "91110000600037341L", "face_value_yuan": "200000.00",
        "valid_from": "2026-01-01", "valid_until": "2027-01-01",
    ]
    private static let first = "24442384382320000039"
    private static let second = "24442384382320000040"

    /// What is wrong in one column or another.
    private static let texts =
        ["", "\u{7}", "x", "0.00", "12.345", "-1", "2026-02-30", "2025-12-31", "§", String(repeating: "㏂", count: 64)]
        + [65, 101, 201, 10_001].map { String(repeating: "1", count: $0) }

    private static let codes = [
        "911100006000373", "9111000060003734#L", "362322198709086409", "9111A000600037341L", "91110000600037342L",
        "91110000600037341N",
    ]

    /// Numbers, amounts and dates of invoices.
    private static let invoices = [
        ("2444238438232", "1.00", ""), ("abc", "1.00", ""), ("1:2", "1.00", ""), ("\(first)=\(second)", "1.00", ""),
        ("1=2=3", "1.00", ""), ("\(first);\(first)", "1.00;1.00", ""), ("\(first);\(second)", "1.00", ""),
        (first, "1.00", "2026-01-30;"), (first, "0.00", ""), (first, "1.00", "2026-02-30"),
        (Array(repeating: first, count: 201).joined(separator: ";"), "1.00", ""),
    ]

    /// What is wrong with both forms when some columns hold something else.
    private static func faults(_ changes: [String: String]) -> [String] {
        let ofClaim = ClaimForm(fields: claim.merging(changes) { $1 }).validated().problems
        let ofVoucher = VoucherForm(fields: voucher.merging(changes) { $1 }).validated().problems
        return (ofClaim + ofVoucher).map(\.message)
    }

    /// One bad text for each rule, and each bad text in each column.
    private static var messages: Set<String> {
        var messages = Set(codes.flatMap { faults(["enterprise_uscc": $0]) })
        for (numbers, amounts, dates) in invoices {
            messages.formUnion(
                faults(["invoice_numbers": numbers, "invoice_amounts_yuan": amounts, "invoice_dates": dates]))
        }
        for column in Set(ClaimForm.columns + VoucherForm.columns) {
            for text in texts { messages.formUnion(faults([column: text])) }
        }
        return messages
    }

    private func expectChinese(_ message: String) {
        let said = pages.said(message, in: .chinese)
        #expect(said.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) }, "\(message)")
        // What was put into it is in Chinese as well.
        #expect(said.firstMatch(of: /[a-z]{2,}/) == nil, "\(message): \(said)")
    }

    @Test("the forms that these begin with are whole")
    func whole() {
        #expect(ClaimForm(fields: Self.claim).validated().problems == [])
        #expect(VoucherForm(fields: Self.voucher).validated().problems == [])
    }

    @Test("an officer reads in Chinese what is wrong with a claim or a voucher, whatever it is")
    func forms() {
        let messages = Self.messages

        #expect(messages.count >= 35)
        for message in messages { expectChinese(message) }
    }

    @Test("an officer reads in Chinese what is wrong with a row of a file")
    func rows() {
        let rows = [
            "\"a\"b,c\n", "a\"b,c\n", String(repeating: ",", count: 300) + "\n",
            String(repeating: "a", count: CSVReader.maximumRowBytes + 1) + "\n", "a,\"b",
        ]
        var reader = CSVReader()
        var faults: [String] = []
        reader.read(rows.joined().utf8) { row in if let fault = row.fault { faults.append(fault) } }
        reader.finish { row in if let fault = row.fault { faults.append(fault) } }

        #expect(faults.count == rows.count)
        for fault in faults { expectChinese(fault) }
    }

    @Test(
        "and what only the city can know of a row",
        arguments: [
            "this city has issued no voucher 1100-2026-000038: import its vouchers first",
            "voucher 1100-2026-000038 was issued to another enterprise",
            "110000-C0000040 is recorded with other content; a change needs a new number",
            "7 cells, the header names 21 columns", "these bytes are no GB18030",
        ])
    func filing(message: String) { expectChinese(message) }
}
