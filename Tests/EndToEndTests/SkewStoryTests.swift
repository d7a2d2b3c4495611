import Arbitration
import FederationWire
import Foundation
import Replication
import Testing
import VoucherDomain

/// A node of the next build, which offers a version and writes a kind that nobody else knows, among real processes of this
/// one, over TLS (FAULTS.md, F23).
@Suite("A newer node among older ones", .badInputFederation)
struct SkewStoryTests {
    private let federation = BadInputFederation.current
    private static let future = EntryKind(rawValue: 777)

    /// The newer node: its key and log in memory.
    private struct NewerNode {
        let code: CityCode
        let key = SigningKey()
        let nonce = [UInt8](repeating: 7, count: 16)
        var epoch: Epoch?
        var head = LogHead.empty
        var time = HybridTime.zero
        var random = SeededGenerator(seed: 5)

        mutating func write(_ kind: EntryKind, _ payload: [UInt8]) throws -> Entry {
            time = time.next(now: UInt64(Date().timeIntervalSince1970 * 1_000))
            let entry = EntryCoding.make(
                EntryDraft(
                    city: code, epoch: try #require(epoch), sequence: head.sequence + 1, time: time, kind: kind,
                    feedHead: .empty, id: EntryID(using: &random), payload: payload, previousHash: head.hash))
            head = entry.head
            return entry
        }

        /// Signs a request and sends it, as nodes do.
        func send<Answer: SyncMessage>(
            _ path: String, _ message: some SyncMessage, to federation: BadInputFederation
        ) async throws -> Answer {
            let base = try federation.registryURL
            let body = message.encoded(as: .protobuf)
            let signature = RequestSignature(
                keyID: code.description, created: Int64(Date().timeIntervalSince1970), nonce: UUID().uuidString)
            let fields = try signature.sign(method: "POST", targetURI: "\(base)/v1/sync/\(path)", body: body, key: key)
            let headers = [
                ("Content-Type", "application/x-protobuf"), ("Content-Digest", fields.contentDigest),
                ("Signature-Input", fields.signatureInput), ("Signature", fields.signature),
            ]
            let answer = try await HTTPProbe.with(base, authority: federation.authority) { probe in
                try await probe.send("POST", "/v1/sync/\(path)", headers, body: body)
            }
            try #require(answer.status == 200, "\(path): \(answer.problem?.detail ?? "")")
            return try Answer(answer.body, as: .protobuf)
        }
    }

    /// Joins and greets with versions 1 and 2.
    private func greeted() async throws -> NewerNode {
        let (city, text) = try await federation.enrolledCity()
        let token = try JoinToken(text: text)
        var node = NewerNode(code: try #require(CityCode(city.code)))
        let joined: JoinAnswer = try await node.send(
            "join",
            JoinRequest(
                city: node.code, secret: token.secret, publicKey: node.key.publicKey, processNonce: node.nonce),
            to: federation)
        node.epoch = try Grant(joined.grant, by: joined.registryKey).epoch
        let hello = Hello(
            versions: [1, 2], city: node.code, processNonce: node.nonce, epoch: node.epoch,
            logHead: .empty, feedHead: .empty)
        let answer: HelloAnswer = try await node.send("hello", hello, to: federation)

        #expect(try Grant(answer.grant, by: joined.registryKey).version == 1)
        return node
    }

    /// A node's notices, once it has applied a feed position.
    private func notices(of city: TestCity, through position: UInt64) async throws -> [String] {
        struct Sync: Decodable {
            let feed_position: UInt64
            let connected: Bool
            let last_error: String?
            let notices: [String]
        }
        var reached: Sync?
        try await expectEventually {
            reached = try await city.run(["status", "--json"]).json(Sync.self)
            return reached.map { $0.feed_position >= position } ?? false
        }
        #expect(reached?.connected == true && reached?.last_error == nil)
        return reached?.notices ?? []
    }

    @Test("the newer node is greeted in the older version; its new kind is kept and passed on, and all say so")
    func story() async throws {
        let old = try await federation.city()
        try await old.served { _ in
            try await old.settle()
            #expect(try await notices(of: old, through: 1) == [])
            var node = try await greeted()
            let entries = [
                try node.write(.nodeStarted, PayloadCoding.encodeNodeStart(processNonce: node.nonce, software: "next")),
                try node.write(Self.future, [0xFF, 0x00, 0xFF]), try node.write(.nodeStarted, []),
            ]
            let seal = Seal(city: node.code, head: node.head, watermark: node.time, feedHead: .empty)
            let epoch = try #require(node.epoch)
            let batch = PushBatch(
                sessionEpoch: epoch, entries: entries, seal: seal, signedSeal: try seal.signed(by: node.key))
            let pushed: PushAnswer = try await node.send("push", batch, to: federation)
            #expect(pushed.answers == [.accepted, .accepted, .accepted])

            let answered = try await feed(of: node, until: entries)
            #expect(answered.map(\.entry.decision) == [.noted, .unsupported, .noted])
            let log: LogPage = try await node.send("log", LogRequest(after: .empty, limit: 10), to: federation)
            #expect(log.entries.map(\.bytes) == entries.map(\.bytes))

            let status = try await federation.registry(["status"])
            #expect(status.output.contains("UPDATE NEEDED: 1 entries of city \(node.code) are of kind 777"))
            let position = try #require(answered.last).entry.position
            let notices = try await notices(of: old, through: position)
            #expect(notices.count == 1 && notices.allSatisfy { $0.contains("needs an update") && $0.contains("777") })
        }
        try await old.expectSoundLog()
        try await federation.expectSoundJournal()
    }

    /// The answers to the node's entries, once they are all in the feed.
    private func feed(of node: NewerNode, until entries: [Entry]) async throws -> [SealedFeedEntry] {
        var answers: [SealedFeedEntry] = []
        try await expectEventually {
            let request = FeedRequest(
                after: .empty, limit: 5_000, wait: .zero, sessionEpoch: try #require(node.epoch))
            let page: FeedAnswer = try await node.send("feed", request, to: federation)
            answers = try page.entries.map { try FeedCoding.decode($0) }.filter { $0.entry.city == node.code }
            return answers.count == entries.count
        }
        return answers
    }
}
