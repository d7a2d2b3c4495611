package import VoucherDomain

/// One entry of a log as the fold sees it: decoded, in its place in the total order.
package struct JournalEntry: Hashable, Sendable {
    /// The place in the registry's total order, from 1, gapless.
    package let position: Int64
    /// Whose log it is from.
    package let city: CityCode
    /// The permanent unique id, 16 bytes. A claim's id is that of the entry that filed it.
    package let id: [UInt8]
    package let content: Content
    /// The keys under which a filed claim stands, each once, in ascending order; empty for other entries.
    package let keys: [Key]
    /// When the registry received it, in milliseconds since 1970, as its receipt says.
    package let receivedAt: Int64

    package init(position: Int64, city: CityCode, id: [UInt8], content: Content, receivedAt: Int64 = 0) {
        let keys = if case .claimFiled(let claim) = content { claim.keys(in: city) } else { [Key]() }
        self.init(position: position, city: city, id: id, content: content, keys: keys, receivedAt: receivedAt)
    }

    private init(position: Int64, city: CityCode, id: [UInt8], content: Content, keys: [Key], receivedAt: Int64) {
        self.receivedAt = receivedAt
        self.position = position
        self.city = city
        self.id = id
        self.content = content
        self.keys = keys
    }

    /// The same entry in another place.
    package func placed(at position: Int64) -> JournalEntry {
        JournalEntry(position: position, city: city, id: id, content: content, keys: keys, receivedAt: receivedAt)
    }

    package enum Content: Hashable, Sendable {
        case voucherIssued(Voucher)
        case claimFiled(Claim)
        case claimWithdrawn(claimNumber: String)
        case policyPublished(Policy)
        /// Rows of the ownership file.
        case companiesListed([Register.Company])
        /// Rows of the national list of compute providers.
        case providersListed([Register.Provider])
        /// An act of the registry or a city that changes no claim: membership, epochs, process starts.
        case act
        /// An entry kind of a newer version: kept, answered, folded again after an upgrade.
        case unsupported
        /// An entry that its own node should never have let through, and why.
        case faulty(String)

        /// Whether it changes what later claims are held against beyond keys: the policy or the register.
        package var isContext: Bool {
            switch self {
            case .policyPublished, .companiesListed, .providersListed: true
            case .voucherIssued, .claimFiled, .claimWithdrawn, .act, .unsupported, .faulty: false
            }
        }
    }
}

/// What the fold made of one entry.
package struct Outcome: Hashable, Sendable {
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
    }

    package let decision: Decision
    /// Every rule that was broken or flagged, in the policy's order.
    package let reasons: [Reason]
    /// Every key of a filed claim, with what the claim would take there, in key order.
    package let holdings: [Holding]
    /// What a withdrawal gives back.
    package let released: [Holding]
    /// The claim that the entry is about, for filings and withdrawals.
    package let claim: ClaimName?
    /// Set when the claim is held: the case that was opened, by its spoken id.
    package let caseID: String?
    /// The policy that was in force.
    package let policyVersion: UInt32
    /// What the filed claim leaves for detectors.
    package let imprint: Imprint
    /// What the withdrawn claim had left and now does not.
    package let lifted: Imprint
    /// The claim as detectors see it from now on; `nil` where it was not filed by this entry.
    package let filing: Filing?

    package init(
        decision: Decision, reasons: [Reason] = [], holdings: [Holding] = [], released: [Holding] = [],
        claim: ClaimName? = nil, caseID: String? = nil, policyVersion: UInt32, imprint: Imprint = Imprint(),
        lifted: Imprint = Imprint(), filing: Filing? = nil
    ) {
        self.imprint = imprint
        self.lifted = lifted
        self.filing = filing
        self.decision = decision
        self.reasons = reasons
        self.holdings = holdings
        self.released = released
        self.claim = claim
        self.caseID = caseID
        self.policyVersion = policyVersion
    }

    /// What the claim takes: all of its holdings when reserved or held, nothing otherwise.
    package var taken: [Holding] { decision == .reserved || decision == .held ? holdings : [] }
}
