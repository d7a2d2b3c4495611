import CityNode
import Testing

@Suite("The bank's file")
struct BankFileTests {
    @Test("nothing that an applicant wrote is a formula to a spreadsheet; reference and amount are as they are")
    func formulas() {
        let fields = [
            "enterprise_uscc": "91110000600037341L", "enterprise_name": "=HYPERLINK(\"http://x/\")", "voucher_no": "+1",
            "contract_no": "@SUM(A1)",
        ]
        let row = BankFile.row(reference: "-REF", amount: "100.00", claimNumber: "-2", fields)

        #expect(row.prefix(2) == ["-REF", "100.00"])
        #expect(!row.dropFirst(2).contains { "=+-@".contains($0.first ?? " ") })
        #expect(row[3] == "91110000600037341L")
    }
}
