import Arbitration
import DefaultPolicy
import FederationWire
import Foundation
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import Laboratory

/// In which order the rows of all cities reach the registry. Each city's own rows keep theirs.
enum ArrivalOrder: CaseIterable {
    case cityAfterCity, reversedCities, interleaved

    func arranged<Row>(_ cities: [[Row]]) -> [Row] {
        switch self {
        case .cityAfterCity: Array(cities.joined())
        case .reversedCities: Array(cities.reversed().joined())
        case .interleaved:
            (0..<(cities.map(\.count).max() ?? 0)).flatMap { index in
                cities.compactMap { index < $0.count ? $0[index] : nil }
            }
        }
    }
}

/// The claims of a generated set, decided by one fold in memory under the default policy, as a city would show them.
struct FoldedSet {
    private(set) var claims: [DecidedClaim] = []
    private var fold = Fold()
    private var position: Int64 = 0

    private struct Row {
        let city: CityCode
        let content: Content

        enum Content { case voucher(Voucher), claim([String: String]) }
    }

    /// Lists companies and providers first, then takes each city's vouchers before its claims.
    init(_ set: GeneratedSet, arriving order: ArrivalOrder) throws {
        let policy = try PolicyCoding.decode(DefaultPolicy.document)
        var numbering = Numbering()
        append(.policyPublished(policy), in: .registry)
        append(.companiesListed(try set.companies().map { numbering.hashed($0) }), in: .registry)
        append(.providersListed(try set.providers().map(Register.Provider.init)), in: .registry)
        for row in order.arranged(try FoldedSet.rows(of: set)) {
            switch row.content {
            case .voucher(let voucher):
                let outcome = append(.voucherIssued(voucher), in: row.city)
                try #require(outcome.decision == .noted, "\(voucher.number)")
            case .claim(let fields): try file(fields, in: row.city)
            }
        }
    }

    private static func rows(of set: GeneratedSet) throws -> [[Row]] {
        try set.codes.map { code in
            let city = try #require(CityCode(code))
            let vouchers = try set.vouchers(of: code).map { Row(city: city, content: .voucher($0)) }
            return try vouchers + set.rows("\(code)/claims.csv").map { Row(city: city, content: .claim($0)) }
        }
    }

    @discardableResult
    private mutating func append(_ content: JournalEntry.Content, in city: CityCode) -> Outcome {
        position += 1
        return fold.apply(.sample(position: position, city: city, content))
    }

    /// What its own node does not let through is never filed.
    private mutating func file(_ fields: [String: String], in city: CityCode) throws {
        let validated = ClaimForm(fields: fields).validated()
        guard let claim = validated.value else {
            return try show(
                ClaimDocument(
                    fields: fields, city: city, state: "invalid", reasons: [], caseID: nil, receipt: nil,
                    position: nil, problems: validated.problems))
        }
        let outcome = append(.claimFiled(claim), in: city)
        try show(
            ClaimDocument(
                fields: fields, city: city, state: outcome.decision.name, reasons: outcome.reasons,
                caseID: outcome.caseID, receipt: nil,
                position: FeedHead(incarnation: 1, position: UInt64(position), hash: .zero)))
    }

    private mutating func show(_ document: ClaimDocument) throws {
        claims.append(try JSONDecoder().decode(DecidedClaim.self, from: JSONEncoder().encode(document)))
    }
}

/// Stands in for the registry's keyed hash: numbers texts, so that different ones never get the same bytes.
private struct Numbering {
    private var numbers: [String: UInt64] = [:]

    mutating func hashed(_ company: CompanyForm.Company) -> Register.Company {
        var attributes: [Register.Attribute] = []
        for kind in Register.Attribute.Kind.allCases {
            guard let text = company.attributes[kind.rawValue] else { continue }
            attributes.append(Register.Attribute(kind: kind, hash: hash(text)))
        }
        return Register.Company(
            code: company.code, name: company.name, headOffice: company.headOffice, attributes: attributes)
    }

    /// ``Register/Attribute/hashLength`` bytes.
    private mutating func hash(_ text: String) -> [UInt8] {
        let number = numbers[text] ?? UInt64(numbers.count)
        numbers[text] = number
        return [UInt8](repeating: 0, count: 8) + withUnsafeBytes(of: number.bigEndian, Array.init)
    }
}

extension Register.Provider {
    fileprivate init(_ row: ProviderForm.Provider) {
        self.init(
            code: row.code, name: row.name, listedFrom: row.listedFrom, listedUntil: row.listedUntil,
            isStateRun: row.isStateRun)
    }
}
