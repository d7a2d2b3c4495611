import Replication
import VoucherDomain

/// What officers type: claims over few enterprises, contracts and invoices, some of them of what another city has.
struct Workload {
    private var random: SeededGenerator
    private var serial = 0
    private var named: [Purchase] = []

    /// A purchase that a claim is about.
    private struct Purchase {
        let enterprise: Int
        let contract: Int
        let invoice: Int
    }

    private static let enterprises = ["91110000600037341L", "9144030071526726XG"]
    private static let provider = "911522010783762860"

    init(random: SeededGenerator) { self.random = random }

    /// One voucher an enterprise.
    static let vouchers = enterprises.indices.map { index in
        FormRow(
            line: nil,
            fields: [
                "voucher_no": "V\(index)", "programme": "算力券", "enterprise_uscc": enterprises[index],
                "enterprise_name": "某某科技有限公司", "face_value_yuan": "300000.00", "valid_from": "2026-01-01",
                "valid_until": "2027-01-01",
            ])
    }

    mutating func claim() -> FormRow {
        serial += 1
        var purchase = Purchase(
            enterprise: random.number(in: 0...(Self.enterprises.count - 1)), contract: serial, invoice: serial)
        if random.chance(0.4), let known = random.pick(named) {
            purchase = Purchase(
                enterprise: known.enterprise, contract: random.chance(0.5) ? known.contract : serial,
                invoice: known.invoice)
        }
        named.append(purchase)
        return row(purchase, claimed: random.number(in: 1...6) * 10_000)
    }

    private func row(_ purchase: Purchase, claimed: Int) -> FormRow {
        FormRow(
            line: nil,
            fields: [
                "claim_no": "C\(serial)", "voucher_no": "V\(purchase.enterprise)",
                "enterprise_uscc": Self.enterprises[purchase.enterprise], "enterprise_name": "某某科技有限公司",
                "provider_uscc": Self.provider, "contract_no": "算字第A\(purchase.contract)号",
                "contract_amount_yuan": "900000.00", "service_from": "2026-03-01", "service_until": "2026-04-01",
                "invoice_numbers": Self.invoice(purchase.invoice), "invoice_amounts_yuan": "90000.00",
                "claimed_yuan": "\(claimed).00",
            ])
    }

    /// 20 digits; no two of them look alike.
    private static func invoice(_ index: Int) -> String {
        "24117000000\(100_000_000 + (index * 7_654_321) % 900_000_000)"
    }
}
