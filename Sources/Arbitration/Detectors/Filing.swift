package import VoucherDomain

/// A filed claim as a detector sees it: its own or a neighbour's.
package struct Filing: Hashable, Sendable {
    /// Where it was decided; 0 while it is not.
    package let position: Int64
    package let name: ClaimName
    package let claim: Claim
    /// The programme of its voucher; empty when the voucher is unknown.
    package let programme: String
    /// When the registry received it, in milliseconds since 1970 by the registry's clock.
    package let receivedAt: Int64
    package var state: Outcome.Decision

    package init(
        position: Int64, name: ClaimName, claim: Claim, programme: String, receivedAt: Int64, state: Outcome.Decision
    ) {
        self.position = position
        self.name = name
        self.claim = claim
        self.programme = programme
        self.receivedAt = receivedAt
        self.state = state
    }

    var isLive: Bool { state.isLive }

    /// Buyer and supplier, as fields of a trace.
    var pair: [String] { [claim.enterprise.rawValue, claim.provider.rawValue] }

    func isSamePair(_ other: Filing) -> Bool {
        claim.enterprise == other.claim.enterprise && claim.provider == other.claim.provider
    }

    /// Whether both declare the same co-funding.
    func sharesGroup(_ other: Filing) -> Bool {
        !claim.cofundingGroup.isEmpty && claim.cofundingGroup.utf8.elementsEqual(other.claim.cofundingGroup.utf8)
    }

    /// The contract as ``Rule/Holder/contract`` compares it.
    var contract: String { claim.contract.withoutLeadingZeros ?? claim.contract.rawValue }

    /// The programme year: the calendar year in which the service begins.
    var year: Int32 { claim.service.from.year }
}
