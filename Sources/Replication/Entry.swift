package import VoucherDomain

/// What an entry says. Numbers are permanent; unknown ones are kept opaque and answered `unsupported`.
package struct EntryKind: RawRepresentable, Hashable, Sendable {
    package let rawValue: UInt32

    package init(rawValue: UInt32) { self.rawValue = rawValue }

    package static let voucherIssued = EntryKind(rawValue: 1)
    package static let claimFiled = EntryKind(rawValue: 2)
    package static let claimWithdrawn = EntryKind(rawValue: 3)
    package static let caseAnswered = EntryKind(rawValue: 4)
    package static let paymentRequested = EntryKind(rawValue: 5)
    package static let paymentSubmitted = EntryKind(rawValue: 6)
    package static let paymentConfirmed = EntryKind(rawValue: 7)
    package static let paymentFailed = EntryKind(rawValue: 8)
    package static let paymentReversed = EntryKind(rawValue: 9)
    /// A node process started, with its random incarnation.
    package static let nodeStarted = EntryKind(rawValue: 10)
    package static let invoiceReversed = EntryKind(rawValue: 11)
    // The registry's own log.
    package static let cityEnrolled = EntryKind(rawValue: 100)
    package static let cityJoined = EntryKind(rawValue: 101)
    package static let citySuspended = EntryKind(rawValue: 102)
    package static let cityReinstated = EntryKind(rawValue: 103)
    package static let epochGranted = EntryKind(rawValue: 104)
    package static let policyPublished = EntryKind(rawValue: 105)
    package static let companiesListed = EntryKind(rawValue: 106)
    package static let providersListed = EntryKind(rawValue: 107)
    package static let caseRuled = EntryKind(rawValue: 108)
    package static let caseReopened = EntryKind(rawValue: 109)
    package static let ticked = EntryKind(rawValue: 110)
    package static let claimReviewed = EntryKind(rawValue: 111)
    package static let registryRecovered = EntryKind(rawValue: 112)
    package static let entryRead = EntryKind(rawValue: 113)
    package static let paymentFound = EntryKind(rawValue: 114)
    package static let tailKept = EntryKind(rawValue: 115)

    /// Whether the kind belongs in the registry's log and nowhere else.
    package var isRegistryAct: Bool { (100..<200).contains(rawValue) }
}

/// One entry of a log: the fields, and the exact bytes that are hashed, stored and sent.
package struct Entry: Hashable, Sendable {
    package let city: CityCode
    package let epoch: Epoch
    package let sequence: UInt64
    package let time: HybridTime
    package let kind: EntryKind
    /// The newest feed head that the writer had applied.
    package let feedHead: FeedHead
    package let id: EntryID
    package let payload: [UInt8]
    package let previousHash: Digest
    /// The encoded body, as written by its origin.
    package let bytes: [UInt8]
    /// SHA-256 over ``bytes`` in the domain of entries.
    package let hash: Digest

    package init(draft: EntryDraft, bytes: [UInt8]) {
        self.city = draft.city
        self.epoch = draft.epoch
        self.sequence = draft.sequence
        self.time = draft.time
        self.kind = draft.kind
        self.feedHead = draft.feedHead
        self.id = draft.id
        self.payload = draft.payload
        self.previousHash = draft.previousHash
        self.bytes = bytes
        self.hash = Digest(.entry, bytes)
    }

    package var head: LogHead { LogHead(epoch: epoch, sequence: sequence, hash: hash) }

    /// The most bytes a payload may have: 256 KiB.
    package static let maximumPayloadBytes = 1 << 18
}

/// The fields of an entry before it has bytes.
package struct EntryDraft: Hashable, Sendable {
    package var city: CityCode
    package var epoch: Epoch
    package var sequence: UInt64
    package var time: HybridTime
    package var kind: EntryKind
    package var feedHead: FeedHead
    package var id: EntryID
    package var payload: [UInt8]
    package var previousHash: Digest

    package init(
        city: CityCode, epoch: Epoch, sequence: UInt64, time: HybridTime, kind: EntryKind, feedHead: FeedHead,
        id: EntryID, payload: [UInt8], previousHash: Digest
    ) {
        self.city = city
        self.epoch = epoch
        self.sequence = sequence
        self.time = time
        self.kind = kind
        self.feedHead = feedHead
        self.id = id
        self.payload = payload
        self.previousHash = previousHash
    }
}
