import Arbitration
import FederationWire
import Replication
import TestSupport
import VoucherDomain

@testable import RegistryStore

/// The rule book in memory over a journal, and what the database must hold in consequence.
struct FoldedReference {
    private(set) var fold = Fold()
    private(set) var journal: [JournalEntry] = []
    private(set) var feed: [SealedFeedEntry] = []
    private(set) var claims: [ClaimName: StoredClaim] = [:]
    private(set) var holdings: [StoredHolding] = []
    private(set) var findings: [StoredFinding] = []
    private(set) var decisions: [Outcome.Decision] = []

    init(_ order: [Entry]) throws {
        var composer = FeedComposer(
            head: .empty, incarnations: Incarnations(numbers: [1], from: [1]), hasher: RegistrySecrets.test.hasher,
            detailMaster: RegistrySecrets.test.detailMaster)
        for (index, entry) in order.enumerated() {
            let journalEntry = JournalEntry(
                position: Int64(index) + 1, city: entry.city, id: entry.id.rawValue,
                content: PayloadCoding.content(of: entry), receivedAt: Int64(UInt64.noon),
                writtenAt: Int64(clamping: entry.time.milliseconds),
                feedPosition: Int64(clamping: entry.feedHead.position))
            journal.append(journalEntry)
            let outcome = fold.apply(journalEntry)
            feed.append(try composer.compose(entry, outcome, receivedAt: journalEntry.receivedAt))
            decisions.append(outcome.decision)
            try take(over: outcome, of: journalEntry)
        }
    }

    /// The policy that binds the next entry.
    var nextPolicy: Policy? {
        var fold = fold
        _ = fold.apply(.sample(position: Int64(journal.count) + 1, city: .registry, .act))
        return fold.ledger.policy
    }

    var nextPolicyVersion: UInt32? { nextPolicy?.version }

    private mutating func take(over outcome: Outcome, of entry: JournalEntry) throws {
        for effect in outcome.effects {
            claims[effect.name]?.state = effect.state
            if effect.state == .withdrawn { claims[effect.name]?.withdrawnAt = entry.position }
            for index in holdings.indices where holdings[index].holding.position == effect.position {
                holdings[index].take(effect)
            }
        }
        guard let name = outcome.claim else { return }
        guard case .claimFiled = entry.content, outcome.decision != .invalid else { return }
        claims[name] = StoredClaim(
            position: entry.position, state: outcome.decision, policyVersion: outcome.policyVersion,
            reasons: try outcome.reasons.stored(), caseID: outcome.caseID, withdrawnAt: nil)
        holdings += outcome.holdings.map { StoredHolding(holding: $0, isLive: !outcome.taken.isEmpty) }
        for reason in outcome.reasons {
            let blocking = reason.blocking.isEmpty ? [ClaimName(city: .registry, number: "")] : reason.blocking
            findings += blocking.map {
                StoredFinding(
                    position: entry.position, rule: reason.rule, outcome: reason.outcome.rawValue,
                    key: reason.key?.bytes ?? [], blocking: $0)
            }
        }
    }
}

/// A row of `claim`, as far as the fold decides it.
struct StoredClaim: Hashable {
    let position: Int64
    var state: Outcome.Decision
    let policyVersion: UInt32
    let reasons: [Reason]
    let caseID: String?
    var withdrawnAt: Int64?
}

/// A row of `claim_key`.
struct StoredHolding: Hashable {
    private(set) var holding: Holding
    private(set) var isLive: Bool

    init(holding: Holding, isLive: Bool) {
        self.holding = holding
        self.isLive = isLive
    }

    fileprivate mutating func take(_ effect: Outcome.Effect) {
        if !effect.state.isLive { isLive = false }
        let changed = effect.regrouped.first { $0.key == holding.key }
        guard let changed, isLive else { return }
        holding = Holding(
            key: holding.key, position: holding.position, claim: holding.claim, holder: holding.holder,
            group: changed.group,
            item: holding.item, amount: holding.amount, capacity: holding.capacity, interval: holding.interval)
    }
}

/// A row of `finding`.
struct StoredFinding: Hashable {
    let position: Int64
    let rule: String
    let outcome: String
    let key: [UInt8]
    let blocking: ClaimName
}

extension [Reason] {
    /// The reasons as they are stored beside the claim, where keys have no place.
    fileprivate func stored() throws -> [Reason] {
        isEmpty ? [] : try ReasonCoding.decode(ReasonCoding.encode(self)).reasons
    }
}
