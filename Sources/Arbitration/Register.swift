package import VoucherDomain

/// What the registry knows of companies beyond their claims: the ownership file and the national list of providers.
///
/// A value, whole or as far as a batch needs it. What could name a person is a keyed hash under the registry's own key,
/// because the registry's log travels whole to every city.
package struct Register: Equatable, Sendable {
    /// Something by which two companies are recognised as related.
    package struct Attribute: Hashable, Sendable {
        package enum Kind: String, Hashable, Sendable, Codable, CaseIterable {
            case representative = "legal_representative"
            case controller
            case address
            case phone
            case account = "bank_account"
        }

        package let kind: Kind
        /// ``Attribute/hashLength`` bytes.
        package let hash: [UInt8]

        package init(kind: Kind, hash: [UInt8]) {
            self.kind = kind
            self.hash = hash
        }

        package static let hashLength = 16
    }

    /// One row of the ownership file.
    package struct Company: Hashable, Sendable {
        package let code: CreditCode
        /// Empty when the file does not give it.
        package let name: String
        package let headOffice: CreditCode?
        /// In the order of their kinds, no kind twice.
        package let attributes: [Attribute]

        package init(code: CreditCode, name: String, headOffice: CreditCode?, attributes: [Attribute]) {
            self.code = code
            self.name = name
            self.headOffice = headOffice
            self.attributes = attributes
        }

        var account: [UInt8]? { attributes.first { $0.kind == .account }?.hash }
    }

    /// One row of the national list of compute providers.
    package struct Provider: Hashable, Sendable {
        package let code: CreditCode
        package let name: String
        package let listedFrom: CalendarDate
        /// The day after the last; `nil` while listed.
        package let listedUntil: CalendarDate?
        package let isStateRun: Bool

        package init(
            code: CreditCode, name: String, listedFrom: CalendarDate, listedUntil: CalendarDate?, isStateRun: Bool
        ) {
            self.code = code
            self.name = name
            self.listedFrom = listedFrom
            self.listedUntil = listedUntil
            self.isStateRun = isStateRun
        }
    }

    package private(set) var companies: [CreditCode: Company] = [:]
    package private(set) var providers: [CreditCode: Provider] = [:]
    private var codesByAccount: [[UInt8]: Set<CreditCode>] = [:]
    /// Whether any company was ever listed, also where none of them is loaded: until then nobody is related to anybody.
    package var hasCompanies = false
    /// Whether any provider was ever listed, also where none of them is loaded.
    package var hasProviders = false

    package init() {}

    /// The newest row on a company replaces the one before.
    package mutating func list(_ company: Company) {
        if let account = companies[company.code]?.account { codesByAccount[account]?.remove(company.code) }
        companies[company.code] = company
        hasCompanies = true
        if let account = company.account { codesByAccount[account, default: []].insert(company.code) }
    }

    /// The newest row on a provider replaces the one before.
    package mutating func list(_ provider: Provider) {
        providers[provider.code] = provider
        hasProviders = true
    }

    /// The company itself where the file names no head office.
    func headOffice(of code: CreditCode) -> CreditCode { companies[code]?.headOffice ?? code }

    func name(of code: CreditCode) -> String? { companies[code].flatMap { $0.name.isEmpty ? nil : $0.name } }

    /// Whether the company's bank account is also another's.
    func sharesAccount(_ code: CreditCode) -> Bool {
        companies[code]?.account.map { codesByAccount[$0]?.count ?? 0 > 1 } ?? false
    }

    func isListed(_ code: CreditCode, on day: CalendarDate) -> Bool {
        guard let provider = providers[code], provider.listedFrom <= day else { return false }
        return provider.listedUntil.map { day < $0 } ?? true
    }

    /// What two different companies share, in the order of ``Attribute/Kind``; empty when they are not related.
    func relation(_ one: CreditCode, _ other: CreditCode, by kinds: [Attribute.Kind]) -> [FieldMatch.Field] {
        guard one != other else { return [] }
        let (first, second) = (companies[one]?.attributes ?? [], companies[other]?.attributes ?? [])
        var shared = Attribute.Kind.allCases.filter { kind in
            kinds.contains(kind) && first.contains { $0.kind == kind && second.contains($0) }
        }.compactMap { FieldMatch.Field(rawValue: $0.rawValue) }
        if headOffice(of: one) == headOffice(of: other) { shared.append(.headOffice) }
        return shared
    }
}
