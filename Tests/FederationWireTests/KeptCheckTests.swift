import Arbitration
import Foundation
import Replication
import Testing
import VoucherDomain

@testable import FederationWire

@Suite("Kept answers to checks")
struct KeptCheckTests {
    private let registry = SigningKey.registry
    private static let request = CheckRequestDocument(
        enterprise_uscc: "91440300MA5EXAMP0C", provider_uscc: "91110108MA5PRQDR07", contract_no: "合同-2026〔007〕号",
        invoices: ["24117000000012345678"], city_code: nil)

    /// The document that the registry answers with.
    private func json(_ receipt: CheckReceipt = CheckReceiptTests.receipt) throws -> String {
        try text(try CheckDocument(receipt, signedBy: registry, of: .registry, reasons: []))
    }

    private func text(_ value: some Encodable) throws -> String {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
        return String(decoding: try encoder.encode(value), as: UTF8.self)
    }

    private func verdicts(_ json: String, questions: [PreCheck]? = nil) throws -> [CheckVerdict] {
        try KeptChecks(json: Array(json.utf8), questions: questions).verdicts { signer in
            signer == .registry ? [registry.publicKey] : signer == .beijing ? [SigningKey.city.publicKey] : []
        }
    }

    @Test("an answer is verified from its own bytes, alone and in a list")
    func valid() throws {
        let kept = try json()

        #expect(try verdicts(kept) == [.valid(CheckReceiptTests.receipt)])
        let list = #"{"items": [\#(kept), 1, \#(kept)], "next": null}"#
        #expect(
            try verdicts(list) == [
                .valid(CheckReceiptTests.receipt), .invalid("it is no answer to a check"),
                .valid(CheckReceiptTests.receipt),
            ])
    }

    @Test(
        "an answer that was changed around its receipt is not valid, and what was changed is named",
        arguments: [
            (#""answer":"HIT""#, #""answer":"CLEAR""#, "answer was changed"),
            (#""position":40"#, #""position":41"#, "position was changed"),
            (#""incarnation":1"#, #""incarnation":2"#, "position was changed"),
            (#""policy_version":3"#, #""policy_version":2"#, "policy_version was changed"),
            (#""id":"0001"#, #""id":"0101"#, "receipt.id was changed"),
        ])
    func changed(found: String, replacement: String, problem: String) throws {
        let kept = try json()
        try #require(kept.contains(found))

        guard case .invalid(let said)? = try verdicts(kept.replacing(found, with: replacement)).first else {
            Issue.record("it was taken for valid")
            return
        }
        #expect(said.hasPrefix(problem), "\(said)")
    }

    @Test("another body under the signature is not valid")
    func otherBody() throws {
        let signed = try CheckReceiptTests.receipt.signed(by: registry)
        let changed = String(decoding: signed.body, as: UTF8.self).replacing("HIT", with: "CLEAR")
        let kept = try json().replacing(
            Data(signed.body).base64EncodedString(), with: Data(changed.utf8).base64EncodedString())

        #expect(try verdicts(kept) == [.invalid("the receipt's signature is not its signer's")])
        let noBase64 = try json().replacing(Data(signed.body).base64EncodedString(), with: "%")
        #expect(try verdicts(noBase64) == [.invalid("the receipt's body or signature is no base64")])
    }

    @Test("a city's own answer is verified by the city's key, and by no other")
    func signedByCity() throws {
        let receipt = CheckReceiptTests.receipt
        let own = try text(try CheckDocument(receipt, signedBy: .city, of: .beijing, reasons: []))
        #expect(try verdicts(own) == [.valid(receipt)])

        for other in ["000000", "440300", "x"] {
            let kept = own.replacing(#""signed_by":"110000""#, with: #""signed_by":"\#(other)""#)
            #expect(try verdicts(kept).map(\.isValid) == [false], "\(other)")
        }
    }

    @Test("an answer without a receipt proves nothing")
    func unsigned() throws {
        let kept = #"{"answer":"HIT","policy_version":1,"position":{"hash":"","incarnation":1,"position":1}}"#

        #expect(try verdicts(kept) == [.invalid("it has no receipt")])
    }

    @Test("beside its question an answer is valid if it is the answer to that one")
    func questions() throws {
        let kept = try json()

        #expect(try verdicts(kept, questions: [.sample]) == [.valid(CheckReceiptTests.receipt)])
        #expect(try verdicts(kept, questions: [.asked(city: nil)]).map(\.isValid) == [false])
        #expect(throws: WireFault("1 answers, but 2 questions")) {
            try verdicts(kept, questions: [.sample, .sample])
        }
    }

    @Test("where a question names nobody, the registry may have answered the city that reads it, and no other")
    func asker() throws {
        let kept = try json()
        for (city, isValid) in [(CityCode.shenzhen, true), (.beijing, false), (nil, false)] {
            let checks = try KeptChecks(json: Array(kept.utf8), questions: [.asked(city: nil)], asker: city)

            #expect(checks.verdicts { _ in [registry.publicKey] }.map(\.isValid) == [isValid])
        }
    }

    @Test("a valid answer stays so only if its feed head is confirmed")
    func heads() {
        let valid = CheckVerdict.valid(CheckReceiptTests.receipt)

        #expect(valid.confirmed(by: [.sample, .empty]) == valid)
        #expect(!valid.confirmed(by: [.empty]).isValid)
        #expect(CheckVerdict.invalid("x").confirmed(by: [.sample]) == .invalid("x"))
    }

    @Test("what holds no answer is refused", arguments: ["", "[]", "1", #"{"items": []}"#, #"{"items": {}}"#])
    func nothing(json: String) {
        #expect(throws: WireFault.self) { try verdicts(json) }
    }

    // MARK: What is asked

    @Test("one question is answered with a document, a batch with a list, if only of one")
    func forms() throws {
        let one = try text(KeptCheckTests.request)
        let batch = #"{"items": [\#(one)]}"#
        let answer = try CheckDocument(CheckReceiptTests.receipt, signedBy: .city, of: .beijing, reasons: [])
        let asked = PreCheck.asked(invoices: [try InvoiceNumber("24117000000012345678")], city: .beijing)

        for (body, isBatch) in [(one, false), (batch, true)] {
            let requests = try CheckRequests(json: Array(body.utf8))
            #expect(requests.isBatch == isBatch)
            #expect(try requests.questions(askedBy: .beijing) == [asked])
            let answers = try text(CheckAnswers([answer], to: requests))
            #expect(answers.hasPrefix(isBatch ? #"{"items":[{"answer""# : #"{"answer""#))
        }
    }

    @Test("a faulty question refuses its batch and is named by its place")
    func faulty() throws {
        let good = try text(KeptCheckTests.request)
        let badCode = good.replacing("91440300MA5EXAMP0C", with: "91440300MA5EXAMP0D")
        let batch = #"{"items": [\#(good), \#(badCode)]}"#
        let requests = try CheckRequests(json: Array(batch.utf8))
        let broken = #"{"items": [\#(good), \#(good), {"contract_no": 1}]}"#

        let fault = #expect(throws: WireFault.self) { try requests.questions(askedBy: nil) }
        #expect(fault?.message.hasPrefix("items[1]: enterprise_uscc: ") == true)
        let form = #expect(throws: WireFault.self) { try CheckRequests(json: Array(broken.utf8)) }
        #expect(form?.message.hasPrefix("items[2]: expected enterprise_uscc") == true)
    }

    @Test("a batch has 1 to 1,000 questions", arguments: [(0, false), (1, true), (1_000, true), (1_001, false)])
    func size(count: Int, isAccepted: Bool) throws {
        let one = try text(KeptCheckTests.request)
        let list = [String](repeating: one, count: count).joined(separator: ",")
        let batch = Array(#"{"items": [\#(list)]}"#.utf8)

        #expect((try? CheckRequests(json: batch).items.count) == (isAccepted ? count : nil))
    }
}
