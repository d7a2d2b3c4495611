import Foundation
import Replication
import VoucherDomain

@testable import CityStore

// Fixed values that the tests of this target share; nothing here is random.

/// Values that exist by construction; a fixture that does not is a fault of the test.
func fixture<Value>(_ value: Value?, _ name: StaticString) -> Value {
    guard let value else { preconditionFailure("the fixture \(name) is not valid") }
    return value
}

extension CityCode {
    static let shenzhen = fixture(CityCode(rawValue: 440_300), "city")
    static let beijing = fixture(CityCode(rawValue: 110_000), "city")
}

extension Epoch {
    static let first = Epoch(incarnation: 1, counter: 1, nonce: 0xA1)
    static let second = Epoch(incarnation: 1, counter: 2, nonce: 0xA2)
    static let third = Epoch(incarnation: 1, counter: 3, nonce: 0xA3)
}

extension Digest {
    /// 32 equal bytes.
    static func filled(_ byte: UInt8) -> Digest {
        fixture(Digest(rawValue: .init(repeating: byte, count: 32)), "digest")
    }
}

extension SigningKey {
    static let city = fixture(SigningKey(seed: .init(repeating: 1, count: 32)), "key")
    static let registry = fixture(SigningKey(seed: .init(repeating: 2, count: 32)), "key")
}

extension UInt64 {
    /// Milliseconds since 1970, in the year 2026.
    static let noon: UInt64 = 1_780_000_000_000
}

/// Rows as officers type them.
enum Form {
    static let buyer = "91440300MA5EXAMP0C"
    static let supplier = "91110108MA5PRQDR07"
    static let stranger = "91310000MA1THRD04N"

    static func voucher(
        _ number: String = "SLQ-2026-0001", line: Int? = nil, _ changes: [String: String?] = [:]
    ) -> FormRow {
        let fields = [
            "voucher_no": number, "programme": "算力券", "enterprise_uscc": buyer,
            "enterprise_name": "深圳某某科技有限公司", "face_value_yuan": "2000000.00", "issued_on": "2026-01-05",
            "valid_from": "2026-01-01", "valid_until": "2027-01-01",
        ]
        return row(fields, line, changes)
    }

    /// The claim `SZ-<index>`, which shares nothing with claims of other indices but the voucher and the companies.
    static func claim(_ index: Int, line: Int? = nil, _ changes: [String: String?] = [:]) -> FormRow {
        let fields = [
            "claim_no": "SZ-\(index)", "voucher_no": "SLQ-2026-0001", "enterprise_uscc": buyer,
            "enterprise_name": "深圳某某科技有限公司", "provider_uscc": supplier, "contract_no": "算字第A\(index)号",
            "contract_amount_yuan": "90000.00", "service_from": "2026-03-01", "service_until": "2026-06-01",
            "invoice_numbers": invoice(index), "invoice_amounts_yuan": "50000.00", "claimed_yuan": "20000.00",
        ]
        return row(fields, line, changes)
    }

    /// The 20 digits of the invoice that ``claim(_:line:_:)`` names; no two look alike.
    static func invoice(_ index: Int) -> String { "24117000000\(100_000_001 + (index - 1) * 7_654_321)" }

    private static func row(_ fields: [String: String], _ line: Int?, _ changes: [String: String?]) -> FormRow {
        var fields = fields
        for (column, text) in changes { fields[column] = text }
        return FormRow(line: line, fields: fields)
    }
}
