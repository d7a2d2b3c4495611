import Foundation
package import Replication
import SwiftProtobuf
package import VoucherDomain

/// What a city holds, shown to a registry whose database may have been restored.
package struct Presentation: SyncMessage, Hashable {
    package let city: CityCode
    /// The registry's own ``FeedSeal`` over the city's feed head; `nil` when it has applied nothing.
    package let feedSeal: SignedBytes?
    /// The newest ``Receipt`` of the city's log.
    package let receipt: SignedBytes?
    /// The last ``RecoveryCall`` that the city has kept: it accepts nothing of an incarnation below that one.
    package let call: SignedBytes?
    /// The ``Membership`` under which the city has its key; `nil` where it joined before there was one.
    package let membership: SignedBytes?

    package init(
        city: CityCode, feedSeal: SignedBytes?, receipt: SignedBytes?, call: SignedBytes?,
        membership: SignedBytes? = nil
    ) {
        self.city = city
        self.feedSeal = feedSeal
        self.receipt = receipt
        self.call = call
        self.membership = membership
    }

    package init(_ bytes: [UInt8], as format: BodyFormat) throws(WireFault) {
        let message = try WirePresentRequest(bytes, as: format)
        self.init(
            city: try CityCode(wire: message.city),
            feedSeal: message.hasFeedSeal ? SignedBytes(message.feedSeal) : nil,
            receipt: message.hasReceipt ? SignedBytes(message.receipt) : nil,
            call: message.hasCall ? SignedBytes(message.call) : nil,
            membership: message.hasMembership ? SignedBytes(message.membership) : nil)
    }

    package func encoded(as format: BodyFormat) -> [UInt8] {
        var message = WirePresentRequest()
        message.city = city.rawValue
        if let feedSeal { message.feedSeal = feedSeal.wire }
        if let receipt { message.receipt = receipt.wire }
        if let call { message.call = call.wire }
        if let membership { message.membership = membership.wire }
        return message.encoded(as: format)
    }
}

/// A registry that is getting back what it has lost asks a city to accept nothing of an incarnation below this one.
///
/// It is signed: where a registry meets a promise that it did not ask for, another one with the same keys is running.
package struct RecoveryCall: Hashable, Sendable {
    /// Where the feed of a city goes on that has applied what does not stand.
    package struct WayBack: Hashable, Sendable {
        /// The head that the city has shown, on a branch of the feed that was given up.
        package let from: FeedHead
        /// The last head before it that stands; ``FeedHead/empty`` where none does.
        package let to: FeedHead

        package init(from: FeedHead, to: FeedHead) {
            self.from = from
            self.to = to
        }
    }

    package let city: CityCode
    package let incarnation: UInt32
    /// Drawn when the recovery began: two recoveries that chose the same number are told apart by it.
    package let recoveryID: [UInt8]
    /// `nil` for a city whose feed stands, and while the registry recovers.
    package let wayBack: WayBack?

    package init(city: CityCode, incarnation: UInt32, recoveryID: [UInt8], wayBack: WayBack? = nil) {
        self.city = city
        self.incarnation = incarnation
        self.recoveryID = recoveryID
        self.wayBack = wayBack
    }

    package func signed(by key: SigningKey) throws -> SignedBytes {
        var body = WireRecoveryCallBody()
        body.city = city.rawValue
        body.incarnation = incarnation
        body.recoveryID = Data(recoveryID)
        if let wayBack {
            body.givenUp = wayBack.from.wire
            body.goesBackTo = wayBack.to.wire
        }
        return try key.sign(.recovery, body.bytes)
    }

    /// Reads a call that `key` signed.
    package init(_ signed: SignedBytes, by key: PublicKey) throws(WireFault) {
        guard signed.isValid(.recovery, by: key) else { throw WireFault("the call's signature is not the registry's") }
        try self.init(kept: signed.body)
    }

    /// Reads the body of a call whose signature was verified before it was kept.
    package init(kept bytes: [UInt8]) throws(WireFault) {
        let body = try WireRecoveryCallBody(decoding: bytes)
        guard body.incarnation < UInt32(Int32.max) else { throw WireFault("no such incarnation") }
        var wayBack: WayBack?
        if body.hasGivenUp || body.hasGoesBackTo {
            let (from, to) = (try FeedHead(body.givenUp), try FeedHead(body.goesBackTo))
            guard to.position < from.position else { throw WireFault("a way back must lead back") }
            wayBack = WayBack(from: from, to: to)
        }
        self.init(
            city: try CityCode(wire: body.city), incarnation: body.incarnation, recoveryID: Array(body.recoveryID),
            wayBack: wayBack)
    }
}

