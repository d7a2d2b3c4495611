import SeededBugs
import VoucherDomain

/// Cases: opened by held claims, answered by cities, closed by rulings or because nothing is left to rule on.
extension Fold {
    /// The case that a held claim opens: with every claim that it met under a rule that holds.
    ///
    /// - Parameter idle: Those of them that hold nothing.
    func opening(
        _ name: ClaimName, _ reasons: [Reason], idle: Set<ClaimName>, at position: Int64, deadline: CalendarDate
    ) -> ConflictCase {
        let holding = reasons.filter { $0.outcome == .hold }
        let others = Set(holding.flatMap(\.blocking)).subtracting([name]).sorted()
        return ConflictCase(
            id: SpokenID.make(position: position), position: position,
            parties: ([name] + others).map { ConflictCase.Party(claim: $0, isLive: !idle.contains($0)) },
            rules: holding.map(\.rule).removingRepeats, deadline: deadline,
            standsAlone: holding.contains {
                $0.blocking.isEmpty || $0.unnamed > 0 || !idle.isDisjoint(with: $0.blocking)
            })
    }

    // MARK: Cities

    func decide(_ answer: CaseAnswer, by entry: JournalEntry) -> Outcome {
        guard var conflict = ledger.cases[answer.caseID] else { return invalid("there is no case \(answer.caseID)") }
        guard conflict.cities.contains(entry.city) else {
            return invalid("case \(answer.caseID) names no claim of city \(entry.city)")
        }
        if answer.kind == .appeal {
            guard conflict.isClosed else { return invalid("case \(answer.caseID) is not closed: answer it instead") }
            guard !conflict.isAppealed else { return invalid("case \(answer.caseID) was appealed before") }
            conflict.reopen(until: terms.deadline(receivedAt: entry.receivedAt), byAppeal: true)
        } else if conflict.isClosed {
            return invalid("case \(answer.caseID) is closed")
        } else if conflict.quotaCity == entry.city, answer.kind != .withdraw {
            conflict.contest()
        }
        var event = CaseEvent(.answered, conflict)
        (event.city, event.answer, event.text, event.evidence) = (
            entry.city, answer.kind, answer.reason, answer.evidence
        )
        var outcome = Outcome(decision: .noted, policyVersion: policyVersion, cases: [conflict], events: [event])
        // Its refused claim is all that an automatic case is about.
        if conflict.quotaCity == entry.city, answer.kind == .withdraw {
            conflict.close()
            outcome.cases = [conflict]
            outcome.events.append(CaseEvent(.settled, conflict))
        }
        return outcome
    }

    // MARK: The registry

    /// A ruling takes effect at once, or, over the policy's amount, when a second person rules alike.
    func decide(_ ruling: Ruling, by entry: JournalEntry) -> Outcome {
        guard var conflict = ledger.cases[ruling.caseID] else { return invalid("there is no case \(ruling.caseID)") }
        if let fault = fault(of: ruling, in: conflict) { return invalid(fault) }
        if needsSecondPerson(conflict), !isSeconded(ruling, conflict.proposal) {
            conflict.propose(ruling)
            var event = CaseEvent(.proposed, conflict)
            (event.code, event.text, event.operatorName) = (ruling.code, ruling.reason, ruling.by)
            return Outcome(decision: .pending, policyVersion: policyVersion, cases: [conflict], events: [event])
        }
        var effects: [Outcome.Effect] = []
        for name in ruling.ruledOut {
            guard let record = ledger.claims[name], record.isLive else { continue }
            if record.state.isBound, !SeededBug.rulingFreesPaidKeys.isActive {
                effects.append(barring(record, name, by: ruling.caseID))
                continue
            }
            conflict.retire(name)
            effects.append(release(record, name, as: .refused))
        }
        let kept = ruling.kept.compactMap { name in ledger.claims[name].map { (name, $0) } }.filter(\.1.isLive)
        let merged = merging(kept.map(\.1.position), Fold.group(of: ruling.caseID))
        let freezes =
            conflict.rules.contains(Fold.branchRule)
            && ruling.ruledOut.contains { ledger.claims[$0]?.state.isBound ?? false }
        for (name, record) in kept {
            let waits = record.state == .held && conflict.position == record.position
            let regrouped = merged[record.position] ?? []
            let payment = payment(of: record, keptBy: ruling.caseID, isFrozen: freezes)
            guard waits || !regrouped.isEmpty || payment != nil else { continue }
            effects.append(
                Outcome.Effect(
                    name: name, position: record.position, state: waits ? .reserved : record.state,
                    regrouped: regrouped, payment: payment))
        }
        conflict.close()
        var event = CaseEvent(.ruled, conflict)
        (event.code, event.text, event.operatorName) = (ruling.code, ruling.reason, ruling.by)
        var outcome = settling(effects.filter { $0.state == .refused }.map(\.name), except: conflict.id)
        outcome.effects = effects + outcome.effects
        return Outcome(
            decision: .noted, policyVersion: policyVersion,
            effects: outcome.effects, cases: [conflict] + outcome.cases, events: [event] + outcome.events)
    }

