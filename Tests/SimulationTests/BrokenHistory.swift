import Arbitration
import Replication
import Simulation
import VoucherDomain

/// Histories written by hand, most of them wrong in one place.
struct BrokenHistory {
    private(set) var history = History()
    private var position: UInt64 = 0

    static let city = code(110_000)
    static let other = code(330_100)
    static let node = NodeID(rawValue: 1)

    private static func code(_ value: UInt32) -> CityCode {
        guard let city = CityCode(rawValue: value) else { preconditionFailure("\(value) is no city code") }
        return city
    }

    static func digest(_ byte: UInt8) -> Digest {
        guard let digest = Digest(rawValue: [UInt8](repeating: byte, count: 32)) else {
            preconditionFailure("a digest has 32 bytes")
        }
        return digest
    }

    static func epoch(_ counter: UInt32) -> Epoch { Epoch(incarnation: 1, counter: counter, nonce: UInt64(counter)) }

    /// The entry with that sequence in a sound log of the city.
    static func entry(
        _ sequence: UInt64, of city: CityCode = BrokenHistory.city, hash: UInt8? = nil, previous: UInt8? = nil,
        time: UInt64? = nil, epoch: UInt32 = 1, kind: EntryKind = .claimFiled
    ) -> EntryFact {
        let start: UInt8 = city == BrokenHistory.city ? 0 : 100
        guard let id = EntryID(rawValue: [UInt8](repeating: start + UInt8(sequence), count: 16)) else {
            preconditionFailure("an id has 16 bytes")
        }
        return EntryFact(
            city: city, epoch: BrokenHistory.epoch(epoch), sequence: sequence,
            hash: digest(hash ?? start + UInt8(sequence)),
            previousHash: sequence == 1 ? .zero : digest(previous ?? start + UInt8(sequence) - 1),
            time: HybridTime(milliseconds: time ?? 1_000 * sequence), id: id, kind: kind)
    }

    static func claim(
        _ number: String, of city: CityCode = BrokenHistory.city, contract: String? = nil, invoices: [String]? = nil,
        claimed: Int64 = 10, receipt: String = ""
    ) -> ClaimFact {
        ClaimFact(
            name: ClaimName(city: city, number: number), voucher: "V", enterprise: "E",
            contract: contract ?? "contract of \(number)", invoices: invoices ?? ["invoice of \(number)"],
            claimed: claimed, group: "", receipt: receipt)
    }

    /// Something that happened in the case `K`.
    static func event(
        _ kind: CaseEvent.Kind, of claims: [ClaimName], isAutomatic: Bool = false, by city: CityCode? = nil,
        answer: CaseAnswer.Kind? = nil
    ) -> CaseEvent {
        var event = CaseEvent(
            kind, caseID: "K", parties: claims.map { ConflictCase.Party(claim: $0, isLive: true) },
            deadline: CalendarDate(rawValue: 0), isAutomatic: isAutomatic)
        (event.city, event.answer) = (city, answer)
        return event
    }

    static func ruling(keeping kept: [ClaimName] = [], against ruledOut: [ClaimName] = []) -> Ruling {
        Ruling(caseID: "K", kept: kept, ruledOut: ruledOut, code: .confirmed, reason: "why", by: "who")
    }

    mutating func add(_ event: History.Event, at node: NodeID = BrokenHistory.node) {
        history.add(History.Moment(time: 0, node: node, event: event))
    }

    mutating func receive(_ entry: EntryFact, isRejected: Bool = false) {
        add(.received(entry, session: entry.epoch, isRejected: isRejected), at: .registry)
    }

    /// Decides an entry at the next position, or at another one.
    mutating func decide(
        _ entry: EntryFact, _ saying: SayingFact, _ decision: Outcome.Decision, at place: UInt64? = nil,
        receivedAt: Int64 = 0, blockers: [DecisionFact.Blocker] = [], effects: [ClaimName: Outcome.Decision] = [:],
        cases: [CaseEvent] = []
    ) {
        position = place ?? position + 1
        add(
            .decided(
                DecisionFact(
                    position: position, feedHash: BrokenHistory.digest(UInt8(200 + position)), entry: entry,
                    receivedAt: receivedAt, saying: saying, decision: decision, blockers: blockers, effects: effects,
                    cases: cases)), at: .registry)
    }

    /// Both cities issue a voucher of 100 fen for the same enterprise.
    mutating func issueVouchers() {
        for city in [BrokenHistory.city, BrokenHistory.other] {
            let voucher = VoucherFact(city: city, number: "V", enterprise: "E", faceValue: 100)
            decide(BrokenHistory.entry(1, of: city), .issued(voucher), .noted)
        }
    }

    /// Ends the run: one node, which has what the arguments say.
    mutating func end(
        log: [EntryFact] = [], states: [String: String] = [:], cases: [String: String] = [:], feed: UInt64 = 0,
        feedHash: Digest = .zero, unsent: UInt64 = 0
    ) {
        history.end = EndState(
            nodes: [
                EndState.Node(
                    id: BrokenHistory.node, city: BrokenHistory.city, log: log, states: states, cases: cases,
                    feedPosition: feed, feedHash: feedHash, indexDigest: .zero, unsent: unsent, undecided: 0,
                    alarm: nil)
            ])
    }

    /// Changes how the run ended.
    mutating func changeEnd(_ change: (inout EndState) -> Void) {
        guard var end = history.end else { return }
        change(&end)
        history.end = end
    }
}
