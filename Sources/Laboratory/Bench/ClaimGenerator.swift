import Replication
import VoucherDomain

/// Makes valid vouchers and claims from a seed: enterprises, providers and numbers that never meet by chance.
struct ClaimGenerator {
    private var random: SeededGenerator
    private let cities: [CityCode]
    /// The n-th city's are every (number of cities)-th of them, from the n-th on.
    private let enterprises: [CreditCode]
    private let providers: [CreditCode]
    private var serial: Int
    /// How many claims each company has filed.
    private var filed: [Int]

    /// - Parameters:
    ///   - enterprises: How many companies file in each city, each with a voucher of that city.
    ///   - serial: The number of claims that other generators have made: those of one serial number meet.
    init(seed: UInt64, cities: [CityCode], enterprises count: Int, after serial: Int = 0) {
        self.serial = serial
        random = SeededGenerator(seed: seed)
        self.cities = cities
        var codes: [CreditCode] = []
        while codes.count < count * cities.count + 20 { codes.append(ClaimGenerator.makeCode(&random)) }
        enterprises = Array(codes.dropLast(20))
        providers = Array(codes.suffix(20))
        filed = Array(repeating: 0, count: enterprises.count)
    }

    private func enterprises(of city: CityCode) -> [CreditCode] {
        guard let first = cities.firstIndex(of: city) else { return [] }
        return stride(from: first, to: enterprises.count, by: cities.count).map { enterprises[$0] }
    }

    /// One voucher for each of the city's companies, large enough for every claim on it.
    func vouchers(city: CityCode) -> [Voucher] {
        enterprises(of: city).compactMap { enterprise in
            Self.year.map {
                Voucher(
                    number: "\(city)-\(enterprise)", programme: "算力券", enterprise: enterprise,
                    enterpriseName: "企业", faceValue: .maximum, issuedOn: nil, validity: $0)
            }
        }
    }

    /// The next claim of a city, in conflict with none before it and like none.
    ///
    /// Amounts are small so that no yearly cap is reached. A company claims month after month, then the same months for
    /// another kind of accelerator.
    mutating func claim(city: CityCode) -> Claim? {
        serial += 1
        guard let first = cities.firstIndex(of: city) else { return nil }
        let count = enterprises.count / cities.count
        let company = first + cities.count * Int.random(in: 0..<count, using: &random)
        let enterprise = enterprises[company]
        let provider = Int.random(in: 0..<providers.count, using: &random)
        let (kind, month) = filed[company].quotientAndRemainder(dividingBy: 11)
        filed[company] += 1
        func date(_ month: Int) -> String { "2026-\(month < 10 ? "0" : "")\(month)-01" }
        // Far apart for claims that follow each other.
        let digits = String(10_000_000 + serial * 6_180_339 % 10_000_000).dropFirst() + String(10_000_000 + serial)
        let form = ClaimForm(fields: [
            "claim_no": "\(city)-C\(serial)", "voucher_no": "\(city)-\(enterprise)",
            "filed_at": "2026-06-02T18:24:46+08:00", "enterprise_uscc": enterprise.rawValue,
            "enterprise_name": "企业", "provider_uscc": providers[provider].rawValue,
            "provider_name": "算力中心\(provider)", "contract_no": "〔2026〕算字第\(serial)号",
            "contract_amount_yuan": "300.00", "service_from": date(month + 1), "service_until": date(month + 2),
            "resource_class": "H20-\(kind)", "card_hours": "100", "invoice_numbers": "24412\(digits)",
            "invoice_amounts_yuan": "300.00", "claimed_yuan": "3.00", "bank_receipt_no": "B\(digits)",
            "usage_proof_sha256": Digest(.check, Array(digits.utf8)).rawValue.hexadecimal,
        ])
        return form.validated().value
    }

    private static let year = CalendarDate("2026-01-01").flatMap { from in
        CalendarDate("2027-01-01").flatMap { DayInterval(from: from, until: $0) }
    }

    /// A code with both check characters, found by trying them.
    static func makeCode(_ random: inout SeededGenerator) -> CreditCode {
        let alphabet = Array("0123456789ABCDEFGHJKLMNPQRTUWXY")
        while true {
            let organisation = String((0..<8).map { _ in Character(String(Int.random(in: 0...9, using: &random))) })
            for inner in "0123456789X" {
                for outer in alphabet {
                    if let code = CreditCode(rawValue: "91110000\(organisation)\(inner)\(outer)") { return code }
                }
            }
        }
    }
}
