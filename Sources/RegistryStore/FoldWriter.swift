import Arbitration
import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// Writes what a folded batch changed, with one statement a table.
struct FoldWriter {
    /// One entry with all that became of it.
    final class Decided: Sendable {
        let entry: Entry
        /// The registry's word by which the entry is decided anew.
        let act: Entry?
        let journalEntry: JournalEntry
        let outcome: Outcome
        /// The policy that was in force.
        private let policy: Policy?
        /// How far it leaves the caps used that it took from or gave back to.
        let caps: [CapUse]

        init(
            entry: Entry, act: Entry?, journalEntry: JournalEntry, outcome: Outcome, policy: Policy?, caps: [CapUse]
        ) {
            self.entry = entry
            self.act = act
            self.journalEntry = journalEntry
            self.outcome = outcome
            self.policy = policy
            self.caps = caps
        }

        var position: Int64 { journalEntry.position }
        /// Whether the second guard holds the claim.
        var isGuarded: Bool {
            (outcome.reasons + outcome.events.flatMap(\.reasons)).contains { $0.rule == Fold.guardRule }
        }

        /// Whether the claim takes the key for itself alone, so that the database refuses a second one.
        func takesAlone(_ key: Key) -> Bool {
            guard case .claimFiled(let claim) = journalEntry.content, claim.cofundingGroup.isEmpty else { return false }
            return policy?.isExclusive(key) ?? false
                && !outcome.reasons.contains { $0.rule == Fold.guardRule && $0.key == key }
        }
    }

    /// The constraints that are the second guard.
    static let guardConstraints: Set = [
        "claim_key_one_holder", "authorized_key_one_holder", "authorized_key_no_overlap", "authorized_sum_within",
    ]

    static func isGuard(_ error: PostgresError) -> Bool { error.constraint.map(guardConstraints.contains) ?? false }

    private let decided: [Decided]
    /// Ends where these were folded; it makes their feed entries.
    private let composer: FeedComposer
    private let changes: ClaimChanges

    init(_ decided: [Decided], composer: FeedComposer) {
        self.decided = decided
        self.composer = composer
        changes = ClaimChanges(decided)
    }

    /// Writes everything, inside the caller's transaction.
    ///
    /// - Returns: The end of the feed.
    func write(_ session: PostgresSession) throws -> FeedHead {
        var composer = composer
        try session.insert(into: "feed (position, city_code, sequence, decision, hash, bytes)", decided) { item, rows in
            let sealed = try composer.compose(
                item.entry, item.outcome, by: item.act, receivedAt: item.journalEntry.receivedAt)
            FoldWriter.addFeed(item, sealed, to: &rows)
        }
        try writeTables(session)
        try FrozenPayments.note(decided, session)
        return composer.head
    }

    /// Writes what follows from the feed; keys are given back before others take them.
    func writeTables(_ session: PostgresSession) throws {
        if let first = decided.first { try changes.writeEarlier(than: first.position, session) }
        let noted = decided.filter { $0.outcome.decision == .noted }
        try session.insert(
            into: "policy (version, position, document, dwell_seconds, witness_cities, from_position, from_date)",
            noted,
            FoldWriter.addPolicy)
        try session.insert(
            into: """
                voucher (key, position, city_code, voucher_no, programme, enterprise_uscc, enterprise_name,
                face_value_fen, valid_from, valid_until)
                """, noted, FoldWriter.addVoucher)
        try RegisterWriter(decided: decided).write(session)
        try writeClaims(session)
        try PaymentWriter(decided).write(session)
        try KeptFaults.look(at: decided, session)
        try UnreadWriter(decided: decided).write(session)
        try ClaimHistory.write(decided, session)
    }

    /// Whether the database takes all of it; nothing is written. Inside the caller's transaction.
    ///
    /// - Throws: ``PostgresError`` for everything but a fault of what is to be written.
    func isWritable(_ session: PostgresSession) throws -> Bool {
        struct Undone: Error {}
        do {
            try session.savepoint {
                _ = try write(session)
                try session.flush()
                throw Undone()
            }
        } catch is Undone {
        } catch let error as PostgresError where error.isDataFault {
            return false
        }
        return true
    }

    /// The claims of this batch that would take a key which another live claim has for itself, with those keys; and
    /// where it would authorise claims that the database does not let be authorised, by the position of that act.
    ///
    /// Asked after the second guard refused the batch and it was rolled back.
    func keysHeldByOthers(_ session: PostgresSession) throws -> [Int64: Set<Key>] {
        let taken = try keysTakenAlready(session)
        return taken.isEmpty ? try PaymentWriter(decided).keysRefused(session) : taken
    }