/// A part of what a recovering registry has not: of the feed, or of the city's own log.
package struct RefillPage: SyncMessage, Hashable {
    package let promise: UInt32
    /// Exact bytes of feed entries, in order; none when the page is of the log.
    package let feed: [[UInt8]]
    /// In the order of the log; none when the page is of the feed.
    package let entries: [Entry]
    /// The city's ``Seal`` over the last of the entries.
    package let seal: SignedBytes?
    /// The ``Receipt`` that was given for the last of the entries, and for those before it back to the one before.
    package let receipt: SignedBytes?

    /// The most bytes of a request: as many as an answer that brought the same feed may have.
    package static let maximumBytes = FeedAnswer.maximumBytes

    package init(promise: UInt32, feed: [[UInt8]]) {
        self.init(promise: promise, feed: feed, entries: [], seal: nil, receipt: nil)
    }

    package init(promise: UInt32, entries: [Entry], seal: SignedBytes, receipt: SignedBytes?) {
        self.init(promise: promise, feed: [], entries: entries, seal: seal, receipt: receipt)
    }

    private init(promise: UInt32, feed: [[UInt8]], entries: [Entry], seal: SignedBytes?, receipt: SignedBytes?) {
        self.promise = promise
        self.feed = feed
        self.entries = entries
        self.seal = seal
        self.receipt = receipt
    }

    package init(_ bytes: [UInt8], as format: BodyFormat) throws(WireFault) {
        let message = try WireRefillRequest(bytes, as: format)
        guard message.feed.count <= FeedRequest.maximumLimit, message.entries.count <= PushBatch.maximumEntries else {
            throw WireFault("too many entries in one page")
        }
        var entries: [Entry] = []
        for data in message.entries { entries.append(try EntryCoding.decode(Array(data))) }
        self.init(
            promise: message.promise, feed: message.feed.map { Array($0) }, entries: entries,
            seal: message.hasSeal ? SignedBytes(message.seal) : nil,
            receipt: message.hasReceipt ? SignedBytes(message.receipt) : nil)
    }

    package func encoded(as format: BodyFormat) -> [UInt8] {
        var message = WireRefillRequest()
        message.promise = promise
        message.feed = feed.map { Data($0) }
        message.entries = entries.map { Data($0.bytes) }
        if let seal { message.seal = seal.wire }
        if let receipt { message.receipt = receipt.wire }
        return message.encoded(as: format)
    }
}

/// What a registry has of what a city presented, and what it wants next.
package struct RecoveryStanding: SyncMessage, Hashable {
    /// The incarnation that begins when all is back; 0 when the registry is not recovering.
    package let incarnation: UInt32
    /// A ``RecoveryCall``, to be kept before anything is sent; `nil` where there is nothing to promise, or to go back to.
    package var call: SignedBytes?
    /// What the registry has of the city's log.
    package let logHead: LogHead
    /// What it has of the feed.
    package let feedHead: FeedHead
    /// Whether it takes the rest of the feed from this city.
    package let wantsFeed: Bool
    /// Whether it has all that the city presented.
    package let isComplete: Bool
    /// A ``Receipt`` for entries that came without one.
    package var receipt: SignedBytes?

    /// Whether it asks for what an earlier answer has asked for: nothing was taken of what was sent in between, and nothing
    /// would be if it were sent again.
    package func asksAgain(as earlier: RecoveryStanding) -> Bool {
        logHead == earlier.logHead && feedHead == earlier.feedHead && wantsFeed == earlier.wantsFeed
    }

    /// The answer of a registry that is not recovering.
    package static func open(_ logHead: LogHead, _ feedHead: FeedHead) -> RecoveryStanding {
        RecoveryStanding(incarnation: 0, logHead: logHead, feedHead: feedHead, wantsFeed: false, isComplete: true)
    }

    package init(incarnation: UInt32, logHead: LogHead, feedHead: FeedHead, wantsFeed: Bool, isComplete: Bool) {
        self.incarnation = incarnation
        self.logHead = logHead
        self.feedHead = feedHead
        self.wantsFeed = wantsFeed
        self.isComplete = isComplete
    }

    package init(_ bytes: [UInt8], as format: BodyFormat) throws(WireFault) {
        let message = try WireRecoveryStanding(bytes, as: format)
        self.init(
            incarnation: message.incarnation, logHead: try LogHead(message.logHead),
            feedHead: try FeedHead(message.feedHead), wantsFeed: message.wantsFeed, isComplete: message.complete)
        receipt = message.hasReceipt ? SignedBytes(message.receipt) : nil
        call = message.hasCall ? SignedBytes(message.call) : nil
    }

    package func encoded(as format: BodyFormat) -> [UInt8] {
        var message = WireRecoveryStanding()
        message.incarnation = incarnation
        message.logHead = logHead.wire
        message.feedHead = feedHead.wire
        message.wantsFeed = wantsFeed
        message.complete = isComplete
        if let call { message.call = call.wire }
        if let receipt { message.receipt = receipt.wire }
        return message.encoded(as: format)
    }
}
