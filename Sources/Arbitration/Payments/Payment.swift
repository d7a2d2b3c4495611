package import VoucherDomain

/// The payment of one claim, as the fold keeps it.
///
/// ```text
///              gate opens     W cities have it
///  requested ────────────▶ authorized ────────▶ released ──▶ submitted ──▶ paid ──▶ reversed
///      ▲                        └───── rejected or cancelled ─────┴──▶ failed │
///      └──────────────────────────────────────────────────────────────────┘ │
///                                        paid back in part: stays paid ◀─────┘
/// ```
///
/// From `authorized` on, the claim's keys are free again only when the bank has refused for good, the reference is
/// cancelled, or all is paid back: never by a time-out, a suspension or a ruling.
package struct Payment: Hashable, Sendable {
    /// Raw values travel and never change.
    package enum Stage: UInt8, Hashable, Sendable, CaseIterable {
        case requested = 1
        case authorized = 2
        case released = 3
        case submitted = 4
        case paid = 5
        case failed = 6
        case reversed = 7

        /// Whether the claim's keys are bound until the bank has answered.
        package var isAuthorized: Bool { self == .authorized || self == .released || self == .submitted }

        /// Whether money is out, or may go out.
        var isBound: Bool { isAuthorized || self == .paid }
    }

    /// The registry's word that the claim may be paid, once it is released.
    package struct Authorization: Hashable, Sendable {
        /// Where it was given.
        package let position: Int64
        package let reference: PaymentReference
        package let amount: Money
        /// How many cities besides the paying one must have it before it is released.
        package let witnesses: Int64

        package init(position: Int64, reference: PaymentReference, amount: Money, witnesses: Int64) {
            self.position = position
            self.reference = reference
            self.amount = amount
            self.witnesses = witnesses
        }
    }

    package let claim: ClaimName
    /// Where the claim was decided.
    package let position: Int64
    /// Where the request was decided.
    package let requestedAt: Int64
    package var stage: Stage
    package var authorization: Authorization?
    /// The bank's number of the payment; empty before it is paid.
    package var transaction = ""
    /// What was paid back.
    package var refunded = Money.zero
    /// The bank's numbers of what was paid back, in order.
    package var refunds: [String] = []
    /// What has to be paid back because invoices were reversed.
    package var clawback = Money.zero
    /// How often it was paid back in full.
    package var generation: UInt32 = 0
    /// The cases that stop it: their rulings went against the claim, or they were opened because the database refused one
    /// of its keys. Each stops it until a ruling in that same case keeps the claim.
    package var barredBy: Set<String> = []
    /// The cases that freeze it: a branch of the feed that was given up has released a payment under one of its keys, or this
    /// one. Nothing is owed yet; each freezes it until it is closed and nobody's money is out whom its ruling went against.
    package var frozenBy: Set<String> = []

    package init(claim: ClaimName, position: Int64, requestedAt: Int64, stage: Stage = .requested) {
        self.claim = claim
        self.position = position
        self.requestedAt = requestedAt
        self.stage = stage
    }

    /// Whether it must not go on.
    package var isBarred: Bool { !barredBy.isEmpty }

    /// Whether it must not go on until a case is decided.
    package var isFrozen: Bool { !frozenBy.isEmpty }

    /// What has to be paid back in all: everything where a ruling went against the claim.
    package var owed: Money { isBarred ? authorization?.amount ?? clawback : clawback }

    /// What is still to be paid back.
    package var outstanding: Money { Money(rawValue: max(0, owed.rawValue - refunded.rawValue)) }

    /// The same payment further on.
    func at(_ stage: Stage) -> Payment {
        var payment = self
        payment.stage = stage
        return payment
    }

    /// The most refunds of one payment that are told apart.
    static let maximumRefunds = 100
}

/// A key of an authorised claim as the database's second guard keeps it.
package struct AuthorizedKey: Hashable, Sendable {
    package let key: Key
    /// Who counts as one holder: the co-funding group, else the holder.
    package let holder: [UInt8]
    /// Whether the policy lets one holder alone have it.
    package let isGuarded: Bool
    /// Claims that may hold the key beside it, by position.
    package let companions: [Int64]
    /// What it adds under the key and how much fits there, in fen; 0 where the key has no cap that is a plain sum.
    package let amount: Int64
    package let capacity: Int64
    /// Set where holders may follow each other.
    package let interval: DayInterval?

    package init(
        key: Key, holder: [UInt8], isGuarded: Bool, companions: [Int64], amount: Int64, capacity: Int64,
        interval: DayInterval?
    ) {
        self.isGuarded = isGuarded
        self.key = key
        self.holder = holder
        self.companions = companions
        self.amount = amount
        self.capacity = capacity
        self.interval = interval
    }
}
