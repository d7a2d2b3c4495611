package import Arbitration
import Replication
package import VoucherDomain

/// Makes journals in which few identifiers are shared by many claims, so that every rule is broken often and every
/// detector finds something.
package struct JournalGenerator {
    private var numbers: SeededGenerator
    /// Whether claims may state other amounts for an invoice or a contract than the claims before them.
    private let statesOtherAmounts: Bool
    private let policy: Policy
    private var filed: [ClaimName] = []

    private static let cities = [CityCode.beijing, .hangzhou, .shenzhen]
    private static let companies = [CreditCode.buyer, .supplier, .otherBuyer]
    /// Low enough that each enterprise reaches it with a few live claims; for the policy.
    package static let yearCap = Money.yuan(250)

    /// - Parameter policy: What the journal begins with.
    package init(seed: UInt64, statesOtherAmounts: Bool, policy: Policy) {
        numbers = SeededGenerator(seed: seed)
        self.statesOtherAmounts = statesOtherAmounts
        self.policy = policy
    }

    /// A journal of that many entries: policy and vouchers first, then mostly claims and withdrawals.
    package mutating func journal(length: Int) -> [JournalEntry] {
        var acts: [(city: CityCode, content: JournalEntry.Content)] = []
        acts.append((.registry, .policyPublished(policy)))
        for (place, city) in Self.cities.enumerated() {
            for index in Self.companies.indices {
                let programme = (place + index).isMultiple(of: 2) ? "算力券" : "训力券"
                acts.append((city, .voucherIssued(voucher(index, programme: programme))))
            }
        }
        while acts.count < length { acts.append(act()) }
        return acts.enumerated().map { index, act in
            .sample(position: Int64(index) + 1, city: act.city, act.content)
        }
    }

    private func voucher(
        _ company: Int, programme: String = "算力券", faceValue: Money = .yuan(400)
    ) -> Voucher {
        .sample(
            "V\(company)", for: Self.companies[company], programme: programme, faceValue: faceValue,
            validity: .days("2026-01-01", "2027-03-01"))
    }

    private mutating func act() -> (city: CityCode, content: JournalEntry.Content) {
        let city = numbers.pick(Self.cities)
        switch numbers.number(below: 42) {
        case 40: return (.registry, .companiesListed([company()]))
        case 41: return (.registry, .providersListed([provider()]))
        case 0: return (city, .act)
        case 1: return (city, numbers.once(in: 2) ? .unsupported : .faulty("cut short"))
        case 2: return (city, .voucherIssued(voucher(0, faceValue: numbers.pick([.yuan(400), .yuan(500)]))))
        case 3: return (city, .claimWithdrawn(claimNumber: "never filed"))
        case 4..<16 where !filed.isEmpty:
            let name = numbers.pick(filed)
            return (name.city, .claimWithdrawn(claimNumber: name.number))
        default: return (city, .claimFiled(claim(in: city)))
        }
    }

    private mutating func company() -> Register.Company {
        let attributes = Register.Attribute.Kind.allCases.compactMap { kind -> Register.Attribute? in
            guard numbers.once(in: 4) else { return nil }
            return Register.Attribute(kind: kind, hash: [UInt8](repeating: UInt8(numbers.number(below: 2)), count: 16))
        }
        return Register.Company(
            code: numbers.pick(Self.companies), name: numbers.pick(["", "银达深智能科技有限公司"]),
            headOffice: numbers.once(in: 6) ? numbers.pick(Self.companies) : nil, attributes: attributes)
    }

    private mutating func provider() -> Register.Provider {
        Register.Provider(
            code: numbers.pick(Self.companies), name: "", listedFrom: valid(CalendarDate("2026-03-01")),
            listedUntil: numbers.once(in: 2) ? valid(CalendarDate("2026-10-01")) : nil, isStateRun: false)
    }

    private mutating func claim(in city: CityCode) -> Claim {
        let isRepeated = numbers.once(in: 25)
        let number = isRepeated ? "C\(numbers.number(below: filed.count + 1))" : "C\(filed.count)"
        filed.append(ClaimName(city: city, number: number))
        let buyer = numbers.number(below: 3)
        let supplier = (buyer + 1 + numbers.number(below: 2)) % 3
        let contract = numbers.pick(["1", "01", "001", "2", "3", "4", "5", "6", "7", "8", "9"])
        // Just under the threshold from which contracts are looked at together.
        let contractAmount = ["7", "8", "9"].contains(contract) ? Money.yuan(295) : .yuan(400)
        return .sample(
            number, voucher: "V\(numbers.once(in: 20) ? numbers.number(below: 5) : buyer)",
            buyer: Self.companies[buyer], supplier: Self.companies[supplier],
            contract: contract, contractAmount: amount(contractAmount), service: service(),
            resource: numbers.pick(["", "H20", "910B"]), hours: Int64(1 + numbers.number(below: 9)),
            buyerName: numbers.pick(["", "", "银达深智能科技", "银达深智能科技", "远安海新材料"]), invoices: invoices(),
            claimed: .yuan(Int64(numbers.pick([5, 10, 20, 40, 120])), fen: Int64(numbers.number(below: 100))),
            receipt: numbers.pick(["", "", "", "B1", "B2", "B3", "B4"]), proof: proof(),
            group: numbers.pick(["", "", "", "G", "G", "H"]))
    }

    private mutating func amount(_ usual: Money) -> Money {
        guard statesOtherAmounts, numbers.once(in: 4) else { return usual }
        return Money(rawValue: usual.rawValue / 2 + Int64(numbers.number(below: Int(usual.rawValue))))
    }

    private mutating func service() -> DayInterval {
        let month = numbers.number(below: 15)
        let first = valid(CalendarDate(year: 2026 + Int32(month / 12), month: Int32(month % 12) + 1, day: 1))
        let days = Int32(10 + numbers.number(below: 50))
        return valid(DayInterval(from: first, until: CalendarDate(rawValue: first.rawValue + days)))
    }

    private mutating func invoices() -> [Claim.Invoice] {
        var serials: [Int] = []
        for _ in 0...numbers.number(below: 3) {
            let serial = numbers.number(below: 25)
            if !serials.contains(serial) { serials.append(serial) }
        }
        return serials.map { serial in
            numbers.once(in: 12)
                ? .slip(of: serial, amount(.yuan(50 + Int64(serial))))
                : .serial(serial, amount(.yuan(50 + Int64(serial))), numbers.pick(Claim.Invoice.Naming.allCases))
        }
    }

    private mutating func proof() -> [UInt8] {
        numbers.once(in: 2) ? [] : [UInt8](repeating: UInt8(numbers.number(below: 5)), count: 32)
    }

    /// Cuts a journal into batches of one to eight entries.
    package mutating func batches(of journal: [JournalEntry]) -> [[JournalEntry]] {
        var batches: [[JournalEntry]] = []
        var rest = journal[...]
        while !rest.isEmpty {
            let size = 1 + numbers.number(below: 8)
            batches.append(Array(rest.prefix(size)))
            rest = rest.dropFirst(size)
        }
        return batches
    }
}
