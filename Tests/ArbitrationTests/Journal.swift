import TestSupport
import VoucherDomain

@testable import Arbitration

/// A journal that is folded as it is written: each act takes the next position and is answered at once.
struct Journal {
    private(set) var fold = Fold()
    private(set) var entries: [JournalEntry] = []

    /// The position of the newest entry.
    var position: Int64 { Int64(entries.count) }

    /// Publishes the sample policy and issues, in each of three cities, `V1` to the buyer, `V2` to the supplier
    /// and `V3` to the other buyer.
    init() {
        publish(.sample())
        for city in [CityCode.beijing, .hangzhou, .shenzhen] {
            issue(.sample("V1"), in: city)
            issue(.sample("V2", for: .supplier), in: city)
            issue(.sample("V3", for: .otherBuyer), in: city)
        }
    }

    @discardableResult
    mutating func append(_ content: JournalEntry.Content, in city: CityCode) -> Outcome {
        let entry = JournalEntry.sample(position: position + 1, city: city, content)
        entries.append(entry)
        return fold.apply(entry)
    }

    @discardableResult
    mutating func file(_ claim: Claim, in city: CityCode) -> Outcome { append(.claimFiled(claim), in: city) }

    @discardableResult
    mutating func withdraw(_ number: String, in city: CityCode) -> Outcome {
        append(.claimWithdrawn(claimNumber: number), in: city)
    }

    @discardableResult
    mutating func issue(_ voucher: Voucher, in city: CityCode) -> Outcome { append(.voucherIssued(voucher), in: city) }

    @discardableResult
    mutating func publish(_ policy: Policy) -> Outcome { append(.policyPublished(policy), in: .registry) }
}

/// What an outcome says to the officer: the decision and its reasons, without the keys that stay in the registry.
struct Verdict: Hashable {
    let decision: Outcome.Decision
    let reasons: [Reason]

    init(_ decision: Outcome.Decision, _ reasons: [Reason] = []) {
        self.decision = decision
        self.reasons = reasons
    }
}

extension Outcome {
    var verdict: Verdict { Verdict(decision, reasons.map(\.withoutKey)) }
}

extension ClaimName {
    static func beijing(_ number: String) -> ClaimName { ClaimName(city: .beijing, number: number) }
    static func hangzhou(_ number: String) -> ClaimName { ClaimName(city: .hangzhou, number: number) }
    static func shenzhen(_ number: String) -> ClaimName { ClaimName(city: .shenzhen, number: number) }
}

extension Reason {
    var withoutKey: Reason { Reason(rule: rule, outcome: outcome, finding: finding, blocking: blocking) }

    /// A key that is held by others, under the rule that the sample policy has for it.
    static func held(_ kind: KeyKind, by blocking: [ClaimName], key: Key? = nil) -> Reason {
        let (rule, outcome): (String, Rule.Outcome) =
            switch kind {
            case .invoice: ("invoice-once", .block)
            case .contract: ("contract-one-city", .block)
            case .contractParties: ("both-sides", .hold)
            default: ("evidence-once", .hold)
            }
        return Reason(rule: rule, outcome: outcome, finding: .held(kind), blocking: blocking, key: key)
    }

    /// A cap that would be passed, under the rule that the sample policy has for it.
    static func over(
        _ kind: KeyKind, used: Money, adding: Money, capacity: Money, by blocking: [ClaimName] = []
    ) -> Reason {
        Reason(
            rule: capRule(kind), outcome: .block,
            finding: .overCapacity(kind, used: used, adding: adding, capacity: capacity), blocking: blocking)
    }

    /// A capacity stated differently from the one that stands.
    static func differs(_ kind: KeyKind, stated: Money, standing: Money) -> Reason {
        Reason(
            rule: capRule(kind), outcome: .flag,
            finding: .capacityDiffers(kind, stated: stated, standing: standing))
    }

    /// What the voucher itself says against the claim.
    static func voucher(_ finding: Finding) -> Reason {
        Reason(rule: "voucher-balance", outcome: .block, finding: finding)
    }

    static func outOfWindow(_ finding: Finding) -> Reason {
        Reason(rule: "out-of-window", outcome: .block, finding: finding)
    }

    static func overlapping(_ service: DayInterval, _ blocking: [ClaimName]) -> Reason {
        Reason(rule: "service-overlap", outcome: .hold, finding: .overlapping(service), blocking: blocking)
    }

    private static func capRule(_ kind: KeyKind) -> String {
        switch kind {
        case .voucher: "voucher-balance"
        case .contract: "invoice-sum-within-contract"
        case .invoice: "stack-cap"
        default: "enterprise-year-cap"
        }
    }
}
