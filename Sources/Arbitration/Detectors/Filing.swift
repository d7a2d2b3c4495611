package import VoucherDomain

/// A filed claim as a detector sees it: its own or a neighbour's.
package struct Filing: Hashable, Sendable {
    /// What never changes, shared by all copies: detectors pass filings around by the dozen.
    private let body: Body
    package var state: Outcome.Decision

    private final class Body: Sendable {
        let position: Int64
        let name: ClaimName
        let id: [UInt8]
        let claim: Claim
        let programme: String
        let receivedAt: Int64
        let filedAt: Int64

        init(
            position: Int64, name: ClaimName, id: [UInt8], claim: Claim, programme: String, receivedAt: Int64,
            filedAt: Int64
        ) {
            self.filedAt = filedAt
            self.position = position
            self.name = name
            self.id = id
            self.claim = claim
            self.programme = programme
            self.receivedAt = receivedAt
        }
    }

    package init(
        position: Int64, name: ClaimName, id: [UInt8] = [], claim: Claim, programme: String, receivedAt: Int64,
        filedAt: Int64? = nil, state: Outcome.Decision
    ) {
        body = Body(
            position: position, name: name, id: id, claim: claim, programme: programme, receivedAt: receivedAt,
            filedAt: filedAt ?? receivedAt)
        self.state = state
    }

    /// Where it was decided; 0 while it is not.
    package var position: Int64 { body.position }
    package var name: ClaimName { body.name }
    /// The claim's permanent id: that of the entry which filed it.
    package var id: [UInt8] { body.id }
    package var claim: Claim { body.claim }
    /// The programme of its voucher; empty when the voucher is unknown.
    package var programme: String { body.programme }
    /// When the registry received it, in milliseconds since 1970 by the registry's clock.
    package var receivedAt: Int64 { body.receivedAt }
    /// When it was filed as far as is known: see ``Ledger/filingTime(of:)``.
    package var filedAt: Int64 { body.filedAt }

    package static func == (left: Filing, right: Filing) -> Bool {
        left.state == right.state
            && (left.body === right.body
                || left.position == right.position && left.name == right.name && left.id == right.id
                    && left.claim == right.claim
                    && left.programme.utf8.elementsEqual(right.programme.utf8) && left.receivedAt == right.receivedAt)
    }

    package func hash(into hasher: inout Hasher) {
        hasher.combine(position)
        hasher.combine(name)
        hasher.combine(state)
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
