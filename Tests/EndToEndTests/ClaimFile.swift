import VoucherDomain

/// CSV files of vouchers and claims, right in everything but what a test changes.
enum ClaimFile {
    static let columns = ClaimForm.columns.filter { $0 != "invoice_dates" }
    static let header = columns.joined(separator: ",") + "\n"

    /// A file with one voucher of five million yuan.
    static func voucher(_ number: String, faceValue: String = "5000000.00") -> [UInt8] {
        let row = "\(number),算力券,91110000600037341L,银达深智能科技有限公司,\(faceValue),2026-01-05,2026-01-01,2027-01-01\n"
        return Array((VoucherForm.columns.joined(separator: ",") + "\n" + row).utf8)
    }

    /// A file of claims, by rows.
    static func file(_ rows: [String]) -> [UInt8] { Array((header + rows.joined()).utf8) }

    /// A file of claims 1 to `count`.
    static func file(_ count: Int, of city: TestCity) -> [UInt8] { file((1...count).map { row($0, of: city) }) }

    /// A valid row, with some fields replaced.
    static func row(_ number: Int, of city: TestCity, _ changes: [String: String] = [:]) -> String {
        let fields = fields(number, of: city).merging(changes) { _, new in new }
        return columns.map { fields[$0] ?? "" }.joined(separator: ",") + "\n"
    }

    /// A claim by column. No two share a contract or an invoice, in whatever city.
    static func fields(_ number: Int, of city: TestCity) -> [String: String] {
        let serial = String(number)
        return [
            "claim_no": city.claim(number), "voucher_no": city.voucher, "enterprise_uscc": "91110000600037341L",
            "enterprise_name": "银达深智能科技有限公司", "provider_uscc": "9144030071526726XG",
            "provider_name": "舟辰天算力中心有限公司", "contract_no": "HT-\(city.code)-\(number)",
            "contract_signed_on": "2026-01-04", "contract_amount_yuan": "1000.00", "service_from": "2026-01-01",
            "service_until": "2026-01-29", "card_hours": "100",
            "invoice_numbers": "24\(city.code)\(String(repeating: "0", count: 12 - serial.count))\(serial)",
            "invoice_amounts_yuan": "500.00", "claimed_yuan": "100.00",
        ]
    }

    /// A claim as the JSON object that the API takes.
    static func json(_ number: Int, of city: TestCity) -> [UInt8] {
        var fields = fields(number, of: city)
        let invoice = fields.removeValue(forKey: "invoice_numbers") ?? ""
        let amount = fields.removeValue(forKey: "invoice_amounts_yuan") ?? ""
        let hours = fields.removeValue(forKey: "card_hours") ?? ""
        let members = fields.sorted { $0.key < $1.key }.map { #""\#($0.key)": "\#($0.value)""# }
        let invoices = #""invoices": [{"number": "\#(invoice)", "amount_yuan": "\#(amount)"}]"#
        return Array("{\((members + [invoices, #""card_hours": \#(hours)"#]).joined(separator: ", "))}".utf8)
    }
}
