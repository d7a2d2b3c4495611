import Arbitration
import Foundation
import Replication
import VoucherDomain

@testable import FederationWire

/// Everything that travels, once for each kind, as this build writes it.
enum GoldenSamples {
    static func all() throws -> [GoldenLine] {
        try parts() + entries() + feed() + details() + statements() + (try messages())
    }

    // MARK: Entries

    /// What an entry of a kind says.
    struct Payload {
        let name: String
        let kind: EntryKind
        let message: String
        let bytes: [UInt8]

        init(_ name: String, _ kind: EntryKind, _ message: String, _ bytes: [UInt8]) {
            self.name = name
            self.kind = kind
            self.message = message
            self.bytes = bytes
        }
    }

    static func payloads() throws -> [Payload] { cityPayloads() + (try registryPayloads()) }

    private static func cityPayloads() -> [Payload] {
        let answers = CaseAnswer.Kind.allCases.map { kind in
            Payload(
                "case-answered-\(kind.rawValue)", .caseAnswered, "CaseAnswered",
                PayloadCoding.encode(
                    CaseAnswer(
                        caseID: "K7M2P-Q", kind: kind, reason: "合同不同 / another contract",
                        evidence: [[UInt8](repeating: 0xE1, count: 32)])))
        }
        let payments: [(String, PaymentAct.Step)] = [
            ("payment-requested", .requested), ("payment-submitted", .submitted(reference)),
            ("payment-confirmed", .confirmed(reference, bank)),
            ("payment-failed-rejected", .failed(reference, .rejected, reason: "账号不符")),
            ("payment-failed-cancelled", .failed(reference, .cancelled, reason: "撤单")),
            ("payment-reversed", .reversed(reference, bank, reason: "红冲")),
        ]
        let letter = RedLetter(
            invoice: fixture(try? InvoiceNumber("26330000000000000001=033001900111:00000001"), "invoice"),
            number: fixture(try? InvoiceNumber("26330000000000000002"), "red letter"), amount: Money(rawValue: 100),
            issuedOn: .day("2026-05-27"))
        return [
            Payload("voucher-issued", .voucherIssued, "VoucherIssued", PayloadCoding.encode(Voucher.sample)),
            Payload("claim-filed", .claimFiled, "ClaimFiled", PayloadCoding.encode(Claim.full)),
            Payload("claim-filed-bare", .claimFiled, "ClaimFiled", PayloadCoding.encode(Claim.bare)),
            Payload(
                "claim-withdrawn", .claimWithdrawn, "ClaimWithdrawn",
                PayloadCoding.encodeWithdrawal(claimNumber: Claim.full.number, reason: "改正")),
        ] + answers
            + payments.map { name, step in
                Payload(
                    name, step.kind, "PaymentAct",
                    PayloadCoding.encode(PaymentAct(claimNumber: Claim.full.number, step: step)))
            } + [
                Payload(
                    "node-started", .nodeStarted, "NodeStarted",
                    PayloadCoding.encodeNodeStart(processNonce: MessageSample.nonce, software: "city-node 1.0")),
                Payload("invoice-reversed", .invoiceReversed, "InvoiceReversed", PayloadCoding.encode(letter)),
            ]
    }