    /// Makes claims that a ruling lets stand side by side one group holder, under each key on which they would not be it
    /// anyway. A group that one of them has already becomes that of the others.
    ///
    /// - Returns: By position, the holdings that change, as they are to be.
    private func merging(_ positions: [Int64], _ group: String) -> [Int64: [Holding]] {
        let byKey = Dictionary(grouping: positions.flatMap(ledger.holdings(ofClaimAt:)), by: \.key)
        var merged: [Int64: [Holding]] = [:]
        for (key, holdings) in byKey.sorted(by: { $0.key < $1.key }) {
            guard let kind = key.kind, ledger.policy?.hasHolder(of: kind) ?? false,
                let first = holdings.first, !holdings.allSatisfy(first.mayJoin)
            else { continue }
            let declared = Set(holdings.map(\.group).filter { !$0.isEmpty })
            let common = declared.count == 1 ? declared.first ?? group : group
            for holding in holdings where holding.group != common {
                merged[holding.position, default: []].append(holding.grouped(as: common))
            }
        }
        return merged
    }

    /// The payment of a claim that may stay for all that the case says, where that changes it: the case stops it no more.
    ///
    /// - Parameter isFrozen: Whether what is authorised waits until the money of whom the ruling goes against is back,
    ///   whatever an earlier ruling in the case has said.
    private func payment(of record: Ledger.ClaimRecord, keptBy caseID: String, isFrozen: Bool) -> Payment? {
        guard let known = ledger.payments[record.position] else { return nil }
        var payment = known
        payment.barredBy.remove(caseID)
        if isFrozen, payment.stage.isBound { payment.frozenBy.insert(caseID) }
        return payment == known ? nil : payment
    }

    private func fault(of ruling: Ruling, in conflict: ConflictCase) -> String? {
        if conflict.isClosed { return "case \(ruling.caseID) is closed: reopen it first" }
        let named = ruling.kept + ruling.ruledOut
        if Set(named).count != named.count { return "a claim is both kept and ruled out" }
        if let stranger = named.first(where: { !conflict.names($0) }) {
            return "claim \(stranger) is not in case \(ruling.caseID)"
        }
        let missing = conflict.live.filter { !named.contains($0) }
        return missing.isEmpty ? nil : "the ruling does not name \(missing.map(\.description).joined(separator: ", "))"
    }

    private func needsSecondPerson(_ conflict: ConflictCase) -> Bool {
        let amounts = conflict.live.compactMap { ledger.claims[$0]?.claimed.rawValue }
        // A sum past 64 bits is over every amount.
        let sum = amounts.reduce(Int64(0)) { $0.addingReportingOverflow($1).overflow ? .max : $0 + $1 }
        return sum > terms.twoPersonFen
    }

    private func isSeconded(_ ruling: Ruling, _ proposal: Ruling?) -> Bool {
        proposal.map { $0.agrees(with: ruling) && !$0.by.utf8.elementsEqual(ruling.by.utf8) } ?? false
    }

    /// The co-funding group of claims that a ruling lets stand side by side. No city can declare it: declared groups
    /// are in upper case.
    private static func group(of caseID: String) -> String { "ruling/\(caseID)" }

    func decideReopening(of id: String, because reason: String, by name: String, _ entry: JournalEntry) -> Outcome {
        guard var conflict = ledger.cases[id] else { return invalid("there is no case \(id)") }
        guard conflict.isClosed else { return invalid("case \(id) is open") }
        conflict.reopen(until: terms.deadline(receivedAt: entry.receivedAt), byAppeal: false)
        var event = CaseEvent(.reopened, conflict)
        (event.text, event.operatorName) = (reason, name)
        return Outcome(decision: .noted, policyVersion: policyVersion, cases: [conflict], events: [event])
    }

