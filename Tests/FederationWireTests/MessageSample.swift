import Arbitration
import Replication
import VoucherDomain

@testable import FederationWire

/// One message of each type of the protocol, with how it is read back.
enum MessageSample: String, CaseIterable, Sendable {
    case namingHello, comparingHello, firstHello, helloAnswer, helloAnswerWithKey, pushBatch, emptyPushBatch
    case pushAnswer, feedRequest, feedAnswer, emptyFeedAnswer
    case joinRequest, rejoinRequest, joinAnswer, joinAnswerWithMembership, logRequest, logPage, logPageWithHolder
    case presentation, memberPresentation, firstPresentation, refillOfFeed, refillOfLog, recoveryStanding, openStanding

    var value: any SyncMessage & Hashable {
        switch self {
        case .namingHello:
            Hello(
                versions: [1, 2, 70_000], city: .shenzhen, processNonce: MessageSample.nonce, epoch: .sample,
                logHead: .sample, feedHead: .sample, promise: 3, recoveryID: [UInt8](0..<16))
        case .comparingHello:
            Hello(
                versions: [1], city: .shenzhen, processNonce: MessageSample.nonce, epoch: .sample, logHead: .sample,
                feedHead: .sample, compared: .sample)
        case .firstHello:
            Hello(
                versions: [1], city: .beijing, processNonce: MessageSample.nonce, epoch: nil, logHead: .empty,
                feedHead: .empty)
        case .helloAnswer:
            HelloAnswer(grant: .sample, logHead: .sample, feedHead: .sample, registryTime: .max)
        case .helloAnswerWithKey:
            HelloAnswer(
                grant: .sample, logHead: .sample, feedHead: .sample, registryTime: .max,
                keyUntil: Expiry(rawValue: 1_790_000_000_000))
        case .pushBatch: MessageSample.batch([EntryDraft.sample.entry, MessageSample.next(EntryDraft.sample.entry)])
        case .emptyPushBatch: MessageSample.batch([])
        case .pushAnswer:
            PushAnswer(
                answers: [.accepted, .alreadyKnown, .rejected("编号重复 / its id is used"), .rejected("")],
                firstSequence: 3, receipt: .sample)
        case .feedRequest: FeedRequest(after: .sample, limit: 500, wait: .milliseconds(2_500), sessionEpoch: .sample)
        case .feedAnswer: FeedAnswer(entries: [MessageSample.feedEntry.bytes, [], [1]], seal: .sample, more: true)
        case .emptyFeedAnswer: FeedAnswer(entries: [], seal: .sample, more: false)
        case .joinRequest:
            JoinRequest(
                city: .shenzhen, secret: [UInt8](0..<32), publicKey: SigningKey.city.publicKey,
                processNonce: MessageSample.nonce)
        case .rejoinRequest:
            JoinRequest(
                city: .shenzhen, secret: [UInt8](0..<32), publicKey: SigningKey.city.publicKey,
                processNonce: MessageSample.nonce, epoch: .sample)
        case .joinAnswer:
            JoinAnswer(welcome: .sample, grant: .sample, registryKey: SigningKey.registry.publicKey)
        case .joinAnswerWithMembership:
            JoinAnswer(
                welcome: .sample, grant: .sample, registryKey: SigningKey.registry.publicKey, membership: .sample)
        case .logRequest: LogRequest(after: .sample, limit: 2_000)
        case .logPage:
            LogPage(entries: [EntryDraft.sample.entry], receipts: [.sample], grantedEpoch: nil, processNonce: [])
        case .logPageWithHolder:
            LogPage(
                entries: [EntryDraft.sample.entry], receipts: [.sample], grantedEpoch: .sample,
                processNonce: MessageSample.nonce)
        case .presentation, .memberPresentation, .firstPresentation, .refillOfFeed, .refillOfLog, .recoveryStanding,
            .openStanding:
            recovery
        }
    }

