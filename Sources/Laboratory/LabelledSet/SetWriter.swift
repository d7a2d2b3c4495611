import Foundation
import VoucherDomain

/// Writes a labelled set group by group into the files of a directory.
///
/// `cities.csv`, `truth.csv`, `companies.csv` (the ownership file), `providers.csv` (the national list), and for each
/// city `CODE/vouchers.csv` and `CODE/claims.csv`. All stay open until ``finish()``.
final class SetWriter {
    private let cities: [CityProfile]
    private let truth: CSVFileWriter
    private let companies: CSVFileWriter
    private let providers: CSVFileWriter
    private let vouchers: [CSVFileWriter]
    private let claims: [CSVFileWriter]
    private var groups = 0

    init(directory: String, cities: [CityProfile]) throws {
        self.cities = cities
        truth = try CSVFileWriter(
            "\(directory)/truth.csv",
            ["group", "pattern", "expectation", "city_code", "claim_no", "outcome", "capacity_fen"])
        companies = try CSVFileWriter(
            "\(directory)/companies.csv",
            [
                "uscc", "name", "head_office_uscc", "legal_representative", "controller", "address", "phone",
                "bank_account",
            ])
        providers = try CSVFileWriter(
            "\(directory)/providers.csv", ["uscc", "name", "listed_from", "listed_until", "state_run"])
        let list = try CSVFileWriter(
            "\(directory)/cities.csv", ["city_code", "name_zh", "name_en", "subsidy_percent"])
        var files: [(vouchers: CSVFileWriter, claims: CSVFileWriter)] = []
        for city in cities {
            try list.row([city.code, city.name, city.englishName, String(city.subsidyPercent)])
            let folder = "\(directory)/\(city.code)"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            files.append(
                (
                    try CSVFileWriter("\(folder)/vouchers.csv", VoucherForm.columns),
                    try CSVFileWriter("\(folder)/claims.csv", ClaimForm.columns)
                ))
        }
        try list.finish()
        vouchers = files.map(\.vouchers)
        claims = files.map(\.claims)
    }

    /// Writes a group; one without claims gets no label.
    func write(_ group: GeneratedGroup) throws {
        for company in group.companies {
            try companies.row([
                company.code, company.name, company.headOffice, company.representative, company.controller,
                company.address, company.phone, company.account,
            ])
        }
        for provider in group.providers {
            try providers.row([
                provider.code, provider.name, day(provider.listedFrom), provider.listedUntil.map(day) ?? "",
                provider.isStateRun ? "true" : "false",
            ])
        }
        for voucher in group.vouchers { try vouchers[voucher.city].row(cells(voucher)) }
        guard !group.claims.isEmpty else { return }
        groups += 1
        let name = "G" + Identifiers.padded(groups, 5)
        for claim in group.claims {
            try claims[claim.city].row(cells(claim))
            try truth.row([
                name, group.pattern.rawValue, group.pattern.expectation.rawValue, cities[claim.city].code, claim.number,
                claim.outcome, group.capacityFen.map { String($0) } ?? "",
            ])
        }
    }

    /// Writes what is left and closes all files.
    func finish() throws {
        for file in [truth, companies, providers] + vouchers + claims { try file.finish() }
    }

    /// In the order of ``VoucherForm/columns``.
    private func cells(_ voucher: GeneratedVoucher) -> [String] {
        [
            voucher.number, voucher.programme, voucher.enterprise.code, voucher.enterprise.name, yuan(voucher.faceFen),
            day(voucher.from + 4), day(voucher.from), day(voucher.until),
        ]
    }

    /// In the order of ``ClaimForm/columns``.
    private func cells(_ claim: GeneratedClaim) -> [String] {
        let invoices = claim.invoices
        let hasDates = invoices.contains { $0.date != nil }
        return [
            claim.number, moment(claim.filedAt), claim.voucher, claim.enterpriseCode, claim.enterpriseName,
            claim.providerCode, claim.providerName, claim.contract, day(claim.signedOn), yuan(claim.contractFen),
            day(claim.from), day(claim.until), ResourceClass.all[claim.resourceClass].name, String(claim.cardHours),
            invoices.map(\.number).joined(separator: ";"), invoices.map { yuan($0.fen) }.joined(separator: ";"),
            claim.claimedText ?? yuan(claim.claimedFen), claim.bankReceipt, claim.usageProof, claim.cofundingGroup,
            hasDates ? invoices.map { $0.date.map(day) ?? "" }.joined(separator: ";") : "",
        ]
    }

    private func yuan(_ fen: Int64) -> String { Money(rawValue: fen).yuan }

    private func day(_ day: Int32) -> String { CalendarDate(rawValue: day).iso8601 }

    /// Seconds after the first filing's day began in Beijing.
    private func moment(_ seconds: Int) -> String {
        let rest = seconds % 86_400
        let clock = [rest / 3_600, rest / 60 % 60, rest % 60].map { Identifiers.padded($0, 2) }.joined(separator: ":")
        return "\(day(Day.firstFiling + Int32(seconds / 86_400)))T\(clock)+08:00"
    }
}
