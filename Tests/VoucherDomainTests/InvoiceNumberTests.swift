import Testing

@testable import VoucherDomain

@Suite("Invoice number")
struct InvoiceNumberTests {
    private static let digital = "24442384382320000039"
    private static let both = "24442384382320000039=1100204130:00012345"
    private static let bothNames = ["E:24442384382320000039", "P:1100204130:00012345"]

    @Test(
        "a number of either kind, or both names of one invoice, has canonical names and a form that reads back",
        arguments: [
            (digital, ["E:\(digital)"]),
            ("24942384382320000039", ["E:24942384382320000039"]),
            ("00000000000000000000", ["E:00000000000000000000"]),
            ("1100204130:00012345", ["P:1100204130:00012345"]),
            ("011002000111:12345678", ["P:011002000111:12345678"]),
            (both, bothNames),
        ])
    func canonical(text: String, names: [String]) throws {
        let number = try InvoiceNumber(text)

        #expect(number.names.map(\.canonical) == names)
        #expect(number.text == text)
    }

    @Test(
        "width, spaces and hyphens do not change which invoice is meant",
        arguments: [
            ("2444 2384 3823 2000 0039", digital),
            ("2444-2384–3823—2000−0039", digital),
            ("２４４４２３８４３８２３２０００００３９", digital),
            ("\u{FEFF}24442384382320000039\u{3000}", digital),
            ("1100204130：00012345", "1100204130:00012345"),
            ("1100204130 : 0001 2345", "1100204130:00012345"),
            (" 24442384382320000039 ＝ 1100204130 : 00012345\t", both),
        ])
    func folded(typed: String, stored: String) throws {
        #expect(try InvoiceNumber(typed) == InvoiceNumber(stored))
        #expect(try InvoiceNumber(typed).text == stored)
    }

    @Test("with both names the digital one is the primary and the older one finds it")
    func bothNamesOfOneInvoice() throws {
        let number = try InvoiceNumber(Self.both)

        #expect(number.primary == .digital(Self.digital))
        #expect(number.alias == .paper(code: "1100204130", number: "00012345"))
        #expect(try number.names.contains(InvoiceNumber("1100204130:00012345").primary))
        #expect(try number.names.contains(InvoiceNumber(Self.digital).primary))
    }

    @Test(
        "a digital number of another length is refused with the length it has",
        arguments: [1, 8, 10, 12, 13, 18, 19, 21, 40])
    func digitalLength(length: Int) {
        let fault = InvoiceNumber.Fault(message: "a fully digital invoice number has 20 digits, not \(length)")

        #expect(throws: fault) { try InvoiceNumber(String(repeating: "2", count: length)) }
    }

    @Test(
        "an older invoice needs a code of 10 or 12 digits and a number of 8",
        arguments: [
            "110020413:00012345", "11002041301:00012345", "1100204130123:00012345", "1100204130:0001234",
            "1100204130:000123456", "1100204130:00012345:1", "24442384382320000039:00012345",
        ])
    func paperLength(text: String) {
        let fault = InvoiceNumber.Fault(message: "an older invoice is a code of 10 or 12 digits, a colon and 8 digits")

        #expect(throws: fault) { try InvoiceNumber(text) }
    }

    @Test(
        "anything but digits is refused",
        arguments: [
            "", " ", "-", ":", "1100204130:", ":00012345", "2444238438232000003O", "2444238438232000003９x",
            "1100204130;00012345", "24442384382320000039;", "E:24442384382320000039", "+4442384382320000039",
            "2444238438232000003.", "2444238438232000003\u{0}", "二四四四二三八四三八二三二〇〇〇〇〇三九",
            "2444238438232000003\u{0669}", "24442384382320000039=", "=1100204130:00012345", "=",
        ])
    func otherThanDigits(text: String) {
        let fault = InvoiceNumber.Fault(message: "an invoice number has digits only: 20 of them, or code:number")

        #expect(throws: fault) { try InvoiceNumber(text) }
    }

    @Test(
        "two names are one digital and one older, in this order",
        arguments: [
            "1100204130:00012345=24442384382320000039", "24442384382320000039=24442384382320000039",
            "1100204130:00012345=1100204130:00012345",
        ])
    func namesInWrongOrder(text: String) {
        let fault = InvoiceNumber.Fault(message: "both names of an invoice are written 20digits=code:number")

        #expect(throws: fault) { try InvoiceNumber(text) }
    }

    @Test("three names are refused", arguments: ["\(both)=1100204130:00012345", "==", "1=2=3=4"])
    func threeNames(text: String) {
        #expect(throws: InvoiceNumber.Fault(message: "an invoice has at most two names")) { try InvoiceNumber(text) }
    }
}
