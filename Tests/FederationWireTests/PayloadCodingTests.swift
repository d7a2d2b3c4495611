import Arbitration
import Replication
import Testing
import VoucherDomain

@testable import FederationWire

@Suite("Payload coding")
struct PayloadCodingTests {
    private func content(_ kind: EntryKind, _ payload: [UInt8]) -> JournalEntry.Content {
        PayloadCoding.content(of: EntryDraft.of(kind, payload).entry)
    }

    @Test("a voucher comes back whole, with and without its optional date")
    func vouchers() {
        let bare = Voucher(
            number: "1", programme: "", enterprise: .supplier, enterpriseName: "", faceValue: .maximum, issuedOn: nil,
            validity: .service)

        for voucher in [Voucher.sample, bare] {
            #expect(content(.voucherIssued, PayloadCoding.encode(voucher)) == .voucherIssued(voucher))
        }
    }

    @Test("a claim comes back whole, with every field and with only the required ones", arguments: [Claim.full, .bare])
    func claims(claim: Claim) {
        #expect(content(.claimFiled, PayloadCoding.encode(claim)) == .claimFiled(claim))
    }

    @Test(
        "a claim typed into the form, encoded and decoded is the claim that the form gave",
        arguments: [Claim.full, .bare])
    func fromTheForm(claim: Claim) throws {
        let typed = try #require(ClaimForm(claim).validated().value)

        #expect(typed == claim)
        #expect(try PayloadCoding.claim(PayloadCoding.encode(typed)) == typed)
    }

    @Test("the same claim always encodes to the same bytes")
    func deterministic() {
        for _ in 0..<20 { #expect(PayloadCoding.encode(Claim.full) == PayloadCoding.encode(Claim.full)) }
        #expect(PayloadCoding.encode(Claim.full) != PayloadCoding.encode(Claim.bare))
    }

    @Test("a withdrawal comes back with its reason")
    func withdrawals() throws {
        let payload = PayloadCoding.encodeWithdrawal(claimNumber: "SZ-2026-000123", reason: "企业撤回")

        #expect(content(.claimWithdrawn, payload) == .claimWithdrawn(claimNumber: "SZ-2026-000123"))
        #expect(try PayloadCoding.withdrawal(payload).reason == "企业撤回")
    }

    @Test("a published policy comes back from its entry")
    func policies() throws {
        let document = try DefaultPolicy.document()
        let act = RegistryAct.policyPublished(version: 1, document: document)

        #expect(content(.policyPublished, act.payload) == .policyPublished(try PolicyCoding.decode(document)))
    }

    @Test("process starts and the registry's other acts change no claim")
    func acts() {
        let start = PayloadCoding.encodeNodeStart(processNonce: MessageSample.nonce, software: "city-node 1.0")
        let acts: [RegistryAct] = [
            .enrolled(.shenzhen, name: "深圳"), .epochGranted(.shenzhen, .sample, processNonce: MessageSample.nonce),
        ]

        #expect(content(.nodeStarted, start) == .act)
        for act in acts { #expect(content(act.kind, act.payload) == .act) }
    }

    @Test("a city that joins, is suspended or comes back is a change of membership")
    func memberships() {
        let acts: [(RegistryAct, Member.Change)] = [
            (.joined(.shenzhen, SigningKey.city.publicKey), .joined), (.suspended(.shenzhen, reason: "审计"), .suspended),
            (.reinstated(.shenzhen, reason: ""), .reinstated),
        ]

        for (act, change) in acts { #expect(content(act.kind, act.payload) == .membership(.shenzhen, change)) }
    }

    @Test(
        "a kind of a newer version is unsupported, whatever its payload",
        arguments: [UInt32(0), 12, 13, 99, 116, 119, 199, 200, .max])
    func unsupported(kind: UInt32) {
        for payload in [[], [0xFF], PayloadCoding.encode(Claim.full)] {
            #expect(content(EntryKind(rawValue: kind), payload) == .unsupported)
        }
    }

    @Test("an entry that was rejected when pushed is faulty for that reason, even of an unknown kind")
    func rejected() {
        for kind in [EntryKind.claimFiled, .nodeStarted, EntryKind(rawValue: 77)] {
            let entry = EntryDraft.of(kind, PayloadCoding.encode(Claim.full)).entry
            #expect(
                PayloadCoding.content(of: entry, rejectedFor: "its clock does not rise")
                    == .faulty("its clock does not rise"))
        }
    }

    @Test(
        "bytes that are no message of their kind are faulty",
        arguments: [EntryKind.voucherIssued, .claimFiled, .claimWithdrawn, .policyPublished])
    func garbage(kind: EntryKind) {
        for payload in [
            [0xFF], [0x0A, 0x05, 0x61], [0x0A, 0x02, 0xC3, 0x28], [UInt8](repeating: 0x7B, count: 10_000),
        ] {
            guard case .faulty(let why) = content(kind, payload) else {
                Issue.record("\(payload.prefix(4)) was taken for kind \(kind.rawValue)")
                continue
            }
            #expect(!why.isEmpty)
        }
    }

    @Test("a policy whose version differs from its entry's is faulty")
    func policyVersionDiffers() throws {
        let act = RegistryAct.policyPublished(version: 2, document: try DefaultPolicy.document())

        #expect(content(.policyPublished, act.payload) == .faulty(PayloadCoding.unreadable))
    }
}
