import Replication
import TestSupport
import VoucherDomain

@testable import Arbitration

/// Makes journals full of cases: few identifiers are shared by many claims, and what cities and operators do next is
/// chosen by what the fold knows so far, mostly sensibly.
struct CaseWalk {
    /// Low enough that some rulings need two persons and others do not.
    static let terms = CaseTerms(answerWorkingDays: 3, twoPersonFen: 6_000)

    private static let cities = [CityCode.beijing, .hangzhou, .shenzhen]
    private static let day: Int64 = 86_400_000

    private(set) var journal = CaseJournal(CaseWalk.terms)
    private var numbers: SeededGenerator
    private var filed: [ClaimName] = []

    init(seed: UInt64) { numbers = SeededGenerator(seed: seed) }

    /// A journal of that many entries.
    static func journal(seed: UInt64, length: Int) -> [JournalEntry] {
        var walk = CaseWalk(seed: seed)
        while walk.journal.entries.count < length { walk.step() }
        return walk.journal.entries
    }

    private mutating func step() {
        if numbers.once(in: 4) { journal.clock += Self.day }
        switch numbers.number(below: 20) {
        case 0...8: file()
        case 9, 10: withdraw()
        case 11, 12: answer()
        case 13...16: rule()
        case 17: journal.reopen(anyCase())
        default:
            let tick = Tick(
                wallMilliseconds: journal.clock, intervalMilliseconds: Int64(numbers.number(below: 2)) * 900_000)
            journal.append(.ticked(tick))
        }
    }

    // MARK: Claims

    private mutating func file() {
        let city = numbers.pick(Self.cities)
        // Now and then a number is used again.
        let number = "C\(numbers.once(in: 25) ? numbers.number(below: filed.count + 1) : filed.count)"
        filed.append(ClaimName(city: city, number: number))
        let resource = numbers.pick(["", "", "", "H20", "910B"])
        let receipt = numbers.pick(["", "", "R1", "R2", "R3", "R4"])
        let proof = numbers.once(in: 4) ? [UInt8](repeating: UInt8(numbers.number(below: 4)), count: 32) : []
        let claim = Claim.sample(
            number, service: numbers.pick([.june, .july]), resource: resource, invoices: invoices(),
            claimed: .yuan(Int64(numbers.pick([5, 10, 20, 40]))), receipt: receipt, proof: proof,
            group: numbers.pick(["", "", "G", "H"]))
        // Now and then a city was offline for some days.
        let days = numbers.once(in: 4) ? Int64(numbers.number(below: 4)) : 0
        journal.append(.claimFiled(claim), in: city, daysAgo: days)
    }

    private mutating func invoices() -> [Claim.Invoice] {
        var serials = [numbers.number(below: 40)]
        let other = numbers.number(below: 40)
        if numbers.once(in: 3), other != serials[0] { serials.append(other) }
        return serials.map { .serial($0) }
    }

    private mutating func withdraw() {
        if filed.isEmpty || numbers.once(in: 20) {
            journal.withdraw(.beijing("never filed"))
        } else {
            journal.withdraw(numbers.pick(filed))
        }
    }

    // MARK: Cases

    private var cases: [ConflictCase] { journal.fold.ledger.cases.values.sorted { $0.position < $1.position } }

    /// A case, open or closed, and now and then none at all.
    private mutating func anyCase() -> String {
        cases.isEmpty || numbers.once(in: 20) ? "22222-2" : numbers.pick(cases.map(\.id))
    }

    private mutating func answer() {
        journal.answer(anyCase(), numbers.pick(CaseAnswer.Kind.allCases), by: numbers.pick(Self.cities))
    }

    private mutating func rule() {
        let open = cases.filter { !$0.isClosed }
        guard !open.isEmpty, !numbers.once(in: 8) else {
            journal.rule(anyCase(), keep: filed.isEmpty ? [] : [numbers.pick(filed)])
            return
        }
        let conflict = numbers.pick(open)
        let name = numbers.pick(["李", "王"])
        if let proposal = conflict.proposal, !numbers.once(in: 3) {
            journal.rule(conflict.id, keep: proposal.kept, out: proposal.ruledOut, proposal.code, by: name)
            return
        }
        var (kept, ruledOut): ([ClaimName], [ClaimName]) = ([], [])
        for party in conflict.parties where party.isLive || numbers.once(in: 4) {
            if numbers.once(in: 3) { ruledOut.append(party.claim) } else { kept.append(party.claim) }
        }
        if numbers.once(in: 10) { kept.append(numbers.pick(filed)) }
        if numbers.once(in: 10) { kept = Array(kept.dropLast()) }
        journal.rule(conflict.id, keep: kept, out: ruledOut, numbers.pick(Ruling.Code.allCases), by: name)
    }
}
