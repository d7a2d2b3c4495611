import Testing

@testable import VoucherDomain

@Suite("Claim form")
struct ClaimFormTests {
    private static let money = "expected yuan with exactly two decimals, such as 52443.40, at most 10000000000.00"
    private static let code = "is required: a unified social credit code of 18 characters"

    @Test("a complete form gives the claim with its identifiers normalised")
    func complete() throws {
        let expected = Validated(value: try SampleClaim.claim(), problems: [], repairs: [])

        #expect(SampleClaim.form().validated() == expected)
    }

    @Test("what is not required may be missing or empty", arguments: [nil, "", " \u{3000}"])
    func optionalFields(text: String?) throws {
        let columns = [
            "filed_at", "enterprise_name", "provider_name", "contract_signed_on", "resource_class", "card_hours",
            "invoice_dates", "bank_receipt_no", "usage_proof_sha256", "cofunding_group",
        ]
        let form = SampleClaim.form(Dictionary(uniqueKeysWithValues: columns.map { ($0, text) }))

        let claim = try #require(form.validated().value)

        #expect(ClaimForm(claim).fields.filter { columns.contains($0.key) && !$0.value.isEmpty } == [:])
        #expect(claim.invoices.map(\.issuedOn) == [nil, nil])
        #expect(claim.fault == nil)
    }

    @Test("an empty form lists every required column, in the order of the file")
    func emptyForm() {
        let problems = ClaimForm(fields: [:]).validated().problems

        #expect(
            problems.map(\.column) == [
                "claim_no", "voucher_no", "enterprise_uscc", "provider_uscc", "contract_no", "contract_amount_yuan",
                "service_from", "service_until", "invoice_numbers", "claimed_yuan",
            ])
        #expect(problems.allSatisfy { $0.message.hasPrefix("is required: ") })
    }

    @Test("a form with many problems lists all of them, each with its column")
    func manyProblems() {
        let form = SampleClaim.form([
            "claim_no": nil, "filed_at": "yesterday", "voucher_no": "1\u{7}", "enterprise_uscc": "91110000600037341N",
            "provider_uscc": nil, "contract_no": "第号", "contract_signed_on": "2026-02-30",
            "contract_amount_yuan": "-1.00", "service_from": "2026-02-01", "service_until": "2026-02-01",
            "card_hours": "1.5", "invoice_numbers": "2444238438232;24442384382320000040",
            "invoice_amounts_yuan": "12.345;1.00", "invoice_dates": "2026-13-01;", "claimed_yuan": "0.00",
            "usage_proof_sha256": "abc",
        ])

        #expect(
            form.validated()
                == Validated(
                    value: nil,
                    problems: [
                        .init(column: "claim_no", message: "is required: the city's claim number"),
                        .init(column: "filed_at", message: "expected a time such as 2026-06-02T18:24:46+08:00"),
                        .init(column: "voucher_no", message: "contains a control character"),
                        .init(column: "enterprise_uscc", message: CreditCode.Fault.outerCheck.rawValue),
                        .init(column: "provider_uscc", message: Self.code),
                        .init(
                            column: "contract_no",
                            message: "expected a contract number of 1 to 64 letters and digits"),
                        .init(column: "contract_signed_on", message: "expected a date written YYYY-MM-DD"),
                        .init(column: "contract_amount_yuan", message: Self.money),
                        .init(
                            column: "service_until",
                            message: "must be after service_from (2026-02-01); the day itself is not included"),
                        .init(column: "card_hours", message: "expected a whole number of card hours"),
                        .init(
                            column: "invoice_numbers",
                            message: "a fully digital invoice number has 20 digits, not 13"),
                        .init(column: "invoice_amounts_yuan", message: "\(Self.money), more than zero"),
                        .init(column: "invoice_dates", message: "expected dates written YYYY-MM-DD"),
                        .init(column: "claimed_yuan", message: "must be more than zero"),
                        .init(column: "usage_proof_sha256", message: "expected 64 hexadecimal digits"),
                    ], repairs: []))
    }

    @Test(
        "one bad field is one problem in its column and no claim",
        arguments: [
            ("claim_no", String(repeating: "1", count: 65)),
            ("claim_no", "a\nb"),
            ("filed_at", "2026-06-02T18:24:46"),
            ("voucher_no", "v\u{9B}"),
            ("enterprise_uscc", "911100006000373"),
            ("enterprise_name", String(repeating: "名", count: 201)),
            ("provider_uscc", "9144030071526726XX"),
            ("provider_name", "a\u{0}"),
            ("contract_no", "§\u{1B}"),
            ("contract_no", String(repeating: "A", count: 65)),
            ("contract_no", String(repeating: "A", count: 101)),
            ("contract_signed_on", "2026/01/04"),
            ("contract_amount_yuan", "1,000.00"),
            ("contract_amount_yuan", "99999999999999.00"),
            ("contract_amount_yuan", "１２.００"),
            ("contract_amount_yuan", "0.00"),
            ("service_from", "2026-01-29"),
            ("service_until", "2025-12-31"),
            ("card_hours", "-1"),
            ("card_hours", "1000000000001"),
            ("card_hours", "99999999999999999999999"),
            ("card_hours", "５６"),
            ("resource_class", String(repeating: "H", count: 65)),
            ("claimed_yuan", "12.345"),
            ("bank_receipt_no", String(repeating: "9", count: 65)),
            ("usage_proof_sha256", String(SampleClaim.proof.dropLast())),
            ("usage_proof_sha256", SampleClaim.proof + "00"),
            ("usage_proof_sha256", String(SampleClaim.proof.dropLast()) + "g"),
            ("cofunding_group", "g\r\n7"),
        ])
    func oneBadField(column: String, text: String) {
        let validated = SampleClaim.form([column: text]).validated()

        #expect(validated.problems.map(\.column) == [column == "service_from" ? "service_until" : column])
        #expect(validated.value == nil)
    }

    @Test("a repaired code is reported with what was typed, and the claim holds the code")
    func repairs() throws {
        let form = SampleClaim.form([
            "enterprise_uscc": " 9111OOOO6OOO37341L ", "provider_uscc": "９１４４０３００７１５２６７２６ｘｇ",
        ])

        #expect(
            form.validated()
                == Validated(
                    value: try SampleClaim.claim(), problems: [],
                    repairs: [
                        .init(column: "enterprise_uscc", typed: "9111OOOO6OOO37341L", read: "91110000600037341L"),
                        .init(
                            column: "provider_uscc", typed: "９１４４０３００７１５２６７２６ｘｇ", read: "9144030071526726XG"),
                    ]))
    }

    @Test("the form of a claim gives the same claim, which the registry's own check passes", arguments: 0..<100)
    func roundTrip(seed: UInt64) throws {
        let claim = try SampleClaim.made(seed: seed)

        #expect(ClaimForm(claim).validated() == Validated(value: claim, problems: [], repairs: []))
        #expect(claim.fault == nil)
    }

    @Test(
        "a claim that the form accepts, the registry's own check accepts, also where folding makes a text longer",
        arguments: ["resource_class", "bank_receipt_no", "cofunding_group"])
    func textsThatGrow(column: String) throws {
        let form = SampleClaim.form([column: String(repeating: "㏂", count: 64)])

        if let claim = form.validated().value {
            #expect(claim.fault == nil)
            #expect(ClaimForm(claim).validated().value == claim)
        }
    }
}
