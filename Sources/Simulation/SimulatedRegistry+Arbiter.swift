import Arbitration
import FederationWire
import Replication
import VoucherDomain

/// The arbiter: folds what waits, in the order in which it was committed, and writes the feed.
extension SimulatedRegistry {
    /// Decides the oldest batches.
    ///
    /// - Parameter batches: The most to take.
    mutating func decide(batches: Int) throws {
        for batch in waiting.prefix(batches) {
            for (entry, fault) in batch.entries {
                let seen = JournalEntry(
                    position: Int64(feed.count + 1), city: entry.city, id: entry.id.rawValue,
                    content: PayloadCoding.content(of: entry, rejectedFor: fault), receivedAt: Int64(batch.receivedAt),
                    writtenAt: Int64(clamping: entry.time.milliseconds),
                    feedPosition: Int64(clamping: entry.feedHead.position))
                let outcome = fold.apply(seen)
                let sealed = try composer.compose(entry, outcome, receivedAt: seen.receivedAt)
                feed.append(sealed)
                journal.append((entry, seen))
                let fact = DecisionFact(entry, seen, outcome, sealed)
                events.append(.decided(fact))
                let occasions = occasions(of: fact, outcome)
                events += occasions.map(History.Event.sometimes)
            }
            guard let last = batch.entries.last?.entry.sequence else { continue }
            cities[batch.city]?.foldedThrough = last
            cities[batch.city]?.foldedSeal = batch.seal
        }
        waiting.removeFirst(min(batches, waiting.count))
    }

    /// The feed's end when the whole journal is folded anew: the same, whatever the batches and restarts were.
    func refolded() throws -> Digest {
        var fold = Fold()
        var composer = FeedComposer(
            head: .empty, incarnations: SimulatedRegistry.incarnations, hasher: RunSecrets.hasher,
            detailMaster: RunSecrets.detailMaster)
        for (entry, seen) in journal {
            _ = try composer.compose(entry, fold.apply(seen), receivedAt: seen.receivedAt)
        }
        return composer.head.hash
    }

    // MARK: Ticks

    /// Appends a tick when something waits for one: the same questions as the registry's store asks.
    ///
    /// - Parameter sinceLast: Monotonic time since the last tick of this process, in milliseconds.
    /// - Returns: Whether a tick was appended.
    mutating func tickIfDue(now: UInt64, sinceLast: Int64) throws -> Bool {
        let isUnderWay = waiting.contains { $0.entries.contains { $0.entry.kind == .ticked } }
        guard !isUnderWay, isRegular(sinceLast) || somethingWaits else { return false }
        let act = TickAct(
            wallMilliseconds: Int64(now), intervalMilliseconds: sinceLast, seals: try newSeals().map(\.signed))
        guard try isRegular(sinceLast) || changesSomething(act, now: now) else { return false }
        try append([.ticked(act)], now: now)
        events.append(.sometimes(.ticked))
        return true
    }

    private func isRegular(_ sinceLast: Int64) -> Bool {
        let isAwaited = !fold.ledger.payments.waiting.isEmpty
        let dwell = fold.ledger.policy?.payments.dwellSeconds ?? 0
        return sinceLast >= (isAwaited ? min(600_000, max(1_000, 50 * dwell)) : 600_000)
    }

    private var somethingWaits: Bool {
        !fold.ledger.payments.waiting.isEmpty || !fold.ledger.payments.authorized.isEmpty
            || fold.ledger.cases.contains { !$0.value.isClosed || $0.value.untold != nil }
    }

    private func changesSomething(_ act: TickAct, now: UInt64) throws -> Bool {
        let outcome = outcome(of: .ticked(try act.tick), now: now)
        return !outcome.effects.isEmpty || !outcome.cases.isEmpty
    }

    /// What the fold would say of an act of the registry, on the state as it is.
    func outcome(of content: JournalEntry.Content, now: UInt64) -> Outcome {
        let entry = JournalEntry(
            position: Int64(feed.count + 1), city: .registry, id: [UInt8](repeating: 0, count: 16), content: content,
            receivedAt: Int64(now))
        var copy = fold
        return copy.apply(entry)
    }

    /// What cities have sealed since the last tick, as far as all that it covers is decided; in the order of the cities.
    private func newSeals() throws -> [(seal: Seal, signed: SignedBytes)] {
        try codes.compactMap { code in
            guard let row = cities[code], let standing = fold.ledger.members[code], standing.isActive else {
                return nil
            }
            let report = row.report.flatMap { $0.sequence <= row.foldedThrough ? $0.signed : nil }
            let found = try [row.foldedSeal, report].compactMap { $0 }.map { (seal: try Seal($0), signed: $0) }
            guard let latest = found.max(by: { $1.seal.isLater(than: $0.seal) }) else { return nil }
            let isNew =
                Int64(clamping: latest.seal.watermark.milliseconds) > standing.watermark
                || Int64(clamping: latest.seal.feedHead.position) > standing.feedPosition
            return isNew ? latest : nil
        }
    }
}

extension Seal {
    fileprivate func isLater(than other: Seal) -> Bool {
        (head.sequence, feedHead.position, watermark) > (other.head.sequence, other.feedHead.position, other.watermark)
    }
}

extension DecisionFact {
    init(_ entry: Entry, _ seen: JournalEntry, _ outcome: Outcome, _ sealed: SealedFeedEntry) {
        let saying: SayingFact =
            switch seen.content {
            case .claimFiled(let claim): .filed(ClaimFact(claim, in: entry.city))
            case .voucherIssued(let voucher):
                .issued(
                    VoucherFact(
                        city: entry.city, number: voucher.number, enterprise: voucher.enterprise.rawValue,
                        faceValue: voucher.faceValue.rawValue))
            case .claimWithdrawn(let number): .withdrew(ClaimName(city: entry.city, number: number))
            case .caseRuled(let ruling): .ruled(ruling)
            case .ticked(let tick): .ticked(tick)
            case .membership(let city, let change): .member(city, change)
            case .policyPublished(let policy): .published(dwell: policy.payments.dwellSeconds)
            default: .other
            }
        self.init(
            position: sealed.entry.position, feedHash: sealed.hash, feedBytes: sealed.bytes, entry: EntryFact(entry),
            receivedAt: seen.receivedAt, saying: saying, decision: outcome.decision,
            blockers: outcome.reasons.filter { $0.outcome == .block }.flatMap { reason in
                reason.blocking.map { Blocker(rule: reason.rule, claim: $0) }
            },
            effects: Dictionary(outcome.effects.map { ($0.name, $0.state) }) { _, later in later },
            cases: outcome.events.filter { $0.reach != .cities },
            problem: outcome.decision == .invalid ? outcome.reasons.first?.message ?? "" : "")
    }
}

extension ClaimFact {
    init(_ claim: Claim, in city: CityCode) {
        self.init(
            name: ClaimName(city: city, number: claim.number), voucher: claim.voucherNumber,
            enterprise: claim.enterprise.rawValue,
            contract: "\(claim.enterprise.rawValue)/\(claim.provider.rawValue)/\(claim.contract.rawValue)",
            invoices: claim.invoices.flatMap { $0.number.names.map(\.canonical) }, claimed: claim.claimed.rawValue,
            group: claim.cofundingGroup, receipt: claim.bankReceipt)
    }
}
