import TestSupport
import VoucherDomain

@testable import Arbitration

extension Rule {
    /// The rule of one detector.
    static func detector(
        _ id: String, _ pattern: String, _ outcome: Outcome = .hold, _ set: (inout Parameters) -> Void = { _ in }
    ) -> Rule {
        var parameters = Parameters()
        set(&parameters)
        return Rule(id: id, pattern: pattern, primitive: .detector, parameters: parameters, outcome: outcome)
    }

    /// Every detector with numbers that suit the generated journals.
    static let detectors = [
        detector("invoice-alias", "D03"),
        detector("split-contracts", "D08") {
            $0.thresholdFen = 30_000
            $0.withinPermille = 50
        },
        detector("related-parties", "D10"),
        detector("shared-workload", "D11"),
        detector("moved-company", "D13", .flag),
        detector("typo-variant", "D14"),
        detector("wrong-name", "D15"),
        detector("forum-shopping", "D18") { $0.causes = ["out-of-window", "invoice-sum-within-contract"] },
        detector("cross-programme", "D19") { $0.barred = [["算力券", "训力券"]] },
        detector("price-outlier", "D22", .flag) { $0.leastPeers = 20 },
        detector("unlisted-provider", "listed", .flag),
    ]
}

extension Policy {
    /// The rules of the sample and these besides.
    static func sample(version: UInt32 = 2, with rules: [Rule]) -> Policy {
        let all = Rule.samples(yearCap: .yuan(10_000_000)) + rules
        return Policy(version: version, programmes: Programme.samples, rules: all)
    }
}

extension Journal {
    /// With one detector beside the rules of the sample.
    init(detecting rule: Rule) {
        self.init()
        publish(.sample(with: [rule]))
    }

    mutating func list(_ companies: Register.Company...) { append(.companiesListed(companies), in: .registry) }

    mutating func list(_ providers: Register.Provider...) { append(.providersListed(providers), in: .registry) }
}

extension Reason {
    /// What a detector found, under its rule.
    static func detected(
        _ rule: String, _ detection: Detection, as outcome: Rule.Outcome = .hold, by blocking: [ClaimName] = [],
        _ evidence: [FieldMatch]
    ) -> Reason {
        Reason(rule: rule, outcome: outcome, finding: .detected(detection, evidence), blocking: blocking)
    }
}

extension FieldMatch {
    static func same(_ field: Field) -> FieldMatch { FieldMatch(field, .same) }
    static func near(_ field: Field) -> FieldMatch { FieldMatch(field, .near) }
    static func differs(_ field: Field) -> FieldMatch { FieldMatch(field, .differs) }
}

extension Claim.Invoice {
    /// The invoice of that number, written as in the exchanged file.
    static func named(_ number: String, _ amount: Money = .yuan(100), on date: String? = nil) -> Claim.Invoice {
        Claim.Invoice(
            number: valid(try? InvoiceNumber(number)), amount: amount, issuedOn: date.map { valid(CalendarDate($0)) })
    }
}

extension Claim {
    /// The same claim with these fields.
    func stating(providerName: String? = nil, signedOn: String? = nil) -> Claim {
        Claim(
            number: number, filedAt: filedAt, voucherNumber: voucherNumber, enterprise: enterprise,
            enterpriseName: enterpriseName, provider: provider, providerName: providerName ?? self.providerName,
            contract: contract, contractText: contractText,
            contractSignedOn: signedOn.map { valid(CalendarDate($0)) } ?? contractSignedOn,
            contractAmount: contractAmount, service: service, resourceClass: resourceClass, cardHours: cardHours,
            invoices: invoices, claimed: claimed, bankReceipt: bankReceipt, usageProof: usageProof,
            cofundingGroup: cofundingGroup)
    }
}

extension Register.Attribute {
    /// The same seed is the same person, place, number or account.
    static func sample(_ kind: Kind, _ seed: UInt8 = 1) -> Register.Attribute {
        Register.Attribute(kind: kind, hash: [UInt8](repeating: seed, count: hashLength))
    }
}

extension Register.Company {
    static func sample(
        _ code: CreditCode, name: String = "", headOffice: CreditCode? = nil, _ attributes: [Register.Attribute] = []
    ) -> Register.Company {
        Register.Company(code: code, name: name, headOffice: headOffice, attributes: attributes)
    }
}

extension Register.Provider {
    static func sample(_ code: CreditCode, from: String, until: String? = nil) -> Register.Provider {
        Register.Provider(
            code: code, name: "", listedFrom: valid(CalendarDate(from)),
            listedUntil: until.map { valid(CalendarDate($0)) }, isStateRun: false)
    }
}

extension DayInterval {
    /// A month of the programme year before that of the samples, and one of the year after.
    static let lastYear = days("2025-06-01", "2025-07-01")
    static let nextYear = days("2027-06-01", "2027-07-01")
}
