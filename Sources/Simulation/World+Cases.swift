import Arbitration
import CityStore
import Replication
import VoucherDomain

/// What cities say in cases that name their claims, and what the registry's operators decide there.
extension World {
    /// An officer answers an open case of his city, perhaps, or appeals against how a closed one ended.
    mutating func answerSomeCase() throws {
        guard !registry.fold.ledger.cases.isEmpty, caseRandom.chance(0.5) else { return }
        let candidates = try writableNodes()
        guard !candidates.isEmpty else { return }
        let id = caseRandom.pick(candidates)
        let city = self[id].city
        let own = sortedCases.filter { $0.cities.contains(city) }
        // The feed may not have told the city of it yet.
        guard !own.isEmpty, let conflict = try self[id].store.conflictCase(caseRandom.pick(own).id) else { return }
        var kind = caseRandom.pick([CaseAnswer.Kind.contest, .contest, .notDuplicate, .cofunded, .withdraw])
        if conflict.state == .closed {
            guard caseRandom.chance(0.3) else { return }
            kind = .appeal
        }
        let evidence = [caseRandom.bytes(32)]
        try attempt(
            .answer(CaseAnswer(caseID: conflict.id, kind: kind, reason: "情况说明", evidence: evidence)), at: id)
    }

    /// An operator rules on a case, perhaps, or opens a closed one again.
    mutating func decideSomeCase() throws {
        guard !registry.fold.ledger.cases.isEmpty, operatorRandom.chance(0.35) else { return }
        let cases = sortedCases
        let urgent = cases.filter { isUrgent($0) }
        let isInOrder = urgent.isEmpty || operatorRandom.chance(0.4)
        let conflict = operatorRandom.pick(isInOrder ? cases : urgent)
        do {
            if !conflict.isClosed {
                try registry.rule(ruling(on: conflict), now: registryTime)
            } else if operatorRandom.chance(0.2) {
                try registry.reopen(conflict.id, reason: "新证据", by: World.operators[0], now: registryTime)
            } else {
                return
            }
        } catch let refusal as SimulatedRefusal {
            return trace.note(time, .registry, "case \(conflict.id): refused, \(refusal.message)")
        }
        trace.note(time, .registry, "case \(conflict.id): an operator acts")
        wakeArbiter()
    }

    private static let operators = ["王伟", "李娜"]

    /// Whether a ruling waits for a second person, or money is about to go out for a claim of the case.
    private func isUrgent(_ conflict: ConflictCase) -> Bool {
        guard !conflict.isClosed else { return false }
        return conflict.proposal != nil
            || conflict.parties.contains { registry.fold.ledger.claims[$0.claim]?.state == .authorized }
    }

    /// The second person mostly rules as the first one has proposed.
    private mutating func ruling(on conflict: ConflictCase) -> Ruling {
        if let proposal = conflict.proposal, operatorRandom.chance(0.8) {
            return Ruling(
                caseID: conflict.id, kept: proposal.kept, ruledOut: proposal.ruledOut, code: proposal.code,
                reason: "复核", by: World.operators.first { $0 != proposal.by } ?? "")
        }
        var (kept, ruledOut): ([ClaimName], [ClaimName]) = ([], [])
        for party in conflict.parties where party.isLive {
            if operatorRandom.chance(0.5) { kept.append(party.claim) } else { ruledOut.append(party.claim) }
        }
        return Ruling(
            caseID: conflict.id, kept: kept, ruledOut: ruledOut, code: ruledOut.isEmpty ? .falsePositive : .confirmed,
            reason: "裁定", by: operatorRandom.pick(World.operators))
    }

    /// Every case, in the order in which they were opened.
    private var sortedCases: [ConflictCase] {
        registry.fold.ledger.cases.values.sorted { $0.position < $1.position }
    }
}
