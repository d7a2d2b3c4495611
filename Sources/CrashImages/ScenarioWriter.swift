import Arbitration
import CityStore
import FederationWire
import Replication
import VoucherDomain

/// Decides, from a seed and what the store has answered, what officers and the node do next.
struct ScenarioWriter {
    private var random: SeededGenerator
    private var federation: ScenarioFederation
    /// Calls that follow from earlier ones.
    private var next: [StoreCall] = [.establish, .issue([ScenarioForms.voucher])]
    private var claims = 0
    private var serial = 0
    /// Where the store's cursor is.
    private var cursor = FeedHead.empty
    private let merges: Bool
    private var branch: Branch?
    /// The last recovery of the registry; the first incarnation was none.
    private var recovery: UInt32 = 1

    /// A registry that went on apart from the one that the city follows, and will be the one that stands.
    private struct Branch {
        var federation: ScenarioFederation
        /// The last head that both have.
        let common: FeedHead
    }

    /// - Parameter merges: Whether time and again two registries go on apart, and the city follows the one that does not stand.
    init(seed: UInt64, merges: Bool) throws {
        random = SeededGenerator(seed: seed)
        federation = try ScenarioFederation()
        self.merges = merges
    }

    /// The next call; `store` is only looked at.
    mutating func nextCall(_ store: CityStore) throws -> StoreCall {
        if next.isEmpty { next = try plan(store) }
        return next.isEmpty ? newClaims(1) : next.removeFirst()
    }

    /// Takes note of what came of a call.
    mutating func note(_ answer: StoreAnswer, to call: StoreCall) throws {
        if case .apply(_, let sealed) = call { cursor = sealed }
        if case .goBack(let call) = call { try followStanding(call, answer) }
        guard case .batch(let batch?) = answer else { return }
        // What one registry has received the other one gets when they are merged.
        _ = try branch?.federation.receive(batch)
        let (receipt, signed) = try federation.receive(batch)
        next.append(.keep(receipt, signed, reported: batch.seal.feedHead))
        if number(below: 4) > 0 { try federation.decide(atMost: number(below: 2) == 0 ? 2 : .max) }
        next += pages()
    }

    // MARK: What is done

    private mutating func plan(_ store: CityStore) throws -> [StoreCall] {
        serial += 1
        if merges, let calls = try merge() { return calls }
        switch number(below: 20) {
        case 0..<6: return [newClaims(1)]
        case 6..<8: return [newClaims(2 + number(below: 10))]
        case 8: return repeatedClaims()
        case 9..<13: return [.seal]
        case 13: return try withdrawal(store)
        case 14..<16: return try payment(store)
        case 16: return [number(below: 2) == 0 ? .remember("request-\(serial)") : letter()].compactMap { $0 }
        case 17: return [.restart]
        case 18: return newEpoch()
        default:
            // Of an invoice that this city may name next.
            try federation.fileElsewhere(claims + number(below: 3))
            return pages()
        }
    }

    /// In every fifth plan two registries go on apart; three plans later they are merged, and the city goes back.
    ///
    /// - Returns: `nil` where nothing of the kind is due.
    private mutating func merge() throws -> [StoreCall]? {
        if serial % 5 == 2 {
            var other = federation
            // Neither hears of the claim that the other one is told of.
            try other.fileElsewhere(claims + 3)
            branch = Branch(federation: other, common: federation.head)
            try federation.fileElsewhere(claims + number(below: 3))
            return pages()
        }
        guard serial % 5 == 0, let branch else { return nil }
        recovery += 1
        let call = ScenarioFederation.call(recovery)
        let wayBack = RecoveryCall.WayBack(from: cursor, to: branch.common)
        return [
            .promise(call, try ScenarioFederation.sign(call)),
            .goBack(ScenarioFederation.call(recovery, wayBack: wayBack)),
        ]
    }

