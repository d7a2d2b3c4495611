import Replication
import TestSupport
import Testing

@testable import VoucherDomain

@Suite("Voucher form")
struct VoucherFormTests {
    private static let fields = [
        "voucher_no": " 1100-2026-000038 ", "programme": "算力券", "enterprise_uscc": "91110000600037341L",
        "enterprise_name": "银达深智能科技有限公司", "face_value_yuan": "200000.00", "issued_on": "2026-01-02",
        "valid_from": "2026-01-01", "valid_until": "2027-01-01",
    ]

    @Test("a complete form gives the voucher")
    func complete() throws {
        #expect(Self.form().validated() == Validated(value: try Self.voucher(), problems: [], repairs: []))
    }

    @Test("programme, name and day of issue may be missing or empty", arguments: [nil, "", "  "])
    func optionalFields(text: String?) throws {
        let form = Self.form(["programme": text, "enterprise_name": text, "issued_on": text])

        #expect(
            form.validated().value
                == Voucher(
                    number: "1100-2026-000038", programme: "", enterprise: try SampleClaim.code("91110000600037341L"),
                    enterpriseName: "", faceValue: Money(rawValue: 20_000_000), issuedOn: nil,
                    validity: try SampleClaim.interval("2026-01-01", "2027-01-01")))
    }

    @Test("an empty form lists every required column, in the order of the file")
    func emptyForm() {
        #expect(
            VoucherForm(fields: [:]).validated()
                == Validated(
                    value: nil,
                    problems: [
                        .init(column: "voucher_no", message: "is required: a serial"),
                        .init(
                            column: "enterprise_uscc",
                            message: "is required: a unified social credit code of 18 characters"),
                        .init(
                            column: "face_value_yuan",
                            message: "is required: yuan with exactly two decimals, such as 52443.40, "
                                + "at most 10000000000.00"),
                        .init(column: "valid_from", message: "is required: a date written YYYY-MM-DD"),
                        .init(column: "valid_until", message: "is required: a date written YYYY-MM-DD"),
                    ], repairs: []))
    }

    @Test(
        "one bad field is one problem in its column and no voucher",
        arguments: [
            ("voucher_no", String(repeating: "1", count: 65), "longer than 64 characters"),
            ("voucher_no", "a\tb", "contains a control character"),
            ("programme", String(repeating: "券", count: 201), "longer than 200 characters"),
            ("enterprise_uscc", "362322198709086409", CreditCode.Fault.type.rawValue),
            ("face_value_yuan", "0.00", "must be more than zero"),
            ("issued_on", "2026-02-30", "expected a date written YYYY-MM-DD"),
            ("valid_from", "1.1.2026", "expected a date written YYYY-MM-DD"),
            (
                "valid_until", "2026-01-01",
                "must be after valid_from (2026-01-01); the day itself is not included"
            ),
            (
                "valid_until", "2025-01-01",
                "must be after valid_from (2026-01-01); the day itself is not included"
            ),
        ])
    func oneBadField(column: String, text: String, message: String) {
        let expected = Validated<Voucher>(
            value: nil, problems: [.init(column: column, message: message)], repairs: [])

        #expect(Self.form([column: text]).validated() == expected)
    }

    @Test("a repair is reported also when another field is refused")
    func repairBesideProblem() {
        let form = Self.form(["enterprise_uscc": "9111OOOO6OOO37341L", "face_value_yuan": "-1.00"])

        let validated = form.validated()

        #expect(
            validated.repairs == [
                .init(column: "enterprise_uscc", typed: "9111OOOO6OOO37341L", read: "91110000600037341L")
            ])
        #expect(validated.problems.map(\.column) == ["face_value_yuan"])
    }

    @Test("the form of a voucher gives the same voucher", arguments: 0..<50)
    func roundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let from: Int32 = random.number(in: 0...30_000)
        let validity = DayInterval(
            from: CalendarDate(rawValue: from), until: CalendarDate(rawValue: from + random.number(in: 1...800)))
        let voucher = Voucher(
            number: random.text(of: "0123456789-V", count: 20), programme: random.text(of: "算力训券", count: 3),
            enterprise: try SampleClaim.code(SampleCodes.made(with: &random)), enterpriseName: "",
            faceValue: Money(rawValue: random.number(in: 1...Money.maximum.rawValue)),
            issuedOn: random.number(in: 0...1) == 0 ? nil : CalendarDate(rawValue: from),
            validity: try #require(validity))

        #expect(VoucherForm(voucher).validated() == Validated(value: voucher, problems: [], repairs: []))
    }

    private static func form(_ changes: [String: String?] = [:]) -> VoucherForm {
        var fields = fields
        for (column, text) in changes { fields[column] = text }
        return VoucherForm(fields: fields)
    }

    private static func voucher() throws -> Voucher {
        Voucher(
            number: "1100-2026-000038", programme: "算力券", enterprise: try SampleClaim.code("91110000600037341L"),
            enterpriseName: "银达深智能科技有限公司", faceValue: Money(rawValue: 20_000_000),
            issuedOn: try SampleClaim.date("2026-01-02"),
            validity: try SampleClaim.interval("2026-01-01", "2027-01-01"))
    }
}
