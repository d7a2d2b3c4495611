import VoucherDomain

/// D15: a valid code with another company's name, or one bank account under two codes.
///
/// A name is held against the ownership file where the code is listed there, else against those under which the code
/// was claimed before. Does not fire on another spelling: legal forms, brackets and a few characters may differ; nor on
/// a name under which the code was reserved before, whatever wrong name came in between.
enum WrongName: Detector {
    static func traces(of filing: Filing, _ rule: Rule, _ register: Register) -> [Trace] {
        parties(filing).map(\.trace)
    }

    static func matches(_ view: DetectorView) -> [DetectorMatch] {
        let parties = parties(view.filing)
        var matches = parties.flatMap { nameMatches($0, view) }
        let codes = [view.filing.claim.enterprise, view.filing.claim.provider]
        if codes.contains(where: view.register.sharesAccount) {
            matches.append(DetectorMatch(detection: .sharedAccount, evidence: [.init(.account, .same)]))
        }
        return matches
    }

    private struct Party {
        let code: CreditCode
        let name: String
        let isBuyer: Bool

        var trace: Trace { Trace(.companyName, [code.rawValue]) }

        var evidence: [FieldMatch] {
            isBuyer
                ? [.init(.enterprise, .same), .init(.enterpriseName, .differs)]
                : [.init(.provider, .same), .init(.providerName, .differs)]
        }
    }

    /// Buyer and supplier, where they are named.
    private static func parties(_ filing: Filing) -> [Party] {
        let claim = filing.claim
        return [
            Party(code: claim.enterprise, name: claim.enterpriseName, isBuyer: true),
            Party(code: claim.provider, name: claim.providerName, isBuyer: false),
        ].filter { !$0.name.isEmpty }
    }

    /// Under what name a claim has a code, on either side.
    private static func name(of code: CreditCode, in filing: Filing) -> String? {
        let claim = filing.claim
        if claim.enterprise == code, !claim.enterpriseName.isEmpty { return claim.enterpriseName }
        return claim.provider == code && !claim.providerName.isEmpty ? claim.providerName : nil
    }

    private static func nameMatches(_ party: Party, _ view: DetectorView) -> [DetectorMatch] {
        if let listed = view.register.name(of: party.code) {
            return CompanyName.isOther(party.name, listed)
                ? [DetectorMatch(detection: .wrongName, evidence: party.evidence)] : []
        }
        let isKnown = view.neighbours.contains { neighbour in
            guard neighbour.isLive, neighbour.state != .held else { return false }
            return name(of: party.code, in: neighbour).map { $0 == party.name } ?? false
        }
        if isKnown { return [] }
        return DetectorMatch.gathered(.wrongName, view.live) { neighbour in
            name(of: party.code, in: neighbour).flatMap {
                CompanyName.isOther(party.name, $0) ? party.evidence : nil
            }
        }
    }

    /// So many live claims under one name are enough to find it, though some of them be withdrawn later.
    private static let enough = 8

    /// A name that enough neighbours use already need not be found once more: a supplier's thousandth claim looks at a
    /// handful.
    static func tracesLeft(_ view: DetectorView, _ reasons: [Reason]) -> [Trace] {
        guard view.filing.isLive else { return [] }
        return zip(parties(view.filing), view.traces).filter { party, _ in
            view.neighbours.count { $0.isLive && name(of: party.code, in: $0).map { $0 == party.name } ?? false }
                < enough
        }.map(\.1)
    }

    static func fault(_ parameters: Rule.Parameters) -> String? { nil }
}

/// Company names as they are compared.
enum CompanyName {
    /// Without legal form, brackets and spaces.
    private static func core(_ name: String) -> [Unicode.Scalar] {
        var text = Normaliser.code(name)
        for form in ["股份有限公司", "有限责任公司", "有限公司", "公司", "CO.,LTD.", "CO.,LTD", "LTD.", "LTD", "INC."] {
            text = String(text.trimmingSuffix(form))
        }
        return text.unicodeScalars.filter { !"()（）〔〕[]·.,，".unicodeScalars.contains($0) }
    }

    /// Whether these are names of two companies: neither is part of the other, and more than a third differs.
    static func isOther(_ one: String, _ other: String) -> Bool {
        // Nearly always the very same.
        one != other && isOther(core(one), core(other))
    }

    private static func isOther(_ one: [Unicode.Scalar], _ other: [Unicode.Scalar]) -> Bool {
        guard !one.isEmpty, !other.isEmpty, one != other else { return false }
        let (short, long) = one.count <= other.count ? (one, other) : (other, one)
        if short.count >= 2, long.indices.dropLast(short.count - 1).contains(where: { long[$0...].starts(with: short) })
        {
            return false
        }
        var common = 0
        var rest = long
        for scalar in short {
            guard let index = rest.firstIndex(of: scalar) else { continue }
            rest.remove(at: index)
            common += 1
        }
        return common * 3 < long.count * 2
    }
}

extension String {
    fileprivate func trimmingSuffix(_ suffix: String) -> Substring {
        hasSuffix(suffix) ? dropLast(suffix.count) : self[...]
    }
}
