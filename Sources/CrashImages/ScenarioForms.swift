import VoucherDomain

/// What officers of the scenario type.
enum ScenarioForms {
    static let voucher = FormRow(
        line: nil,
        fields: [
            "voucher_no": "SLQ-2026-0001", "programme": "算力券", "enterprise_uscc": enterprise,
            "enterprise_name": "深圳某某科技有限公司", "face_value_yuan": "2000000.00", "valid_from": "2026-01-01",
            "valid_until": "2027-01-01",
        ])
    private static let enterprise = "91440300MA5EXAMP0C"

    /// A claim that shares nothing with claims of other indices but the voucher and the companies.
    static func claim(_ index: Int, number: String, line: Int? = nil, claimed: String = "20000.00") -> FormRow {
        FormRow(
            line: line,
            fields: [
                "claim_no": number, "voucher_no": "SLQ-2026-0001", "enterprise_uscc": enterprise,
                "enterprise_name": "深圳某某科技有限公司", "provider_uscc": "91110108MA5PRQDR07",
                "contract_no": "算字第A\(index)号", "contract_amount_yuan": "90000.00", "service_from": "2026-03-01",
                "service_until": "2026-06-01", "invoice_numbers": invoice(index),
                "invoice_amounts_yuan": "50000.00", "claimed_yuan": claimed,
            ])
    }

    /// 20 digits; no two of them look alike.
    static func invoice(_ index: Int) -> String { "24117000000\(100_000_001 + index * 7_654_321)" }
}
