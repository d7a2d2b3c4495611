import Arbitration
import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// Writes what a folded batch changed, with one COPY a table.
struct FoldWriter {
    /// One entry with all that became of it.
    struct Decided {
        let entry: Entry
        let journalEntry: JournalEntry
        let outcome: Outcome
        let feedEntry: SealedFeedEntry

        var position: Int64 { journalEntry.position }
    }

    private let decided: [Decided]
    private let policy: Policy?
    /// By claim position: where the claim was withdrawn. A claim of this batch may be withdrawn in it.
    private let withdrawals: [Int64: Int64]

    /// - Parameter policy: The policy in force, which names the exclusive holder rules.
    init(_ decided: [Decided], policy: Policy?) {
        self.decided = decided
        self.policy = policy
        var withdrawals: [Int64: Int64] = [:]
        for item in decided where item.outcome.decision == .withdrawn {
            if let position = item.outcome.released.first?.position { withdrawals[position] = item.position }
        }
        self.withdrawals = withdrawals
    }

    /// Writes everything, inside the caller's transaction; keys are given back before others take them.
    func write(_ session: PostgresSession) throws {
        try writeWithdrawals(session)
        try session.copy(into: "feed (position, city_code, sequence, decision, hash, bytes)", feedRows())
        try session.copy(into: "policy (version, position, document)", try policyRows())
        try session.copy(
            into: """
                voucher (key, position, city_code, voucher_no, programme, enterprise_uscc, enterprise_name,
                face_value_fen, valid_from, valid_until)
                """, voucherRows())
        try writeClaims(session)
    }

    private func writeWithdrawals(_ session: PostgresSession) throws {
        guard let first = decided.first?.position else { return }
        let earlier = withdrawals.keys.filter { $0 < first }.sorted()
        guard !earlier.isEmpty else { return }
        let positions = PostgresParameter.int8Array(earlier)
        try session.execute("UPDATE claim_key SET live = false WHERE position = ANY($1) AND live", [positions])
        try session.execute(
            """
            UPDATE claim SET state = 6, withdrawn_position = w.at
            FROM unnest($1::int8[], $2::int8[]) AS w(claim, at) WHERE position = w.claim
            """, [positions, .int8Array(earlier.compactMap { withdrawals[$0] })])
    }

    private func writeClaims(_ session: PostgresSession) throws {
        let filed = decided.filter { $0.outcome.claim != nil && $0.outcome.decision != .invalid }
        var rows = (claims: CopyRows(), keys: CopyRows(), findings: CopyRows(), cases: CopyRows(), parties: CopyRows())
        for item in filed {
            guard case .claimFiled(let claim) = item.journalEntry.content else { continue }
            addClaim(claim, item, to: &rows.claims)
            for holding in item.outcome.holdings { addKey(holding, item, to: &rows.keys) }
            addFindings(item, to: &rows.findings)
            addCase(item, to: &rows.cases, parties: &rows.parties)
        }
        try session.copy(
            into: """
                claim (position, city_code, sequence, claim_no, state, policy_version, voucher_no, enterprise_uscc,
                provider_uscc, contract_no, claimed_fen, service_from, service_until, case_id, reasons,
                withdrawn_position)
                """, rows.claims)
        try session.copy(
            into: """
                claim_key (key, position, live, exclusive, holder, cofunding_group, item, amount_fen, capacity_fen,
                service_from, service_until)
                """, rows.keys)
        try session.copy(
            into: "finding (position, rule, outcome, key, blocking_city, blocking_claim_no)", rows.findings)
        try session.copy(into: "conflict_case (case_id, position, rules, state)", rows.cases)
        try session.copy(into: "conflict_case_claim (case_id, city_code, claim_no)", rows.parties)
    }

    private func feedRows() -> CopyRows {
        var rows = CopyRows(reserving: decided.count * 500)
        for item in decided {
            rows.row(fields: 6)
            rows.int8(item.position)
            rows.int4(Int32(item.entry.city.rawValue))
            rows.int8(Int64(item.entry.sequence))
            rows.int2(Int16(item.outcome.decision.rawValue))
            rows.bytea(item.feedEntry.hash.rawValue)
            rows.bytea(item.feedEntry.bytes)
        }
        return rows
    }

    private func policyRows() throws -> CopyRows {
        var rows = CopyRows()
        for item in decided where item.outcome.decision == .noted {
            guard case .policyPublished(let policy) = item.journalEntry.content else { continue }
            rows.row(fields: 3)
            rows.int4(Int32(bitPattern: policy.version))
            rows.int8(item.position)
            rows.bytea(try PayloadCoding.policyDocument(item.entry.payload))
        }
        return rows
    }

    private func voucherRows() -> CopyRows {
        var rows = CopyRows()
        for item in decided where item.outcome.decision == .noted {
            guard case .voucherIssued(let voucher) = item.journalEntry.content else { continue }
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
        return rows
    }

    private func addClaim(_ claim: Claim, _ item: Decided, to rows: inout CopyRows) {
        let withdrawn = withdrawals[item.position]
        rows.row(fields: 16)
        rows.int8(item.position)
        rows.int4(Int32(item.entry.city.rawValue))
        rows.int8(Int64(item.entry.sequence))
        rows.text(claim.number)
        rows.int2(Int16((withdrawn == nil ? item.outcome.decision : .withdrawn).rawValue))
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
        if let withdrawn { rows.int8(withdrawn) } else { rows.null() }
    }

    private func addKey(_ holding: Holding, _ item: Decided, to rows: inout CopyRows) {
        let isLive = !item.outcome.taken.isEmpty && withdrawals[item.position] == nil
        rows.row(fields: 11)
        rows.bytea(holding.key.bytes)
        rows.int8(item.position)
        rows.bool(isLive)
        rows.bool(holding.group.isEmpty && isExclusive(holding.key))
        rows.bytea(holding.holder)
        rows.text(holding.group)
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

    private func isExclusive(_ key: Key) -> Bool {
        guard let kind = key.kind, let policy else { return false }
        return policy.rules.contains {
            $0.primitive == .holder && $0.holder == .claim && $0.outcome == .block && $0.keys.contains(kind)
        }
    }

    private func addFindings(_ item: Decided, to rows: inout CopyRows) {
        for reason in item.outcome.reasons {
            let blocking = reason.blocking.isEmpty ? [ClaimName(city: .registry, number: "")] : reason.blocking
            for name in blocking {
                rows.row(fields: 6)
                rows.int8(item.position)
                rows.text(reason.rule)
                rows.text(reason.outcome.rawValue)
                if let key = reason.key { rows.bytea(key.bytes) } else { rows.null() }
                rows.int4(Int32(name.city.rawValue))
                rows.text(name.number)
            }
        }
    }

    private func addCase(_ item: Decided, to rows: inout CopyRows, parties: inout CopyRows) {
        guard let caseID = item.outcome.caseID, let claim = item.outcome.claim else { return }
        let holds = item.outcome.reasons.filter { $0.outcome == .hold }
        rows.row(fields: 4)
        rows.text(caseID)
        rows.int8(item.position)
        rows.textArray(holds.map(\.rule))
        rows.text("open")
        for name in Set(holds.flatMap(\.blocking) + [claim]).sorted() {
            parties.row(fields: 3)
            parties.text(caseID)
            parties.int4(Int32(name.city.rawValue))
            parties.text(name.number)
        }
    }
}