    private func keysTakenAlready(_ session: PostgresSession) throws -> [Int64: Set<Key>] {
        let wanted = decided.flatMap { item in
            isLive(item)
                ? item.journalEntry.keys.filter(item.takesAlone).map { (key: $0, position: item.position) } : []
        }
        let result = try session.execute(
            "SELECT key, position FROM claim_key WHERE live AND exclusive AND key = ANY($1)",
            [.byteaArray(Array(Set(wanted.map(\.key.bytes))))])
        var holders: [Key: Int64] = [:]
        for row in 0..<result.count where !changes.isReleased(result.int(row, 1)) {
            holders[Key(bytes: result.bytes(row, 0))] = result.int(row, 1)
        }
        var refused: [Int64: Set<Key>] = [:]
        for (key, position) in wanted {
            if holders[key] != nil {
                refused[position, default: []].insert(key)
            } else {
                holders[key] = position
            }
        }
        return refused
    }

    /// Whether the claim still holds its keys at the end of the batch.
    private func isLive(_ item: Decided) -> Bool {
        !item.outcome.taken.isEmpty && !changes.isReleased(item.position)
    }

    /// How a claim of this batch stands at its end.
    private func finalState(_ item: Decided) -> Outcome.Decision {
        changes[item.position]?.state ?? item.outcome.decision
    }

    private func writeClaims(_ session: PostgresSession) throws {
        let filed = decided.filter { $0.outcome.filing != nil }
        try session.insert(
            into: """
                claim (position, city_code, sequence, claim_no, state, policy_version, voucher_no, enterprise_uscc,
                provider_uscc, contract_no, claimed_fen, service_from, service_until, case_id, reasons,
                withdrawn_position, programme, received_at_ms, filed_at_ms, traces, resource_class, price_class)
                """, filed, addClaim)
        try session.insert(into: FoldWriter.keyColumns, filed, addKeys)
        try changes.writeTaken(session)
        try session.insert(
            into: "finding (position, city_code, rule, outcome, key, blocking_city, blocking_claim_no)",
            filed.filter { !$0.outcome.reasons.isEmpty }, FoldWriter.addFindings)
        let standing = filed.filter { !changes.isLifted($0.position) }
        try session.insert(into: "trace (key, position)", standing) { item, rows in
            for trace in item.outcome.imprint.traces {
                rows.row(fields: 2)
                rows.int8(trace.rawValue)
                rows.int8(item.position)
            }
        }
        try writePrices(session)
        try KeptTotals.add(decided, state: finalState, session)
        try KeptCaps.write(decided, session)
        try CaseWriter(decided).write(session)
    }

    /// Where ``addKey(_:isLive:isExclusive:group:to:)`` puts a row.
    static let keyColumns = """
        claim_key (key, position, live, exclusive, holder, cofunding_group, item, amount_fen, capacity_fen,
        service_from, service_until)
        """

    private func writePrices(_ session: PostgresSession) throws {
        var counts: [PricePoint: Int64] = [:]
        for outcome in decided.map(\.outcome) {
            if let price = outcome.imprint.price { counts[price, default: 0] += 1 }
            for price in outcome.effects.compactMap(\.lifted.price) { counts[price, default: 0] -= 1 }
        }
        let rows = counts.filter { $0.value != 0 }.map { ($0.key.resourceClass, $0.key.priceClass, $0.value) }
        let (more, fewer) = (rows.filter { $0.2 > 0 }, rows.filter { $0.2 < 0 })
        try queuePrices(
            fewer,
            """
            UPDATE price_class AS p SET claims = p.claims + u.number
            FROM unnest($1::text[], $2::int8[], $3::int8[]) AS u(resource_class, price_class, number)
            WHERE p.resource_class = u.resource_class AND p.price_class = u.price_class
            """, session)
        try queuePrices(
            more,
            """
            INSERT INTO price_class (resource_class, price_class, claims)
            SELECT * FROM unnest($1::text[], $2::int8[], $3::int8[])
            ON CONFLICT (resource_class, price_class) DO UPDATE SET claims = price_class.claims + excluded.claims
            """, session)
    }

    private func queuePrices(_ rows: [(String, Int64, Int64)], _ sql: String, _ session: PostgresSession) throws {
        guard !rows.isEmpty else { return }
        try session.queue(sql, [.textArray(rows.map(\.0)), .int8Array(rows.map(\.1)), .int8Array(rows.map(\.2))])
    }

    private static func addFeed(_ item: Decided, _ feedEntry: SealedFeedEntry, to rows: inout CopyRows) {
        rows.row(fields: 6)
        rows.int8(item.position)
        // The place in the journal: what a word of the registry decides stands where the registry said so.
        let place = item.act ?? item.entry
        rows.int4(Int32(place.city.rawValue))
        rows.int8(Int64(place.sequence))
        rows.int2(Int16(item.outcome.decision.rawValue))
        rows.bytea(feedEntry.hash.rawValue)
        rows.bytea(feedEntry.bytes)
    }

