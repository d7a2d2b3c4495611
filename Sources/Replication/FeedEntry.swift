package import Arbitration
import SeededBugs
package import VoucherDomain

/// One entry of the national feed: the registry's answer to one log entry, and the bytes that are hashed.
///
/// Every city reads all of it, so it holds nothing of a claim but keyed hashes and opaque ids; what the filing
/// city is to know besides is in ``detail``, encrypted for that city alone.
package struct FeedEntry: Hashable, Sendable {
    package var incarnation: UInt32
    package var position: UInt64
    package var previousHash: Digest
    /// Whose entry is answered, and where it is in that city's log.
    package var city: CityCode
    package var answers: LogHead
    package var entryID: EntryID
    package var kind: EntryKind
    /// When the registry received the entry, in milliseconds since 1970. The fold decides by it, and no log says it; 0
    /// where the registry's software did not say it yet.
    package var receivedAt: UInt64
    package var decision: Outcome.Decision
    package var policyVersion: UInt32
    /// The epoch of the secret behind the hashes below.
    package var keyEpoch: UInt32
    package var taken: [KeyTaken]
    /// Keyed hashes that a withdrawal gives back.
    package var released: [[UInt8]]
    /// Where the claim that is withdrawn was decided; 0 otherwise.
    package var claimPosition: UInt64
    /// An encrypted ``OutcomeDetail``, or empty.
    package var detail: [UInt8]
    /// The whole entry, for entries of the registry's own log, and where one of them decides a city's entry anew; empty
    /// otherwise.
    package var registryEntry: [UInt8]

    /// What becomes of earlier claims, but for a withdrawn one.
    package var effects: [Effect]
    /// Encrypted ``CaseNotice``s, by city.
    package var notices: [Notice]

    package struct Effect: Hashable, Sendable {
        /// Where the claim was decided.
        package let claimPosition: UInt64
        /// Where it stands now.
        package let decision: Outcome.Decision
        /// Keyed hashes that it gives back.
        package let released: [[UInt8]]
        /// Where its payment stands now, where that changed.
        package var payment: Payment.Stage?
        /// The bank reference, once it is authorised.
        package var reference: PaymentReference?
        /// An encrypted payment detail for the claim's own city, or empty.
        package var detail: [UInt8] = []

        package init(claimPosition: UInt64, decision: Outcome.Decision, released: [[UInt8]]) {
            self.claimPosition = claimPosition
            self.decision = decision
            self.released = released
        }
    }

    package struct Notice: Hashable, Sendable {
        package let city: CityCode
        package let sealed: [UInt8]

        package init(city: CityCode, sealed: [UInt8]) {
            self.city = city
            self.sealed = sealed
        }
    }

    /// A published key that a claim has taken.
    package struct KeyTaken: Hashable, Sendable {
        package let kind: KeyKind
        /// ``KeyHasher/hashLength`` bytes.
        package let hash: [UInt8]
        /// ``KeyHasher/tagLength`` bytes where the holder is neither the claim nor its city; empty otherwise.
        package let tag: [UInt8]

        package init(kind: KeyKind, hash: [UInt8], tag: [UInt8]) {
            self.kind = kind
            self.hash = hash
            self.tag = tag
        }
    }

    package init(
        incarnation: UInt32, position: UInt64, previousHash: Digest, city: CityCode, answers: LogHead,
        entryID: EntryID, kind: EntryKind, receivedAt: UInt64, decision: Outcome.Decision, policyVersion: UInt32,
        keyEpoch: UInt32, taken: [KeyTaken] = [], released: [[UInt8]] = [], claimPosition: UInt64 = 0,
        detail: [UInt8] = [], registryEntry: [UInt8] = [], effects: [Effect] = [], notices: [Notice] = []
    ) {
        self.effects = effects
        self.notices = notices
        self.incarnation = incarnation
        self.position = position
        self.previousHash = previousHash
        self.city = city
        self.answers = answers
        self.entryID = entryID
        self.kind = kind
        self.receivedAt = receivedAt
        self.decision = decision
        self.policyVersion = policyVersion
        self.keyEpoch = keyEpoch
        self.taken = taken
        self.released = released
        self.claimPosition = claimPosition
        self.detail = detail
        self.registryEntry = registryEntry
    }
}

/// A feed entry with its exact bytes and their hash.
package struct SealedFeedEntry: Hashable, Sendable {
    package let entry: FeedEntry
    package let bytes: [UInt8]
    package let hash: Digest

    package init(entry: FeedEntry, bytes: [UInt8]) {
        self.entry = entry
        self.bytes = bytes
        self.hash = Digest(.feed, bytes)
    }

    package var head: FeedHead { FeedHead(incarnation: entry.incarnation, position: entry.position, hash: hash) }
}

/// What only the filing city may read of an outcome.
package struct OutcomeDetail: Hashable, Sendable {
    package let claimNumber: String
    /// The case that was opened, or empty.
    package let caseID: String
    package let reasons: [Reason]

    package init(claimNumber: String, caseID: String, reasons: [Reason]) {
        self.claimNumber = claimNumber
        self.caseID = caseID
        self.reasons = reasons
    }
}

/// A page of the feed being followed: it must continue the reader's cursor, and end in a seal.
package enum FeedPage {
    package enum Fault: Error, Hashable, Sendable {
        case badSeal
        case gap(expected: UInt64, found: UInt64)
        case brokenLink(position: UInt64)
        case lowerIncarnation(UInt32)

        package var message: String {
            switch self {
            case .badSeal: "the feed page's seal is not valid"
            case .gap(let expected, let found): "feed position \(expected) was expected, \(found) was found"
            case .brokenLink(let position): "feed entry \(position) does not name the hash of the one before it"
            case .lowerIncarnation(let incarnation):
                "the feed goes back to incarnation \(incarnation) of the registry: an old registry is still running"
            }
        }
    }

    /// Checks that `entries` follow `cursor` without a gap and that `sealed` names the last of them.
    ///
    /// - Returns: The new cursor.
    package static func follow(
        _ entries: [SealedFeedEntry], from cursor: FeedHead, sealed: FeedHead
    ) throws(Fault) -> FeedHead {
        var head = cursor
        for entry in entries {
            guard entry.entry.incarnation >= head.incarnation || SeededBug.olderIncarnationAccepted.isActive else {
                throw .lowerIncarnation(entry.entry.incarnation)
            }
            guard entry.entry.position == head.position + 1 else {
                throw .gap(expected: head.position + 1, found: entry.entry.position)
            }
            guard entry.entry.previousHash == head.hash || SeededBug.feedLinkUnchecked.isActive else {
                throw .brokenLink(position: entry.entry.position)
            }
            head = entry.head
        }
        guard sealed == head || SeededBug.feedSealUnchecked.isActive else { throw .badSeal }
        return head
    }
}
