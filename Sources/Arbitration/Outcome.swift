import SeededBugs

/// What the fold made of one entry.
package struct Outcome: Hashable, Sendable {
    /// Raw values travel and never change.
    package enum Decision: UInt8, Hashable, Sendable, CaseIterable {
        /// A voucher or an act was taken note of.
        case noted = 1
        case reserved = 2
        case refused = 3
        case held = 4
        case invalid = 5
        case withdrawn = 6
        /// A withdrawal of a claim that holds nothing any more, or a voucher issued again: it changes nothing.
        case unchanged = 7
        case unsupported = 8
        /// A ruling that waits for a second person.
        case pending = 9
        /// The claim's payment is authorised; it is paid only once that is released.
        case authorized = 10
        case paid = 11
        /// All that was paid for the claim was paid back; it holds nothing any more.
        case reversed = 12
        /// A withdrawal after the authorisation: it changes nothing.
        case tooLate = 13

        /// Whether a claim that stands so holds its keys.
        package var isLive: Bool {
            switch self {
            case .reserved, .held, .authorized, .paid: true
            case .noted, .refused, .invalid, .withdrawn, .unchanged, .unsupported, .pending, .reversed, .tooLate: false
            }
        }

        /// Whether its keys are free again only when the bank has refused for good or all is paid back.
        package var isBound: Bool { self == .authorized || self == .paid }
    }

    /// What an entry did to a claim that was decided before.
    package struct Effect: Hashable, Sendable {
        package let name: ClaimName
        /// Where the claim was decided.
        package let position: Int64
        /// Where it stands now.
        package let state: Decision
        /// What it gives back.
        package let released: [Holding]
        /// What it takes again: it held nothing before.
        package let taken: [Holding]
        /// The claim as detectors see it from now on, where it takes something again.
        package let filing: Filing?
        /// What it had left for detectors and now does not.
        package let lifted: Imprint
        /// Holdings that have another co-funding group from now on, as they are then.
        package let regrouped: [Holding]
        /// Its payment as it stands now, where that changed.
        package let payment: Payment?
        /// What the second guard keeps from now on, where it was authorised.
        package let authorized: [AuthorizedKey]

        package init(
            name: ClaimName, position: Int64, state: Decision, released: [Holding] = [], lifted: Imprint = Imprint(),
            regrouped: [Holding] = [], payment: Payment? = nil, authorized: [AuthorizedKey] = [], taken: [Holding] = [],
            filing: Filing? = nil
        ) {
            self.taken = taken
            self.filing = filing
            self.payment = payment
            self.authorized = authorized
            self.name = name
            self.position = position
            self.state = state
            self.released = released
            self.lifted = lifted
            self.regrouped = regrouped
        }
    }

    package let decision: Decision
    /// Every rule that was broken or flagged, in the policy's order.
    package let reasons: [Reason]
    /// Every key of a filed claim, with what the claim would take there, in key order.
    package let holdings: [Holding]
    /// The claim that the entry is about, for filings and withdrawals.
    package let claim: ClaimName?
    /// The policy that was in force.
    package let policyVersion: UInt32
    /// What the filed claim leaves for detectors.
    package let imprint: Imprint
    /// The claim as detectors see it from now on; `nil` where it was not filed by this entry.
    package let filing: Filing?
    /// What becomes of earlier claims; a withdrawn one first.
    package internal(set) var effects: [Effect]
    /// The cases that changed, as they stand now.
    package internal(set) var cases: [ConflictCase]
    /// What the parties of these cases are told.
    package internal(set) var events: [CaseEvent]
    /// Red letters that the claims on their invoice answer for from now on, by the key of a name of it.
    package internal(set) var appliedLetters: [Key: Set<String>] = [:]

    package init(
        decision: Decision, reasons: [Reason] = [], holdings: [Holding] = [], claim: ClaimName? = nil,
        policyVersion: UInt32, imprint: Imprint = Imprint(), filing: Filing? = nil, effects: [Effect] = [],
        cases: [ConflictCase] = [], events: [CaseEvent] = []
    ) {
        self.decision = decision
        self.reasons = reasons
        self.holdings = holdings
        self.claim = claim
        self.policyVersion = policyVersion
        self.imprint = imprint
        self.filing = filing
        self.effects = effects
        self.cases = cases
        self.events = events
    }

    /// What the claim takes: all of its holdings when reserved or held, nothing otherwise.
    package var taken: [Holding] { decision.isLive || SeededBug.refusedTakesKeys.isActive ? holdings : [] }

    /// The claim that a withdrawal ends, with what it gives back.
    package var withdrawal: Effect? { effects.first { $0.state == .withdrawn } }

    /// Everything that is given back.
    package var released: [Holding] { effects.flatMap(\.released) }

    /// The case that a filing opened, by its spoken id: of a claim that is held, or refused though it was filed first.
    package var caseID: String? { filing == nil ? nil : cases.first?.id }
}
