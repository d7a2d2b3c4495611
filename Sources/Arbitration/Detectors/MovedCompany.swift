import VoucherDomain

/// D13: one company, or a branch and its head office, claims in two cities in one programme year.
///
/// Legal in itself, so by default a flag. Does not fire within a declared co-funding group.
enum MovedCompany: Detector {
    static func traces(of filing: Filing, _ rule: Rule, _ register: Register) -> [Trace] {
        // Under both: the ownership file may name the head office only later.
        Set([filing.claim.enterprise, register.headOffice(of: filing.claim.enterprise)]).sorted().map {
            Trace(.companyYear, [$0.rawValue, String(filing.year)])
        }
    }

    static func matches(_ view: DetectorView) -> [DetectorMatch] {
        let own = view.register.headOffice(of: view.filing.claim.enterprise)
        return DetectorMatch.gathered(.movedCompany, view.live) { neighbour in
            guard neighbour.name.city != view.filing.name.city, neighbour.year == view.filing.year,
                !neighbour.sharesGroup(view.filing)
            else { return nil }
            if neighbour.claim.enterprise == view.filing.claim.enterprise { return [.init(.enterprise, .same)] }
            return view.register.headOffice(of: neighbour.claim.enterprise) == own ? [.init(.headOffice, .same)] : nil
        }
    }

    static func fault(_ parameters: Rule.Parameters) -> String? { nil }
}
