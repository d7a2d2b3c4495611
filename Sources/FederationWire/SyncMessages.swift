import Foundation
package import Replication
import SwiftProtobuf
package import VoucherDomain

extension Hello: SyncMessage {
    package init(_ bytes: [UInt8], as format: BodyFormat) throws(WireFault) {
        let message = try WireHelloRequest(bytes, as: format)
        guard message.processNonce.count == 16 else { throw WireFault("a process nonce has 16 bytes") }
        self.init(
            versions: message.versions, city: try CityCode(wire: message.city),
            processNonce: Array(message.processNonce), epoch: message.hasEpoch ? Epoch(message.epoch) : nil,
            logHead: try LogHead(message.logHead), feedHead: try FeedHead(message.feedHead),
            promise: message.promise, recoveryID: Array(message.recoveryID),
            compared: message.hasCompared ? try LogHead(message.compared) : nil)
        software = message.software
    }

    package func encoded(as format: BodyFormat) -> [UInt8] {
        var message = WireHelloRequest()
        message.versions = versions
        message.city = city.rawValue
        message.processNonce = Data(processNonce)
        if let epoch { message.epoch = epoch.wire }
        message.logHead = logHead.wire
        message.feedHead = feedHead.wire
        message.promise = promise
        message.recoveryID = Data(recoveryID)
        if let compared { message.compared = compared.wire }
        message.software = software
        return message.encoded(as: format)
    }
}

/// What the registry answers to a hello.
package struct HelloAnswer: SyncMessage, Hashable {
    /// A ``Grant``.
    package let grant: SignedBytes
    /// What the registry has of this city's log.
    package let logHead: LogHead
    package let feedHead: FeedHead
    /// Milliseconds since 1970.
    package let registryTime: UInt64
    /// When the city's key is to have been replaced; `nil` where the registry does not say it. A word for the officer:
    /// nothing depends on it.
    package let keyUntil: Expiry?

    package init(
        grant: SignedBytes, logHead: LogHead, feedHead: FeedHead, registryTime: UInt64, keyUntil: Expiry? = nil
    ) {
        self.grant = grant
        self.logHead = logHead
        self.feedHead = feedHead
        self.registryTime = registryTime
        self.keyUntil = keyUntil
    }

    package init(_ bytes: [UInt8], as format: BodyFormat) throws(WireFault) {
        let message = try WireHelloAnswer(bytes, as: format)
        self.init(
            grant: SignedBytes(message.grant), logHead: try LogHead(message.logHead),
            feedHead: try FeedHead(message.feedHead), registryTime: message.registryTimeMs,
            keyUntil: message.keyUntilMs == 0 ? nil : Expiry(rawValue: message.keyUntilMs))
    }

    package func encoded(as format: BodyFormat) -> [UInt8] {
        var message = WireHelloAnswer()
        message.grant = grant.wire
        message.logHead = logHead.wire
        message.feedHead = feedHead.wire
        message.registryTimeMs = registryTime
        message.keyUntilMs = keyUntil?.rawValue ?? 0
        return message.encoded(as: format)
    }
}

extension PushBatch: SyncMessage {
    package init(_ bytes: [UInt8], as format: BodyFormat) throws(WireFault) {
        guard bytes.count <= PushBatch.maximumBytes else {
            throw WireFault("a batch of \(bytes.count) bytes, at most \(PushBatch.maximumBytes)")
        }
        let message = try WirePushRequest(bytes, as: format)
        guard message.entries.count <= PushBatch.maximumEntries else {
            throw WireFault("\(message.entries.count) entries in a batch, at most \(PushBatch.maximumEntries)")
        }
        var entries: [Entry] = []
        entries.reserveCapacity(message.entries.count)
        for (index, data) in message.entries.enumerated() {
            do {
                entries.append(try EntryCoding.decode(Array(data)))
            } catch {
                throw WireFault("entry \(index + 1) of the batch: \(error.message)")
            }
        }
        let signedSeal = SignedBytes(message.seal)
        self.init(
            sessionEpoch: Epoch(message.sessionEpoch), entries: entries, seal: try Seal(signedSeal),
            signedSeal: signedSeal)
    }

    package func encoded(as format: BodyFormat) -> [UInt8] {
        var message = WirePushRequest()
        message.sessionEpoch = sessionEpoch.wire
        message.entries = entries.map { Data($0.bytes) }
        message.seal = signedSeal.wire
        return message.encoded(as: format)
    }
}

/// What the registry answers to a batch, once it is committed.
package struct PushAnswer: SyncMessage, Hashable {
    /// One answer an entry, in batch order.
    package let answers: [PushReview.Answer]
    /// A ``Receipt``.
    package let receipt: SignedBytes
    private let firstSequence: UInt64

    package init(answers: [PushReview.Answer], firstSequence: UInt64, receipt: SignedBytes) {
        self.answers = answers
        self.firstSequence = firstSequence
        self.receipt = receipt
    }

    package init(_ bytes: [UInt8], as format: BodyFormat) throws(WireFault) {
        let message = try WirePushAnswer(bytes, as: format)
        var answers: [PushReview.Answer] = []
        for item in message.answers {
            switch item.result {
            case 1: answers.append(.accepted)
            case 2: answers.append(.alreadyKnown)
            case 3: answers.append(.rejected(item.reason))
            default: throw WireFault("result \(item.result) is not known: this node needs an update")
            }
        }
        self.init(
            answers: answers, firstSequence: message.answers.first?.sequence ?? 0,
            receipt: SignedBytes(message.receipt))
    }

    package func encoded(as format: BodyFormat) -> [UInt8] {
        var message = WirePushAnswer()
        message.answers = answers.enumerated().map { index, answer in
            var item = WireEntryAnswer()
            item.sequence = firstSequence + UInt64(index)
            switch answer {
            case .accepted: item.result = 1
            case .alreadyKnown: item.result = 2
            case .rejected(let reason):
                item.result = 3
                item.reason = reason
            }
            return item
        }
        message.receipt = receipt.wire
        return message.encoded(as: format)
    }
}