    private static func registryPayloads() throws -> [Payload] {
        let kept = ClaimName(city: .shenzhen, number: Claim.full.number)
        let out = ClaimName(city: .beijing, number: "BJ-2026-000999")
        let rulings = Ruling.Code.allCases.map { code in
            RegistryAct.ruled(
                Ruling(
                    caseID: "K7M2P-Q", kept: [kept], ruledOut: [out], code: code, reason: "核实", by: "operator-1"))
        }
        let acts: [RegistryAct] =
            [
                .enrolled(.shenzhen, name: "深圳市"), .joined(.shenzhen, SigningKey.city.publicKey),
                .suspended(.shenzhen, reason: "审计"), .reinstated(.shenzhen, reason: "审计结束"),
                .epochGranted(.shenzhen, .sample, processNonce: []),
                .epochGranted(.shenzhen, .sample, processNonce: MessageSample.nonce),
                .policyPublished(version: 7, document: Array(#"{"version":7,"programmes":[],"rules":[]}"#.utf8)),
                .companiesListed([company]), .providersListed([provider]),
            ] + rulings + [
                .reopened(caseID: "K7M2P-Q", reason: "新证据", by: "operator-2"), .ticked(try tick()), .reviewed(kept),
                .recovered(incarnation: 2, id: .sample, reason: "restored", absent: [.beijing]), .read(reading),
                .found(FoundPayment(city: .shenzhen, filing: .sample, reference: reference)),
                .keptTail(KeptTail(city: .shenzhen, head: .sample, claims: [kept, out])),
            ]
        var seen: [EntryKind: Int] = [:]
        return acts.map { act in
            seen[act.kind, default: 0] += 1
            let (message, name) = names(of: act)
            let number = seen[act.kind].map { act.kind == .caseRuled ? "-\($0)" : "" } ?? ""
            return Payload(name + number, act.kind, message, act.payload)
        }
    }

    private static func names(of act: RegistryAct) -> (message: String, name: String) {
        switch act {
        case .enrolled: ("CityEnrolled", "city-enrolled")
        case .joined: ("CityJoined", "city-joined")
        case .suspended: ("CitySuspended", "city-suspended")
        case .reinstated: ("CityReinstated", "city-reinstated")
        case .epochGranted(_, _, let nonce): ("EpochGranted", nonce.isEmpty ? "epoch-granted" : "epoch-granted-to")
        case .policyPublished: ("PolicyPublished", "policy-published")
        case .companiesListed: ("CompaniesListed", "companies-listed")
        case .providersListed: ("ProvidersListed", "providers-listed")
        case .ruled: ("CaseRuled", "case-ruled")
        case .reopened: ("CaseReopened", "case-reopened")
        case .ticked: ("Ticked", "ticked")
        case .reviewed: ("ClaimReviewed", "claim-reviewed")
        case .recovered: ("RegistryRecovered", "registry-recovered")
        case .read: ("EntryRead", "entry-read")
        case .found: ("PaymentFound", "payment-found")
        case .keptTail: ("TailKept", "tail-kept")
        }
    }

    /// Each payload alone, and as an entry with its hash; the last one is of a kind that no build knows.
    private static func entries() throws -> [GoldenLine] {
        let payloads = try payloads()
        let bodies =
            payloads.map { ($0.name, entry($0.kind, $0.bytes)) } + [("unknown-kind", entry(future, [1, 2, 3]))]
        return payloads.map { GoldenLine("payload/\($0.name)", $0.message, $0.bytes) }
            + bodies.map { GoldenLine("entry/\($0)", "EntryBody", $1.bytes, hashedAs: .entry) }
    }

    static func entry(_ kind: EntryKind, _ payload: [UInt8]) -> Entry {
        EntryDraft.of(kind, payload, city: kind.isRegistryAct ? .registry : .shenzhen).entry
    }

    /// A kind that no build knows.
    static let future = EntryKind(rawValue: 777)

    // MARK: Parts

    static let reference = fixture(PaymentReference("000102030405060708090a0b0c0d0e0f"), "reference")
    private static let bank = PaymentAct.BankRecord(
        transaction: "工行2026-0001", amount: Money(rawValue: 123_456), day: .day("2026-05-27"))
    private static let company = Register.Company(
        code: .buyer, name: "深圳某某科技有限公司", headOffice: .supplier,
        attributes: Register.Attribute.Kind.allCases.enumerated().map { index, kind in
            .init(kind: kind, hash: [UInt8](repeating: UInt8(0xD0 + index), count: Register.Attribute.hashLength))
        })
    private static let provider = Register.Provider(
        code: .supplier, name: "北京算力服务有限公司", listedFrom: .day("2025-01-01"), listedUntil: .day("2027-01-01"),
        isStateRun: true)

    static let reading = EntryReading(city: .shenzhen, entry: .sample, unreadSince: 1_700_000_000_000)

    private static func tick() throws -> TickAct {
        let seal = Seal(
            city: .shenzhen, head: .sample, watermark: HybridTime(milliseconds: 1_700_000_000_000, counter: 3),
            feedHead: .sample)
        return TickAct(
            wallMilliseconds: 1_700_000_001_000, intervalMilliseconds: 60_000, seals: [try seal.signed(by: .city)])
    }

    /// The messages that others are made of.
    private static func parts() throws -> [GoldenLine] {
        let claim = try WireClaimFiled(decoding: PayloadCoding.encode(Claim.full))
        let payment = try WirePaymentAct(
            decoding: PayloadCoding.encode(PaymentAct(claimNumber: "C-1", step: .confirmed(reference, bank))))
        let companies = try WireCompaniesListed(decoding: PayloadCoding.encode([company]))
        let providers = try WireProvidersListed(decoding: PayloadCoding.encode([provider]))
        let answer = try WirePushAnswer(decoding: MessageSample.pushAnswer.value.encoded(as: .protobuf))
        return [
            GoldenLine("part/epoch", "Epoch", Epoch.sample.wire.bytes),
            GoldenLine("part/log-head", "LogHead", LogHead.sample.wire.bytes),
            GoldenLine("part/log-head-empty", "LogHead", LogHead.empty.wire.bytes),
            GoldenLine("part/feed-head", "FeedHead", FeedHead.sample.wire.bytes),
            GoldenLine("part/feed-head-empty", "FeedHead", FeedHead.empty.wire.bytes),
            GoldenLine("part/signed", "Signed", SignedBytes.sample.wire.bytes),
            GoldenLine("part/invoice", "Invoice", claim.invoices[0].bytes),
            GoldenLine("part/bank-record", "BankRecord", payment.bank.bytes),
            GoldenLine("part/company", "Company", companies.companies[0].bytes),
            GoldenLine("part/provider", "Provider", providers.providers[0].bytes),
            GoldenLine(
                "part/claim-reference", "ClaimReference", ClaimName(city: .beijing, number: "BJ-2026-000999").wire.bytes
            ),
        ] + answer.answers.enumerated().map { GoldenLine("part/entry-answer-\($0 + 1)", "EntryAnswer", $1.bytes) }
    }
}
