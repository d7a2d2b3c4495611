package import Arbitration
import Replication
import VoucherDomain

/// Makes journals full of payments: few identifiers are shared by many claims, and what cities, bank and operators do
/// next is chosen by what the fold knows so far, mostly sensibly.
package struct PaymentWalk {
    package static let terms = PaymentTerms(dwellSeconds: 1_800, witnessCities: 1)

    package private(set) var journal = PaymentJournal(PaymentWalk.terms)
    private var numbers: SeededGenerator
    private var filed: [ClaimName] = []

    package init(seed: UInt64) { numbers = SeededGenerator(seed: seed) }

    /// A journal of that many entries.
    package static func journal(seed: UInt64, length: Int) -> [JournalEntry] {
        var walk = PaymentWalk(seed: seed)
        while walk.journal.entries.count < length { walk.step() }
        return walk.journal.entries
    }

    private mutating func step() {
        switch numbers.number(below: 24) {
        case 0...5: file()
        case 6...9: request()
        case 10...13: tick()
        case 14...19: bank()
        case 20: withdraw()
        case 21, 22: rule()
        default: change()
        }
    }

    // MARK: Claims

    private mutating func file() {
        let city = numbers.pick(PaymentJournal.cities)
        let number = "C\(filed.count)"
        filed.append(ClaimName(city: city, number: number))
        let contract = numbers.once(in: 5) ? numbers.pick(["HT-1", "HT-2"]) : nil
        let proof = numbers.once(in: 6) ? [UInt8](repeating: UInt8(numbers.number(below: 4)), count: 32) : []
        let claim = Claim.sample(
            number, contract: contract, service: numbers.pick([.june, .july]),
            resource: numbers.pick(["", "", "", "", "", "H20"]), invoices: invoices(),
            claimed: .yuan(Int64(numbers.pick([5, 10, 20]))),
            receipt: numbers.pick(["", "", "", "", "R1", "R2", "R3"]), proof: proof,
            group: numbers.pick(["", "", "", "G"]))
        // Now and then a city was offline; what it has seen of the feed shows how long at most.
        let hours = numbers.once(in: 3) ? Int64(numbers.number(below: 3)) : 0
        let known = numbers.once(in: 2) ? Int64(numbers.number(below: Int(journal.position))) : 0
        journal.file(claim, in: city, hoursAgo: hours, knowing: known)
    }

    private mutating func invoices() -> [Claim.Invoice] {
        var serials = [numbers.number(below: 50)]
        let other = numbers.number(below: 50)
        if numbers.once(in: 3), other != serials[0] { serials.append(other) }
        return serials.map { .serial($0) }
    }

    private mutating func withdraw() {
        guard !filed.isEmpty else { return }
        journal.withdraw(numbers.pick(filed))
    }

    private mutating func rule() {
        let open = journal.fold.ledger.cases.values.filter { !$0.isClosed }.sorted { $0.position < $1.position }
        guard !open.isEmpty else { return }
        let conflict = numbers.pick(open)
        var (kept, ruledOut): ([ClaimName], [ClaimName]) = ([], [])
        for party in conflict.parties where party.isLive || numbers.once(in: 4) {
            if numbers.once(in: 3) { ruledOut.append(party.claim) } else { kept.append(party.claim) }
        }
        journal.rule(conflict.id, keep: kept, out: ruledOut)
    }

    // MARK: Payments

    /// Mostly for a claim that can be paid, now and then for any.
    private mutating func request() {
        let live = filed.filter { name in
            guard let state = journal.state(of: name), state == .reserved || state == .held else { return false }
            return journal[name] == nil || journal[name]?.stage == .failed
        }
        let among = live.isEmpty || numbers.once(in: 8) ? filed : live
        guard !among.isEmpty else { return }
        journal.request(numbers.pick(among))
    }

    /// One step of the bank's on a payment, mostly the next one.
    private mutating func bank() {
        let payments = journal.fold.ledger.payments.all.filter { $0.authorization != nil }
        guard !payments.isEmpty else { return }
        let payment = numbers.pick(payments)
        let reference = numbers.once(in: 12) ? PaymentReference.sample : journal.reference(of: payment.claim)
        if numbers.once(in: 10) { return anything(payment.claim, reference) }
        if payment.isBarred, payment.stage.isAuthorized { return fail(payment.claim, reference) }
        switch payment.stage {
        case .requested: journal.request(payment.claim)
        case .authorized: if numbers.once(in: 3) { anything(payment.claim, reference) } else { tick() }
        case .released: journal.submit(payment.claim, under: reference)
        case .submitted: if numbers.once(in: 3) { fail(payment.claim, reference) } else { confirm(payment, reference) }
        case .paid: refund(payment, reference)
        case .failed: journal.request(payment.claim)
        case .reversed: anything(payment.claim, reference)
        }
    }

    private mutating func anything(_ name: ClaimName, _ reference: PaymentReference) {
        switch numbers.number(below: 4) {
        case 0: journal.submit(name, under: reference)
        case 1: journal.confirm(name, numbers.pick(["T1", "T2"]), .yuan(10), under: reference)
        case 2: fail(name, reference)
        default: journal.refund(name, numbers.pick(["R1", "R2"]), .yuan(5), under: reference)
        }
    }

    private mutating func confirm(_ payment: Payment, _ reference: PaymentReference) {
        let due = payment.authorization?.amount ?? .zero
        let amount = numbers.once(in: 10) ? Money(rawValue: due.rawValue + 1) : due
        journal.confirm(payment.claim, numbers.pick(["T1", "T2"]), amount, under: reference)
    }

    private mutating func fail(_ name: ClaimName, _ reference: PaymentReference) {
        journal.fail(name, numbers.pick(PaymentAct.Failure.allCases), under: reference)
    }

    /// Half of what is out, all of it, or a fen more.
    private mutating func refund(_ payment: Payment, _ reference: PaymentReference) {
        let out = (payment.authorization?.amount.rawValue ?? 0) - payment.refunded.rawValue
        let amount = numbers.pick([max(1, out / 2), out, out, out + 1])
        let transaction = numbers.once(in: 8) ? "R0" : "R\(payment.refunds.count)"
        journal.refund(payment.claim, transaction, Money(rawValue: amount), under: reference)
    }

    // MARK: Cities

    /// Time passes; some cities have told nearly everything and have nearly the whole feed.
    private mutating func tick() {
        var reports: [CityReport] = []
        for city in PaymentJournal.cities where !numbers.once(in: 3) {
            reports.append(
                CityReport(
                    city: city, watermark: journal.clock - Int64(numbers.number(below: 600_000)),
                    feedPosition: max(0, journal.position - Int64(numbers.number(below: 10)))))
        }
        journal.tick(milliseconds: numbers.pick([0, 60_000, 300_000, 900_000, 5_000_000]), reports)
    }

    private mutating func change() {
        let city = numbers.pick(PaymentJournal.cities)
        journal.change(city, numbers.pick([.suspended, .reinstated, .reinstated]))
    }
}