    /// At a tick: automatic cases that nobody contested, cases whose cities had their time, and those whose cities were
    /// not told yet that a claim is gone. The next tick goes on where there is no more room.
    ///
    /// - Parameter clock: After the tick.
    func decideDeadlines(on day: CalendarDate, _ clock: DwellClock) -> Outcome {
        var (over, due, untold): ([ConflictCase], [ConflictCase], [ConflictCase]) = ([], [], [])
        for conflict in ledger.cases.values {
            if !conflict.isClosed, conflict.isAutomatic, !conflict.isContested, conflict.isOver(clock) {
                over.append(conflict)
            } else if conflict.state == .open, conflict.deadline < day {
                due.append(conflict)
            } else if conflict.untold != nil {
                untold.append(conflict)
            }
        }
        // What is due at an earlier tick of a batch comes before what is due at a later one: the loader counts on it.
        due.sort { ($0.deadline, $0.position) < ($1.deadline, $1.position) }
        var room = NoticeRoom()
        var told: [(conflict: ConflictCase, event: CaseEvent)] = []
        for var conflict in over.sorted(by: { $0.position < $1.position }) where room.take(conflict) {
            conflict.close()
            told.append((conflict, CaseEvent(.lapsed, conflict)))
        }
        for var conflict in due where room.take(conflict) {
            conflict.escalate()
            told.append((conflict, CaseEvent(.escalated, conflict)))
        }
        for conflict in untold.sorted(by: { $0.position < $1.position }) where room.take(conflict) {
            var event = CaseEvent(conflict.untold ?? .left, conflict)
            event.reach = .cities
            told.append((conflict, event))
        }
        told.sort { $0.conflict.position < $1.conflict.position }
        return Outcome(
            decision: .noted, policyVersion: policyVersion, cases: told.map { $0.conflict },
            events: told.map { $0.event })
    }

    // MARK: What follows from a claim that goes

    func release(_ record: Ledger.ClaimRecord, _ name: ClaimName, as state: Outcome.Decision) -> Outcome.Effect {
        Outcome.Effect(
            name: name, position: record.position, state: state,
            released: ledger.holdings(ofClaimAt: record.position), lifted: record.imprint)
    }

    /// Takes claims that gave back their keys out of their cases, and closes the cases in which there is nothing left to
    /// rule on: where the claim that waited is gone, or nobody but it is left of several. All of this takes effect at
    /// once; of more cases than one entry has room for, the cities are told by the next ticks.
    ///
    /// - Parameter id: A case that somebody has ruled on already.
    /// - Returns: Nothing but effects, cases and events.
    func settling(_ gone: [ClaimName], except id: String? = nil) -> Outcome {
        var outcome = Outcome(decision: .noted, policyVersion: policyVersion)
        var room = NoticeRoom()
        let touched = ledger.cases.values.filter { conflict in conflict.id != id && gone.contains(where: conflict.names)
        }
        for var conflict in touched.sorted(by: { $0.position < $1.position }) {
            for name in gone { conflict.retire(name) }
            if isSettled(conflict, without: gone) {
                conflict.close()
                if let first = conflict.parties.first, first.isLive, let record = ledger.claims[first.claim],
                    record.state == .held, record.position == conflict.position
                {
                    outcome.effects.append(
                        Outcome.Effect(name: first.claim, position: record.position, state: .reserved))
                }
                take(.settled, conflict, in: &room, into: &outcome)
            } else {
                take(.left, conflict, in: &room, into: &outcome)
            }
        }
        return outcome
    }

    /// Whether nothing is left to rule on in a case that these claims have left.
    private func isSettled(_ conflict: ConflictCase, without gone: [ClaimName]) -> Bool {
        guard !conflict.isClosed, let first = conflict.parties.first else { return false }
        return gone.contains(first.claim)
            || !conflict.standsAlone && conflict.live.count < (conflict.isAutomatic ? 1 : 2)
    }

    /// Adds a case and what happened in it, of which its cities are told as long as there is room.
    private func take(
        _ kind: CaseEvent.Kind, _ conflict: ConflictCase, in room: inout NoticeRoom, into outcome: inout Outcome
    ) {
        var (conflict, event) = (conflict, CaseEvent(kind, conflict))
        if !room.take(conflict) {
            conflict.leaveUntold(kind)
            event.reach = .registry
        }
        outcome.cases.append(conflict)
        outcome.events.append(event)
    }
}