/// A city's wish for what follows its feed cursor.
package struct FeedRequest: SyncMessage, Hashable {
    package let after: FeedHead
    package let limit: Int
    /// How long the registry may hold the answer when there is nothing new.
    package let wait: Duration
    package let sessionEpoch: Epoch

    package static let maximumLimit = 5_000
    package static let maximumWait = Duration.seconds(30)

    package init(after: FeedHead, limit: Int, wait: Duration, sessionEpoch: Epoch) {
        self.after = after
        self.limit = limit
        self.wait = wait
        self.sessionEpoch = sessionEpoch
    }

    package init(_ bytes: [UInt8], as format: BodyFormat) throws(WireFault) {
        let message = try WireFeedRequest(bytes, as: format)
        self.init(
            after: try FeedHead(message.after), limit: min(max(1, Int(message.limit)), FeedRequest.maximumLimit),
            wait: min(.milliseconds(Int(message.waitMs)), FeedRequest.maximumWait),
            sessionEpoch: Epoch(message.sessionEpoch))
    }

    package func encoded(as format: BodyFormat) -> [UInt8] {
        var message = WireFeedRequest()
        message.after = after.wire
        message.limit = UInt32(limit)
        message.waitMs = UInt32(wait / .milliseconds(1))
        message.sessionEpoch = sessionEpoch.wire
        return message.encoded(as: format)
    }
}

/// A page of the feed. Its seal is a ``FeedSeal`` over the last entry, or over the cursor when there is none.
package struct FeedAnswer: SyncMessage, Hashable {
    /// Exact bytes of feed entries, in order.
    package let entries: [[UInt8]]
    package let seal: SignedBytes
    /// Whether the page was cut short.
    package let more: Bool

    /// The bytes at which a page of the feed ends, passed by at most one entry: 4 MiB.
    package static let pageBytes = 4 << 20
    /// The most bytes of one feed entry: 56 MiB, far above what an entry with 201 claims of a case takes.
    package static let maximumEntryBytes = 56 << 20
    /// The most bytes of an answer: 64 MiB, a page and the entry that passes it, and what stands around them.
    package static let maximumBytes = pageBytes + maximumEntryBytes + (4 << 20)

    package init(entries: [[UInt8]], seal: SignedBytes, more: Bool) {
        self.entries = entries
        self.seal = seal
        self.more = more
    }

    package init(_ bytes: [UInt8], as format: BodyFormat) throws(WireFault) {
        let message = try WireFeedPage(bytes, as: format)
        self.init(entries: message.entries.map { Array($0) }, seal: SignedBytes(message.seal), more: message.more)
    }

    package func encoded(as format: BodyFormat) -> [UInt8] {
        var message = WireFeedPage()
        message.entries = entries.map { Data($0) }
        message.seal = seal.wire
        message.more = more
        return message.encoded(as: format)
    }
}

/// A city's wish for what follows a head in its own log.
package struct LogRequest: SyncMessage, Hashable {
    package let after: LogHead
    /// Entries, passed by at most one batch.
    package let limit: Int

    package static let maximumLimit = 5_000

    package init(after: LogHead, limit: Int) {
        self.after = after
        self.limit = limit
    }

    package init(_ bytes: [UInt8], as format: BodyFormat) throws(WireFault) {
        let message = try WireLogRequest(bytes, as: format)
        self.init(
            after: try LogHead(message.after), limit: min(max(1, Int(message.limit)), LogRequest.maximumLimit))
    }

    package func encoded(as format: BodyFormat) -> [UInt8] {
        var message = WireLogRequest()
        message.after = after.wire
        message.limit = UInt32(limit)
        return message.encoded(as: format)
    }
}

/// Whole batches of a city's own log as the registry has them, each with the receipt that was given for it; and who holds
/// the log.
package struct LogPage: SyncMessage, Hashable {
    /// In the order of the log; none when the registry has no more.
    package var entries: [Entry]
    /// A ``Receipt`` for each batch; the last one is for the last entry.
    package var receipts: [SignedBytes]
    /// The epoch granted last. Not signed: good for nothing but to name it in a hello.
    package let grantedEpoch: Epoch?
    /// The process that holds that grant; empty when the registry does not know it. Not signed either.
    package let processNonce: [UInt8]

    package init(entries: [Entry], receipts: [SignedBytes], grantedEpoch: Epoch?, processNonce: [UInt8]) {
        self.entries = entries
        self.receipts = receipts
        self.grantedEpoch = grantedEpoch
        self.processNonce = processNonce
    }

    package init(_ bytes: [UInt8], as format: BodyFormat) throws(WireFault) {
        let message = try WireLogPage(bytes, as: format)
        var entries: [Entry] = []
        for data in message.entries { entries.append(try EntryCoding.decode(Array(data))) }
        self.init(
            entries: entries, receipts: message.receipts.map { SignedBytes($0) },
            grantedEpoch: message.hasGrantedEpoch ? Epoch(message.grantedEpoch) : nil,
            processNonce: Array(message.processNonce))
    }

    package func encoded(as format: BodyFormat) -> [UInt8] {
        var message = WireLogPage()
        message.entries = entries.map { Data($0.bytes) }
        message.receipts = receipts.map(\.wire)
        if let grantedEpoch { message.grantedEpoch = grantedEpoch.wire }
        message.processNonce = Data(processNonce)
        return message.encoded(as: format)
    }
}
