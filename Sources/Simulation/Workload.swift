import Arbitration
import Replication
import VoucherDomain

/// What officers type: claims over few enterprises, contracts and invoices, some honest and some of what another city has.
struct Workload {
    private var random: SeededGenerator
    private let fraud: Double
    private var receiptRandom: SeededGenerator
    private let evidence: Double
    private var serial = 0
    /// Contracts and invoices that claims have named, of any city.
    private var named: [Purchase] = []

    /// A purchase that a claim is about.
    private struct Purchase {
        let enterprise: Int
        let provider: Int
        let contract: Int
        let invoices: [Int]
    }

    private static let companies = [
        "91110000600037341L", "9144030071526726XG", "91620100719023721L", "911522010783762860", "91440300MA5EXAMP0C",
        "91110108MA5PRQDR07",
    ]
    /// What a voucher is worth: a few claims use it up.
    private static let faceValue = 300_000

    /// - Parameters:
    ///   - random: Draws all but the bank receipts.
    ///   - receipts: Draws these.
    init(random: SeededGenerator, fraud: Double, receipts: SeededGenerator, evidence: Double) {
        self.random = random
        self.fraud = fraud
        receiptRandom = receipts
        self.evidence = evidence
    }

    /// What an officer does next.
    enum Act {
        case issueVouchers([FormRow])
        case file([FormRow])
        case withdraw
        case requestPayment
        case requestPaymentOf(String)
        case answer(CaseAnswer)
        /// Takes the next step of every payment that the registry has released.
        case advancePayments
        case backUp
    }

    mutating func nextAct() -> Act {
        switch random.number(in: 0...23) {
        case 0...13: .file((0..<random.number(in: 1...3)).map { _ in claim() })
        case 14...15: .withdraw
        case 16: .backUp
        case 17...19: .requestPayment
        case 20...22: .advancePayments
        default: .issueVouchers([voucher(random.number(in: 0...2), faceValue: random.pick([Self.faceValue, 500_000]))])
        }
    }

    /// One voucher an enterprise.
    func vouchers() -> [FormRow] { (0..<3).map { voucher($0, faceValue: Self.faceValue) } }

    /// One of the elements, if there is any.
    mutating func pick<Element>(_ elements: [Element]) -> Element? { elements.isEmpty ? nil : random.pick(elements) }

    private func voucher(_ enterprise: Int, faceValue: Int) -> FormRow {
        FormRow(
            line: nil,
            fields: [
                "voucher_no": "V\(enterprise)", "programme": "算力券", "enterprise_uscc": Self.companies[enterprise],
                "enterprise_name": "某某科技有限公司", "face_value_yuan": "\(faceValue).00",
                "valid_from": "2026-01-01", "valid_until": "2027-01-01",
            ])
    }

    private mutating func claim() -> FormRow {
        serial += 1
        let purchase: Purchase
        if random.chance(fraud), let known = pick(named) {
            purchase = stolen(known)
        } else {
            let enterprise = random.number(in: 0...2)
            purchase = Purchase(
                enterprise: enterprise, provider: 3 + random.number(in: 0...2), contract: serial,
                invoices: random.chance(0.3) ? [2 * serial, 2 * serial + 1] : [2 * serial])
        }
        named.append(purchase)
        // Now and then the number of an earlier claim, and a row that no form lets through.
        let number = random.chance(0.03) ? random.number(in: 1...serial) : serial
        let claimed = random.chance(0.02) ? "-1" : "\(random.number(in: 1...8) * 10_000).00"
        return row(purchase, number: "C\(number)", claimed: claimed)
    }

    /// The same invoice under another contract, another invoice of the same contract, or all the same.
    private mutating func stolen(_ known: Purchase) -> Purchase {
        let isSameContract = random.chance(0.5)
        let isSameInvoice = !isSameContract || random.chance(0.5)
        return Purchase(
            enterprise: known.enterprise, provider: known.provider, contract: isSameContract ? known.contract : serial,
            invoices: isSameInvoice ? known.invoices : [2 * serial])
    }

    private mutating func row(_ purchase: Purchase, number: String, claimed: String) -> FormRow {
        let month = 1 + random.number(in: 0...8)
        let receipt = receiptRandom.chance(evidence) ? "R\(receiptRandom.number(in: 1...4))" : ""
        return FormRow(
            line: nil,
            fields: [
                "claim_no": number, "voucher_no": "V\(purchase.enterprise)",
                "enterprise_uscc": Self.companies[purchase.enterprise], "enterprise_name": "某某科技有限公司",
                "provider_uscc": Self.companies[purchase.provider], "contract_no": "算字第A\(purchase.contract)号",
                "contract_amount_yuan": "900000.00", "service_from": "2026-0\(month)-01",
                "service_until": "2026-\(month < 9 ? "0" : "")\(month + 1)-01",
                "invoice_numbers": purchase.invoices.map(Self.invoice).joined(separator: ";"),
                "invoice_amounts_yuan": purchase.invoices.map { _ in "90000.00" }.joined(separator: ";"),
                "claimed_yuan": claimed, "bank_receipt_no": receipt, "resource_class": random.chance(0.2) ? "H20" : "",
            ])
    }

    /// 20 digits; no two of them look alike.
    static func invoice(_ index: Int) -> String {
        "24117000000\(100_000_000 + (index * 7_654_321) % 900_000_000)"
    }
}
