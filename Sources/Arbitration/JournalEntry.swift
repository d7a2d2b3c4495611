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
    /// When its city wrote it, in milliseconds since 1970 by the city's own clock.
    package let writtenAt: Int64
    /// The newest feed position that its city knew when it wrote it; 0 for none.
    package let feedPosition: Int64
    /// Set where the entry was answered `unsupported` before and is read here.
    package let reading: Reading?

    /// What the registry says when it reads an entry that it could not read.
    package struct Reading: Hashable, Sendable {
        /// When it says so, in milliseconds since 1970.
        package let at: Int64
        /// When the city wrote its first entry that is still not read; `nil` when all are.
        package let unreadSince: Int64?

        package init(at: Int64, unreadSince: Int64?) {
            self.at = at
            self.unreadSince = unreadSince
        }
    }

    package init(
        position: Int64, city: CityCode, id: [UInt8], content: Content, receivedAt: Int64 = 0, writtenAt: Int64 = 0,
        feedPosition: Int64 = 0, reading: Reading? = nil
    ) {
        let keys = if case .claimFiled(let claim) = content { claim.keys(in: city) } else { [Key]() }
        self.init(
            position: position, city: city, id: id, content: content, keys: keys, receivedAt: receivedAt,
            writtenAt: writtenAt, feedPosition: feedPosition, reading: reading)
    }

    private init(
        position: Int64, city: CityCode, id: [UInt8], content: Content, keys: [Key], receivedAt: Int64,
        writtenAt: Int64, feedPosition: Int64, reading: Reading?
    ) {
        self.reading = reading
        self.feedPosition = feedPosition
        self.receivedAt = receivedAt
        self.writtenAt = writtenAt
        self.position = position
        self.city = city
        self.id = id
        self.content = content
        self.keys = keys
    }

    /// The same entry in another place.
    package func placed(at position: Int64) -> JournalEntry {
        JournalEntry(
            position: position, city: city, id: id, content: content, keys: keys, receivedAt: receivedAt,
            writtenAt: writtenAt, feedPosition: feedPosition, reading: reading)
    }

    /// When the registry had what is decided here: nobody who knows of the decision wrote earlier.
    var decidedFrom: Int64 { reading?.at ?? receivedAt }

    /// Whether it may change other claims than its own, or what is known of its city.
    package var isFarReaching: Bool { content.isFarReaching || reading != nil }

    package enum Content: Hashable, Sendable {
        case voucherIssued(Voucher)
        // One reference instead of a dozen: entries are passed around by the thousand.
        indirect case claimFiled(Claim)
        case claimWithdrawn(claimNumber: String)
        case policyPublished(Policy)
        /// Rows of the ownership file.
        case companiesListed([Register.Company])
        /// Rows of the national list of compute providers.
        case providersListed([Register.Provider])
        case caseAnswered(CaseAnswer)
        case caseRuled(Ruling)
        case caseReopened(caseID: String, reason: String, by: String)
        /// Time that has passed, as an entry.
        case ticked(Tick)
        /// A city joined, was suspended or came back.
        case membership(CityCode, Member.Change)
        case payment(PaymentAct)
        case invoiceReversed(RedLetter)
        /// A claim that is held against the rule book once more, for what has become known since.
        case claimReviewed(ClaimName)
        /// A branch of the feed that was given up has released the payment, under that reference, of the claim which that entry
        /// of a city's log filed; `nil` where it is not at hand.
        indirect case paymentFound(PaymentReference, filing: JournalEntry?)
        /// A tail of the feed that came too late is kept; these claims stand otherwise than it had them, or are in their way.
        case tailKept([ClaimName])
        /// An act of the registry or a city that changes no claim: enrolments, epochs, process starts.
        case act
        /// An entry kind of a newer version: kept, answered, folded again after an upgrade.
        case unsupported
        /// An entry that its own node should never have let through, and why.
        case faulty(String)

        /// Whether deciding it may change other claims than its own, or cases: it is decided on everything that was
        /// committed before it.
        package var isFarReaching: Bool {
            switch self {
            // A claim that gives an invoice two names joins what stands under them.
            case .claimFiled(let claim): claim.invoices.contains { $0.number.alias != nil }
            case .voucherIssued, .membership, .act, .unsupported, .faulty: false
            case .claimWithdrawn, .caseAnswered, .caseRuled, .caseReopened, .ticked, .policyPublished, .companiesListed,
                .providersListed, .payment, .invoiceReversed, .claimReviewed, .paymentFound, .tailKept:
                true
            }
        }
    }
}