    /// The city has gone back: from now on it follows the registry that stands, which decides all that the city has said.
    private mutating func followStanding(_ call: RecoveryCall, _ answer: StoreAnswer) throws {
        guard case .wentBack(true) = answer, let wayBack = call.wayBack, let standing = branch?.federation else {
            throw Violation(invariant: "recovery", text: "the store does not go back to where both registries agreed")
        }
        cursor = wayBack.to
        federation = standing
        branch = nil
        try federation.decide(atMost: .max)
        next += pages()
    }

    private mutating func newClaims(_ count: Int) -> StoreCall {
        let rows = (0..<count).map { row in
            claims += 1
            return ScenarioForms.claim(
                claims, number: "SZ-\(claims)", line: count > 1 ? row + 2 : nil,
                claimed: number(below: 20) == 0 ? "-1" : "20000.00")
        }
        return .file(rows)
    }

    /// Claims of before, one of them otherwise, and a new one.
    private mutating func repeatedClaims() -> [StoreCall] {
        guard claims > 1 else { return [] }
        let known = 1 + number(below: claims)
        let changed = 1 + number(below: claims)
        claims += 1
        return [
            .file([
                ScenarioForms.claim(known, number: "SZ-\(known)"),
                ScenarioForms.claim(changed, number: "SZ-\(changed)", claimed: "30000.00"),
                ScenarioForms.claim(claims, number: "SZ-\(claims)"),
            ])
        ]
    }

    private mutating func withdrawal(_ store: CityStore) throws -> [StoreCall] {
        let numbers = try store.claimStates().filter { ["recorded", "received", "reserved"].contains($0.state) }
            .map(\.number)
        guard !numbers.isEmpty else { return [] }
        return [.withdraw(numbers[number(below: numbers.count)])]
    }

    /// The next step of the last payment, or the first of a new one.
    private mutating func payment(_ store: CityStore) throws -> [StoreCall] {
        let payments = try store.payments(limit: 100)
        if let waiting = payments.last(where: { ["requested", "released", "submitted"].contains($0.stage) }) {
            switch waiting.stage {
            case "requested":
                try federation.hearCities()
                return pages()
            case "released": return [.pay(.submit, claim: waiting.claimNumber), .seal]
            default:
                let record = PaymentAct.BankRecord(
                    transaction: "工行\(waiting.claimNumber)", amount: waiting.amount, day: CalendarDate(rawValue: 20_600)
                )
                return [.pay(.confirm(record), claim: waiting.claimNumber), .seal]
            }
        }
        let reserved = try store.claims(.init(state: "reserved"), limit: 100).map(\.number)
        guard !reserved.isEmpty else { return [.seal] }
        return [.pay(.request, claim: reserved[number(below: reserved.count)]), .seal]
    }

    private mutating func letter() -> StoreCall? {
        guard claims > 0, let invoice = try? InvoiceNumber(ScenarioForms.invoice(1 + number(below: claims))),
            let red = try? InvoiceNumber(ScenarioForms.invoice(5_000 + serial))
        else { return nil }
        return .tell(
            RedLetter(
                invoice: invoice, number: red, amount: Money(rawValue: 100), issuedOn: CalendarDate(rawValue: 20_600)))
    }

    /// Another process is granted another epoch.
    private func newEpoch() -> [StoreCall] {
        let nonce = [UInt8](repeating: UInt8(truncatingIfNeeded: serial), count: 16)
        let epoch = Epoch(incarnation: 1, counter: UInt32(serial) + 1, nonce: UInt64(serial))
        let grant = Grant(city: ScenarioFederation.city, epoch: epoch, processNonce: nonce, version: 1)
        return [.restart, .hello(nonce), .adopt(grant)]
    }

    /// The feed behind the cursor, in one page or several.
    private mutating func pages() -> [StoreCall] {
        var pages: [StoreCall] = []
        var head = cursor
        while true {
            let page = federation.page(after: head, atMost: 1 + number(below: 8))
            guard let last = page.last else { return pages }
            head = last.head
            pages.append(.apply(page, sealed: head))
        }
    }

    private mutating func number(below bound: Int) -> Int { Int.random(in: 0..<bound, using: &random) }
}