    private static func addPolicy(_ item: Decided, to rows: inout CopyRows) throws {
        guard case .policyPublished(let policy) = item.journalEntry.content else { return }
        rows.row(fields: 7)
        rows.int4(Int32(bitPattern: policy.version))
        rows.int8(item.position)
        rows.bytea(try PayloadCoding.policyDocument(item.entry.payload))
        rows.int8(policy.payments.dwellSeconds)
        rows.int8(policy.payments.witnessCities)
        let isAhead = item.outcome.policyVersion != policy.version
        if let date = policy.effective?.fromDate, isAhead {
            rows.null()
            rows.date(daysSince1970: date.rawValue)
        } else {
            rows.int8(isAhead ? policy.effective?.fromPosition ?? item.position + 1 : item.position + 1)
            rows.null()
        }
    }

    private static func addVoucher(_ item: Decided, to rows: inout CopyRows) {
        guard case .voucherIssued(let voucher) = item.journalEntry.content else { return }
        rows.row(fields: 10)
        rows.bytea(Key.voucher(city: item.entry.city, number: voucher.number).bytes)
        rows.int8(item.position)
        rows.int4(Int32(item.entry.city.rawValue))
        rows.text(voucher.number)
        rows.text(voucher.programme)
        rows.text(voucher.enterprise.rawValue)
        rows.text(voucher.enterpriseName)
        rows.int8(voucher.faceValue.rawValue)
        rows.date(daysSince1970: voucher.validity.from.rawValue)
        rows.date(daysSince1970: voucher.validity.until.rawValue)
    }

    private func addClaim(_ item: Decided, to rows: inout CopyRows) {
        guard case .claimFiled(let claim) = item.journalEntry.content else { return }
        let change = changes[item.position]
        rows.row(fields: 22)
        rows.int8(item.position)
        rows.int4(Int32(item.entry.city.rawValue))
        rows.int8(Int64(item.entry.sequence))
        rows.text(claim.number)
        rows.int2(Int16(finalState(item).rawValue))
        rows.int4(Int32(bitPattern: item.outcome.policyVersion))
        rows.text(claim.voucherNumber)
        rows.text(claim.enterprise.rawValue)
        rows.text(claim.provider.rawValue)
        rows.text(claim.contract.rawValue)
        rows.int8(claim.claimed.rawValue)
        rows.date(daysSince1970: claim.service.from.rawValue)
        rows.date(daysSince1970: claim.service.until.rawValue)
        if let caseID = item.outcome.caseID { rows.text(caseID) } else { rows.null() }
        rows.bytea(ReasonCoding.encode(item.outcome.reasons))
        if let position = change?.withdrawnAt { rows.int8(position) } else { rows.null() }
        rows.text(item.outcome.filing?.programme ?? "")
        rows.int8(item.journalEntry.receivedAt)
        rows.int8(item.outcome.filing?.filedAt ?? item.journalEntry.receivedAt)
        let imprint = changes.isLifted(item.position) ? Imprint() : item.outcome.imprint
        rows.int8Array(imprint.traces.map(\.rawValue))
        if let price = imprint.price {
            rows.text(price.resourceClass)
            rows.int8(price.priceClass)
        } else {
            rows.null()
            rows.null()
        }
    }

    private func addKeys(_ item: Decided, to rows: inout CopyRows) {
        let change = changes[item.position]
        // What it has taken again is written apart.
        guard change?.taken.isEmpty ?? true else { return }
        var last: Key?
        for holding in item.outcome.holdings {
            let group = change?.groups[holding.key]
            // One row a key is exclusive, however many items the claim has under it.
            let isExclusive = holding.key != last && group == nil && item.takesAlone(holding.key)
            FoldWriter.addKey(holding, isLive: isLive(item), isExclusive: isExclusive, group: group, to: &rows)
            last = holding.key
        }
    }

    /// - Parameter group: The one that the holding has by now, if that is another.
    static func addKey(
        _ holding: Holding, isLive: Bool, isExclusive: Bool, group: String?, to rows: inout CopyRows
    ) {
        rows.row(fields: 11)
        rows.bytea(holding.key.bytes)
        rows.int8(holding.position)
        rows.bool(isLive)
        rows.bool(isExclusive)
        rows.bytea(holding.holder)
        rows.text(group ?? holding.group)
        rows.bytea(holding.item)
        rows.int8(holding.amount)
        rows.int8(holding.capacity)
        if let interval = holding.interval {
            rows.date(daysSince1970: interval.from.rawValue)
            rows.date(daysSince1970: interval.until.rawValue)
        } else {
            rows.null()
            rows.null()
        }
    }

    private static func addFindings(_ item: Decided, to rows: inout CopyRows) {
        for reason in item.outcome.reasons {
            let blocking = reason.blocking.isEmpty ? [ClaimName(city: .registry, number: "")] : reason.blocking
            for name in blocking {
                rows.row(fields: 7)
                rows.int8(item.position)
                rows.int4(Int32(item.entry.city.rawValue))
                rows.text(reason.rule)
                rows.text(reason.outcome.rawValue)
                if let key = reason.key { rows.bytea(key.bytes) } else { rows.null() }
                rows.int4(Int32(name.city.rawValue))
                rows.text(name.number)
            }
        }
    }
}
