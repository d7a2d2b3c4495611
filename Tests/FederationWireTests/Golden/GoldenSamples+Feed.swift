import Arbitration
import Foundation
import Replication
import VoucherDomain

@testable import FederationWire

/// The feed, and what is encrypted in it.
extension GoldenSamples {
    static let decisions = Outcome.Decision.allCases
    static let stages = Payment.Stage.allCases
    static let publishedKeys = KeyKind.allCases.filter(\.isPublished)

    private static func feedEntry(_ kind: EntryKind, _ decision: Outcome.Decision) -> FeedEntry {
        FeedEntry(
            incarnation: 1, position: 41, previousHash: FeedHead.sample.hash, city: .shenzhen, answers: .sample,
            entryID: .sample, kind: kind, receivedAt: 0, decision: decision, policyVersion: 3, keyEpoch: 2)
    }

    /// With the time that registries say since they may have to decide again from the logs and the feed alone.
    private static func receivedEntry() -> FeedEntry {
        FeedEntry(
            incarnation: 1, position: 41, previousHash: FeedHead.sample.hash, city: .shenzhen, answers: .sample,
            entryID: .sample, kind: .claimFiled, receivedAt: 1_700_000_000_500, decision: .reserved, policyVersion: 3,
            keyEpoch: 2)
    }

    /// One entry for each decision, key kind and payment stage, one with everything, and one of a kind that no build knows.
    static func feedEntries() throws -> [(name: String, sealed: SealedFeedEntry)] {
        var entries = decisions.map { ("decision-\($0.rawValue)", feedEntry(.claimFiled, $0)) }
        for kind in publishedKeys {
            var entry = feedEntry(.claimFiled, .reserved)
            entry.taken = [.init(kind: kind, hash: hash(kind.rawValue), tag: [UInt8](repeating: 3, count: 8))]
            entries.append(("key-\(kind.rawValue)", entry))
        }
        for stage in stages {
            var entry = feedEntry(.ticked, .noted)
            var effect = FeedEntry.Effect(claimPosition: 5, decision: .authorized, released: [])
            (effect.payment, effect.reference, effect.detail) = (stage, reference, [1, 2, 3])
            entry.effects = [effect]
            entries.append(("stage-\(stage.rawValue)", entry))
        }
        var withdrawal = feedEntry(.claimWithdrawn, .withdrawn)
        (withdrawal.released, withdrawal.claimPosition) = ([hash(1), hash(2)], 17)
        entries.append(("withdrawal", withdrawal))
        entries.append(("unknown-kind", feedEntry(future, .unsupported)))
        entries.append(("received", receivedEntry()))
        for payload in try payloads() where payload.kind.isRegistryAct {
            var entry = feedEntry(payload.kind, .noted)
            (entry.city, entry.registryEntry) = (.registry, self.entry(payload.kind, payload.bytes).bytes)
            entries.append((payload.name, entry))
        }
        var again = feedEntry(.claimFiled, .reserved)
        again.registryEntry = entry(.entryRead, RegistryAct.read(reading).payload).bytes
        entries.append(("decided-again", again))
        var full = feedEntry(.claimFiled, .held)
        full.taken = [.init(kind: .invoice, hash: hash(1), tag: [])]
        (full.released, full.claimPosition, full.detail, full.registryEntry) = ([hash(4)], 17, [5, 6, 7], [8, 9])
        full.effects = [.init(claimPosition: 5, decision: .refused, released: [hash(5)])]
        full.notices = [.init(city: .beijing, sealed: [10, 11])]
        entries.append(("all-fields", full))
        return entries.map { ($0.0, FeedCoding.encode($0.1)) }
    }