    private var recovery: any SyncMessage & Hashable {
        switch self {
        case .presentation:
            return Presentation(city: .shenzhen, feedSeal: .sample, receipt: .sample, call: .sample)
        case .memberPresentation:
            return Presentation(city: .shenzhen, feedSeal: nil, receipt: nil, call: nil, membership: .sample)
        case .refillOfFeed: return RefillPage(promise: 2, feed: [MessageSample.feedEntry.bytes])
        case .refillOfLog:
            return RefillPage(promise: 2, entries: [EntryDraft.sample.entry], seal: .sample, receipt: .sample)
        case .recoveryStanding:
            var standing = RecoveryStanding(
                incarnation: 2, logHead: .sample, feedHead: .sample, wantsFeed: true, isComplete: true)
            (standing.receipt, standing.call) = (.sample, .sample)
            return standing
        case .openStanding: return RecoveryStanding.open(.empty, .empty)
        default: return Presentation(city: .beijing, feedSeal: nil, receipt: nil, call: nil)
        }
    }

    /// The message's name in the `.proto`.
    var wireName: String {
        switch self {
        case .namingHello, .comparingHello, .firstHello: "HelloRequest"
        case .helloAnswer, .helloAnswerWithKey: "HelloAnswer"
        case .pushBatch, .emptyPushBatch: "PushRequest"
        case .pushAnswer: "PushAnswer"
        case .feedRequest: "FeedRequest"
        case .feedAnswer, .emptyFeedAnswer: "FeedPage"
        case .joinRequest, .rejoinRequest: "JoinRequest"
        case .joinAnswer, .joinAnswerWithMembership: "JoinAnswer"
        case .logRequest: "LogRequest"
        case .logPage, .logPageWithHolder: "LogPage"
        case .presentation, .memberPresentation, .firstPresentation: "PresentRequest"
        case .refillOfFeed, .refillOfLog: "RefillRequest"
        case .recoveryStanding, .openStanding: "RecoveryStanding"
        }
    }

    func decode(_ bytes: [UInt8], as format: BodyFormat) throws(WireFault) -> any SyncMessage & Hashable {
        switch self {
        case .namingHello, .comparingHello, .firstHello: try Hello(bytes, as: format)
        case .helloAnswer, .helloAnswerWithKey: try HelloAnswer(bytes, as: format)
        case .pushBatch, .emptyPushBatch: try PushBatch(bytes, as: format)
        case .pushAnswer: try PushAnswer(bytes, as: format)
        case .feedRequest: try FeedRequest(bytes, as: format)
        case .feedAnswer, .emptyFeedAnswer: try FeedAnswer(bytes, as: format)
        case .joinRequest, .rejoinRequest: try JoinRequest(bytes, as: format)
        case .joinAnswer, .joinAnswerWithMembership: try JoinAnswer(bytes, as: format)
        case .logRequest: try LogRequest(bytes, as: format)
        case .logPage, .logPageWithHolder: try LogPage(bytes, as: format)
        case .presentation, .memberPresentation, .firstPresentation: try Presentation(bytes, as: format)
        case .refillOfFeed, .refillOfLog: try RefillPage(bytes, as: format)
        case .recoveryStanding, .openStanding: try RecoveryStanding(bytes, as: format)
        }
    }

    static let nonce = [UInt8](0x40..<0x50)

    static let feedEntry = FeedCoding.encode(
        FeedEntry(
            incarnation: 1, position: 41, previousHash: FeedHead.sample.hash, city: .shenzhen, answers: .sample,
            entryID: .sample, kind: .claimFiled, receivedAt: 0, decision: .held, policyVersion: 3, keyEpoch: 2,
            taken: [
                .init(kind: .invoice, hash: [UInt8](repeating: 1, count: 16), tag: []),
                .init(
                    kind: .contractParties, hash: [UInt8](repeating: 2, count: 16), tag: [UInt8](repeating: 3, count: 8)
                ),
            ], released: [[UInt8](repeating: 4, count: 16)], claimPosition: 17, detail: [5, 6, 7],
            registryEntry: [8, 9]))

    private static func next(_ entry: Entry) -> Entry {
        var draft = EntryDraft.of(.voucherIssued, PayloadCoding.encode(Voucher.sample))
        draft.sequence = entry.sequence + 1
        draft.previousHash = entry.hash
        return draft.entry
    }

    private static func batch(_ entries: [Entry]) -> PushBatch {
        let seal = Seal(
            city: .shenzhen, head: entries.last?.head ?? .sample, watermark: HybridTime(rawValue: .max),
            feedHead: .sample)
        let signed = fixture(try? seal.signed(by: .city), "seal")
        return PushBatch(sessionEpoch: .sample, entries: entries, seal: seal, signedSeal: signed)
    }
}
