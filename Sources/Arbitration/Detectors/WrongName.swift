import VoucherDomain

/// D15: a valid code with another company's name, or one bank account under two codes.
///
/// A name is held against the ownership file where the code is listed there, else against those under which the code
/// was claimed before. Does not fire on another spelling: legal forms, brackets and a few characters may differ; nor on
/// a name under which the code was reserved before, whatever wrong name came in between.
enum WrongName: Detector {
    static func traces(of filing: Filing, _ rule: Rule, _ register: Register) -> [Trace] {
        parties(filing).filter { !$0.name.isEmpty }.map { Trace(.companyName, [$0.code.rawValue]) }
    }

    static func matches(_ view: DetectorView) -> [DetectorMatch] {
        var matches: [DetectorMatch] = []
        for party in parties(view.filing) {
            matches += nameMatches(party, view)
        }
        if parties(view.filing).contains(where: { view.register.sharesAccount($0.code) }) {
            matches.append(DetectorMatch(detection: .sharedAccount, evidence: [.init(.account, .same)]))
        }
        return matches
    }

    private struct Party {
        let code: CreditCode
        let name: [Unicode.Scalar]
        let evidence: [FieldMatch]
    }

    private static func parties(_ filing: Filing) -> [Party] {
        let claim = filing.claim
        return [
            Party(
                code: claim.enterprise, name: CompanyName.core(claim.enterpriseName),
                evidence: [.init(.enterprise, .same), .init(.enterpriseName, .differs)]),
            Party(
                code: claim.provider, name: CompanyName.core(claim.providerName),
                evidence: [.init(.provider, .same), .init(.providerName, .differs)]),
        ]
    }

    private static func nameMatches(_ party: Party, _ view: DetectorView) -> [DetectorMatch] {
        guard !party.name.isEmpty else { return [] }
        if let listed = view.register.name(of: party.code) {
            return CompanyName.isOther(party.name, CompanyName.core(listed))
                ? [DetectorMatch(detection: .wrongName, evidence: party.evidence)] : []
        }
        func uses(_ neighbour: Filing) -> Bool {
            parties(neighbour).contains { $0.code == party.code && $0.name == party.name }
        }
        if view.live.contains(where: { $0.state == .reserved && uses($0) }) { return [] }
        return DetectorMatch.gathered(.wrongName, view.live) { neighbour in
            let other = parties(neighbour).first { $0.code == party.code && !$0.name.isEmpty }
            return other.flatMap { CompanyName.isOther(party.name, $0.name) ? party.evidence : nil }
        }
    }

    /// So many live claims under one name are enough to find it, though some of them be withdrawn later.
    private static let enough = 8

    /// A claim whose names enough neighbours use already need not be found for them: a supplier's thousandth claim looks
    /// at a handful.
    static func leavesTraces(_ view: DetectorView, _ reasons: [Reason]) -> Bool {
        guard view.filing.isLive else { return false }
        let known = view.live.flatMap(parties)
        return !parties(view.filing).allSatisfy { party in
            party.name.isEmpty || known.count { $0.code == party.code && $0.name == party.name } >= enough
        }
    }

    static func fault(_ parameters: Rule.Parameters) -> String? { nil }
}

/// Company names as they are compared.
enum CompanyName {
    /// Without legal form, brackets and spaces.
    static func core(_ name: String) -> [Unicode.Scalar] {
        var text = Normaliser.code(name)
        for form in ["股份有限公司", "有限责任公司", "有限公司", "公司", "CO.,LTD.", "CO.,LTD", "LTD.", "LTD", "INC."] {
            text = String(text.trimmingSuffix(form))
        }
        return text.unicodeScalars.filter { !"()（）〔〕[]·.,，".unicodeScalars.contains($0) }
    }

    /// Whether these are names of two companies: neither is part of the other, and more than a third differs.
    static func isOther(_ one: [Unicode.Scalar], _ other: [Unicode.Scalar]) -> Bool {
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
