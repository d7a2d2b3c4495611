import Arbitration
import Replication
import Testing
import VoucherDomain

@testable import FederationWire

@Suite("Receipts of checks")
struct CheckReceiptTests {
    static let receipt = CheckReceipt(
        id: [UInt8](0..<16), answer: .hit, question: .sample, position: .sample, policyVersion: 3,
        answeredAt: 1_780_000_000_123)
    private let registry = SigningKey.registry

    private func read(_ text: String) throws -> CheckReceipt {
        try CheckReceipt(try registry.sign(.check, Array(text.utf8)), by: registry.publicKey)
    }

    private func signedText() throws -> String {
        String(decoding: try Self.receipt.signed(by: registry).body, as: UTF8.self)
    }

    @Test("what is signed is the text that its comment describes")
    func golden() throws {
        #expect(
            try signedText() == """
                voucher-federation check receipt 1
                id 000102030405060708090a0b0c0d0e0f
                answer HIT
                question 1ae7cf5e76238af3dadb0cd7434b3a4c1f66c3392d53db7911064a4cba20285f
                feed 1 40 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f
                policy 3
                answered 1780000000123

                """)
    }

    @Test("a receipt comes back from its signed bytes", arguments: [PreCheck.Answer.clear, .hit, .unknown])
    func roundTrip(answer: PreCheck.Answer) throws {
        let receipts = [
            CheckReceipt(
                id: [UInt8](repeating: 0xFF, count: 16), answer: answer, question: .sample,
                position: FeedHead(incarnation: .max, position: .max, hash: .filled(0xFF)), policyVersion: .max,
                answeredAt: .max),
            CheckReceipt(
                id: [UInt8](repeating: 0, count: 16), answer: answer, question: .sample, position: .empty,
                policyVersion: 0, answeredAt: 0),
        ]

        for receipt in receipts {
            #expect(try CheckReceipt(receipt.signed(by: registry), by: registry.publicKey) == receipt)
            #expect(!receipt.summary.isEmpty)
        }
    }

    @Test("a change in any line breaks the signature")
    func changedLines() throws {
        let signed = try Self.receipt.signed(by: registry)
        let lines = try signedText().split(separator: "\n").map(String.init)
        for index in lines.indices {
            var changed = lines
            changed[index] += "0"
            let body = Array(changed.map { "\($0)\n" }.joined(separator: "").utf8)

            #expect(throws: WireFault("the receipt's signature is not its signer's"), "line \(index)") {
                try CheckReceipt(SignedBytes(body: body, signature: signed.signature), by: registry.publicKey)
            }
        }
    }

    @Test("a receipt of another key, or of another domain, is refused")
    func otherKey() throws {
        let fault = WireFault("the receipt's signature is not its signer's")
        let signed = try Self.receipt.signed(by: .city)
        let receipt = try registry.sign(.receipt, Array(try signedText().utf8))

        #expect(throws: fault) { try CheckReceipt(signed, by: registry.publicKey) }
        #expect(throws: fault) { try CheckReceipt(receipt, by: registry.publicKey) }
    }

    @Test(
        "a text that is spelt in any other way is refused, even when the registry has signed it",
        arguments: [
            ("answer HIT", "answer MAYBE"), ("answer HIT", "answer hit"), ("answer HIT", "answer  HIT"),
            ("answer HIT", "answer HIT "), ("answer HIT", "reply HIT"), ("policy 3", "policy 03"),
            ("policy 3", "policy +3"), ("policy 3", "policy -3"), ("policy 3", "policy 4294967296"),
            ("policy 3", "policy"), ("policy 3\n", ""), ("090a0b", "090A0B"), ("id 0001", "id 01"),
            ("id 0001", "id 000g"), ("question 1ae7", "question 1a"), ("feed 1 40", "feed 1"),
            ("feed 1 40", "feed 1 18446744073709551616"), ("answered 1780000000123\n", "answered 1780000000123"),
            ("answered 1780000000123\n", "answered 1780000000123\nmore 1\n"), ("policy 3\n", "policy 3\r\n"),
            ("policy 3\n", "policy 3\n\n"), ("receipt 1\nid", "receipt 1\n id"),
        ])
    func otherSpelling(found: String, replacement: String) throws {
        let text = try signedText()
        let changed = text.replacing(found, with: replacement)
        try #require(changed != text)

        #expect(throws: WireFault("the receipt is not written as its first line says")) { try read(changed) }
    }

    @Test("a version that is not known says so", arguments: ["receipt 2\n", "receipt 01\n", "receipt 1 \n", ""])
    func otherVersion(line: String) throws {
        let changed = try signedText().replacing("receipt 1\n", with: line)

        #expect(throws: WireFault("the receipt is of a version that this program does not know: update it")) {
            try read(changed)
        }
    }

    @Test("bytes that are no text are refused")
    func noText() throws {
        let body = try Self.receipt.signed(by: registry).body.map { $0 == UInt8(ascii: "H") ? 0xFF : $0 }

        #expect(throws: WireFault("the receipt is not written as its first line says")) {
            try CheckReceipt(try registry.sign(.check, body), by: registry.publicKey)
        }
    }

    @Test("it answers the question that was asked, in whatever order, and no other")
    func question() {
        let number = PreCheck.sample.invoices[0]
        let reversed = Array(PreCheck.sample.invoices.reversed())

        #expect(Self.receipt.answers(.asked(invoices: reversed + [number])))
        let others: [PreCheck] = [
            .asked(invoices: [number]), .asked(city: .beijing), .asked(city: nil), .asked(enterprise: .stranger),
            .asked(provider: .stranger), .asked(enterprise: .supplier, provider: .buyer),
            .asked(contract: "合同-2026〔008〕号"),
        ]
        for other in others { #expect(!Self.receipt.answers(other), "\(other)") }
    }
}

extension PreCheck {
    /// What would be asked before ``VoucherDomain/Claim/full`` is filed.
    static let sample = asked()

    static func asked(
        enterprise: CreditCode = .buyer, provider: CreditCode = .supplier, contract: String = "合同-2026〔007〕号",
        invoices: [InvoiceNumber] = Claim.full.invoices.map(\.number), city: CityCode? = .shenzhen
    ) -> PreCheck {
        PreCheck(
            enterprise: enterprise, provider: provider, contract: fixture(ContractNumber(contract), "contract"),
            invoices: invoices, city: city)
    }
}