    private static func hash(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: 16) }

    static func feed() throws -> [GoldenLine] {
        let entries = try feedEntries()
        let full = try WireFeedBody(decoding: entries.last?.sealed.bytes ?? [])
        let stage = try WireFeedBody(decoding: entries.first { $0.name == "stage-2" }?.sealed.bytes ?? [])
        let key = try WireFeedBody(decoding: entries.first { $0.name == "key-3" }?.sealed.bytes ?? [])
        return entries.map { GoldenLine("feed/\($0)", "FeedBody", $1.bytes, hashedAs: .feed) } + [
            GoldenLine("part/key-taken", "KeyTaken", key.taken[0].bytes),
            GoldenLine("part/effect-released", "Effect", full.effects[0].bytes),
            GoldenLine("part/effect-payment", "Effect", stage.effects[0].bytes),
            GoldenLine("part/notice", "Notice", full.notices[0].bytes),
        ]
    }

    // MARK: What is encrypted

    static let findings = ReasonCodingTests.findings
    static let blocking = [ClaimName(city: .beijing, number: "BJ-2026-000999")]

    /// One notice for each event, answer and ruling.
    static func events() -> [(name: String, event: CaseEvent)] {
        func event(_ kind: CaseEvent.Kind) -> CaseEvent {
            var event = CaseEvent(
                kind, caseID: "K7M2P-Q",
                parties: [
                    .init(claim: ClaimName(city: .shenzhen, number: Claim.full.number), isLive: true),
                    .init(claim: blocking[0], isLive: false),
                ], deadline: .day("2026-06-10"), isAutomatic: kind == .opened)
            event.text = "合同不同"
            event.reasons = [Reason(rule: "invoice-once", outcome: .hold, finding: .held(.invoice), blocking: blocking)]
            return event
        }
        let kinds = CaseEvent.Kind.allCases.map { ("event-\($0.rawValue)", event($0)) }
        let answers = CaseAnswer.Kind.allCases.map { answer in
            var told = event(.answered)
            (told.city, told.answer) = (.beijing, answer)
            return ("answer-\(answer.rawValue)", told)
        }
        let codes = Ruling.Code.allCases.map { code in
            var told = event(.ruled)
            told.code = code
            return ("ruling-\(code.rawValue)", told)
        }
        return kinds + answers + codes
    }

    static func details() throws -> [GoldenLine] {
        let reasons = findings.enumerated().map { index, finding in
            Reason(
                rule: "rule-\(index)", outcome: Rule.Outcome.allCases[index % Rule.Outcome.allCases.count],
                finding: finding, blocking: blocking, unnamed: index)
        }
        let outcomes = reasons.enumerated().map { index, reason in
            GoldenLine(
                "detail/finding-\(index + 1)", "OutcomeDetail",
                ReasonCoding.encode(OutcomeDetail(claimNumber: Claim.full.number, caseID: "K7M2P-Q", reasons: [reason]))
            )
        }
        let notices = events()
        var payment = WirePaymentDetail()
        (payment.amountFen, payment.refundedFen, payment.clawbackFen, payment.stopped) = (
            2_000_000, 500_000, 700_000, true
        )
        let party = try WireCaseNotice(decoding: ReasonCoding.encode(notices[0].event)).parties[0]
        return outcomes
            + reasons.enumerated().map { GoldenLine("part/reason-\($0 + 1)", "Reason", ReasonCoding.wire($1).bytes) }
            + notices.map { GoldenLine("notice/\($0)", "CaseNotice", ReasonCoding.encode($1)) } + [
                GoldenLine("detail/payment", "PaymentDetail", try PaymentDetail(payment.bytes).bytes),
                GoldenLine("part/case-party", "CaseParty", party.bytes),
            ]
    }

    // MARK: Signed statements and requests

    static func statements() throws -> [GoldenLine] {
        let seal = Seal(
            city: .shenzhen, head: .sample, watermark: HybridTime(milliseconds: 1_700_000_000_000, counter: 5),
            feedHead: .sample)
        let receipt = Receipt(
            id: [UInt8](0..<16), city: .shenzhen, through: .sample, feedHead: .sample, receivedAt: 1_700_000_000_500)
        let grant = Grant(city: .shenzhen, epoch: .sample, processNonce: MessageSample.nonce, version: 1)
        let feedSeal = FeedSeal(head: .sample, sealedAt: 1_700_000_000_900)
        let welcome = Welcome(
            city: .shenzhen, name: "深圳市", publicKey: SigningKey.city.publicKey, keyEpoch: 2,
            federationSecret: ComposedFeed.secret,
            detailKey: DetailCipher.cityKey(master: ComposedFeed.master, city: .shenzhen))
        let call = RecoveryCall(city: .shenzhen, incarnation: 2, recoveryID: [])
        let namedCall = RecoveryCall(city: .shenzhen, incarnation: 2, recoveryID: [UInt8](0..<16))
        let membership = Membership(
            city: .shenzhen, name: "深圳市", publicKey: SigningKey.city.publicKey, epoch: .sample)
        let backCall = RecoveryCall(
            city: .shenzhen, incarnation: 2, recoveryID: [UInt8](0..<16),
            wayBack: RecoveryCall.WayBack(from: .sample, to: .empty))
        var token = WireJoinToken()
        token.url = "https://registry.example:8443"
        (token.city, token.cityName) = (CityCode.shenzhen.rawValue, "深圳市")
        (token.secret, token.expiresAtMs) = (Data([UInt8](32..<64)), 1_790_000_000_000)
        token.registryKeyDigest = Data(SigningKey.registry.publicKey.fingerprint.rawValue)
        token.trustAnchor = Data([0x30, 0x82, 1, 2])
        return [
            GoldenLine("signed/seal", "SealBody", try seal.signed(by: .city), .seal),
            GoldenLine("signed/receipt", "ReceiptBody", try receipt.signed(by: .registry), .receipt),
            GoldenLine("signed/grant", "GrantBody", try grant.signed(by: .registry), .grant),
            GoldenLine("signed/feed-seal", "FeedSealBody", try feedSeal.signed(by: .registry), .feedSeal),
            GoldenLine("signed/welcome", "Welcome", try welcome.signed(by: .registry), .join),
            GoldenLine("signed/recovery-call", "RecoveryCallBody", try call.signed(by: .registry), .recovery),
            GoldenLine(
                "signed/recovery-call-named", "RecoveryCallBody", try namedCall.signed(by: .registry), .recovery),
            GoldenLine("signed/membership", "MembershipBody", try membership.signed(by: .registry), .membership),
            GoldenLine("signed/recovery-call-back", "RecoveryCallBody", try backCall.signed(by: .registry), .recovery),
            GoldenLine("join-token", "JoinToken", token.bytes, hashedAs: .join),
        ]
    }

    static func messages() throws -> [GoldenLine] {
        return try formerHellos()
            + MessageSample.allCases.map {
                GoldenLine("message/\($0.rawValue)", $0.wireName, $0.value.encoded(as: .protobuf))
            }
    }

    /// What nodes said before a hello named the epoch that it follows, and one that says what software it is: read, and
    /// never written by this build.
    private static func formerHellos() throws -> [GoldenLine] {
        var hello = try WireHelloRequest(decoding: MessageSample.namingHello.value.encoded(as: .protobuf))
        (hello.promise, hello.recoveryID) = (0, Data())
        var restored = hello
        (restored.versions, restored.restored) = ([1], true)
        hello.previousProcessNonces = [Data(repeating: 9, count: 16)]
        var withSoftware = hello
        withSoftware.software = "another node 2.1"
        return [("hello", hello), ("restoredHello", restored), ("helloWithSoftware", withSoftware)].map {
            name, message in
            GoldenLine("message/\(name)", "HelloRequest", message.bytes)
        }
    }
}
