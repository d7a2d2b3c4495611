import Testing

extension BadInputTests {
    @Suite("Rows of a file")
    struct RowTests {
        private let federation = BadInputFederation.current

        /// A column, what somebody typed there, and what is said about it.
        static let faults: [(column: String, typed: String, message: String)] = [
            ("enterprise_uscc", "91110000600037341M", "the check character (position 18) does not fit"),
            (
                "provider_uscc", "91440300715267260G",
                "the organisation code's check character (position 17) does not fit"
            ),
            ("provider_uscc", "", "is required"),
            ("claimed_yuan", "-100.00", "expected yuan with exactly two decimals"),
            ("claimed_yuan", "10000000000.01", "at most 10000000000.00"),
            ("claimed_yuan", "0.00", "must be more than zero"),
            ("claimed_yuan", "100", "expected yuan with exactly two decimals"),
            ("contract_amount_yuan", "1e9", "expected yuan with exactly two decimals"),
            ("invoice_amounts_yuan", "500.00;1.00", "2 amounts for 1 invoices"),
            ("invoice_numbers", "2444238438232000001", "a fully digital invoice number has 20 digits, not 19"),
            ("service_until", "2025-12-31", "must be after service_from (2026-01-01)"),
            ("service_until", "2026-01-01", "must be after service_from (2026-01-01)"),
            ("service_from", "2026-02-30", "expected a date written YYYY-MM-DD"),
            ("card_hours", "-1", "expected a whole number of card hours"),
        ]

        @Test("a wrong field is named by row, claim and column; its row waits to be corrected", arguments: faults)
        func wrongField(column: String, typed: String, message: String) async throws {
            let city = try await federation.city()
            let wrong = ClaimFile.row(2, of: city, [column: typed])
            let name = city.claim(2)

            let result = try await city.importClaims(
                ClaimFile.file([ClaimFile.row(1, of: city), wrong, ClaimFile.row(3, of: city)]))

            #expect(result.status == 1)
            result.expectSaid("claims.csv, row 3, \(name): \(column): ")
            result.expectSaid(message)
            #expect(result.summary.contains("3 rows, 2 recorded, 0 unchanged, 1 invalid"), "\(result.summary)")
            #expect(
                try await city.states() == [city.claim(1): "recorded", name: "invalid", city.claim(3): "recorded"])
            #expect(try await city.show(name).reasons.contains { $0.message.contains(message) })
            #expect(try await city.sync().log_head == 3)
        }

        @Test("a row without a claim number is kept under its row number")
        func withoutNumber() async throws {
            let city = try await federation.city()

            let result = try await city.importClaims(
                ClaimFile.file([ClaimFile.row(1, of: city), ClaimFile.row(2, of: city, ["claim_no": ""])]))

            #expect(result.status == 1)
            result.expectSaid("row 3: claim_no: is required")
            #expect(try await city.show("row 3").state == "invalid")
            #expect(try await city.sync().log_head == 2)
        }

        @Test("a row that was corrected is taken over under its number")
        func corrected() async throws {
            let city = try await federation.city()
            _ = try await city.importClaims(ClaimFile.file([ClaimFile.row(1, of: city, ["claimed_yuan": "-1.00"])]))

            let result = try await city.importClaims(ClaimFile.file(1, of: city))

            #expect(result.status == 0, "\(result.errors)")
            let claim = try await city.show(city.claim(1))
            #expect(claim.state == "recorded")
            #expect(claim.reasons == [])
        }

        @Test(
            "a row with too many or too few fields is refused by row, the rows around it are taken over",
            arguments: [true, false])
        func otherNumberOfFields(isLonger: Bool) async throws {
            let city = try await federation.city()
            let row = ClaimFile.row(2, of: city)
            let wrong = isLonger ? row.replacing("\n", with: ",more\n") : String(row.dropLast(3)) + "\n"

            let result = try await city.importClaims(
                ClaimFile.file([ClaimFile.row(1, of: city), wrong, ClaimFile.row(3, of: city)]))

            #expect(result.status == 1)
            result.expectSaid("row 3")
            result.expectSaid("\(isLonger ? 21 : 18) cells, the header names 20 columns")
            let states = try await city.states()
            #expect(states[city.claim(1)] == "recorded")
            #expect(states[city.claim(3)] == "recorded")
            #expect(try await city.sync().log_head == 3)
        }

        @Test("a quote that is never closed is named where it was opened, and nothing behind it is taken over")
        func unterminatedQuote() async throws {
            let city = try await federation.city()
            let rows = [ClaimFile.row(1, of: city), ClaimFile.row(2, of: city), ClaimFile.row(3, of: city)]
            let open = rows[1].replacing("银达深", with: "\"银达深")

            let result = try await city.importClaims(ClaimFile.file([rows[0], open, rows[2]]))
            let completed = try await city.importClaims(ClaimFile.file(rows))

            #expect(result.status == 1)
            result.expectSaid("row 3")
            #expect(
                result.errors.contains("quoted cell") || result.errors.contains("a quote inside"), "\(result.errors)")
            #expect(completed.status == 0)
            #expect(completed.summary.hasPrefix("claims: 3 rows, "), "\(completed.summary)")
            #expect(Set(try await city.states().values) == ["recorded"])
            #expect(try await city.sync().log_head == 4)
        }

        @Test("a claim on another city's voucher is refused by name of the voucher")
        func otherCitysVoucher() async throws {
            let (owner, city) = (try await federation.city(), try await federation.city())

            let result = try await city.importClaims(
                ClaimFile.file([ClaimFile.row(1, of: city, ["voucher_no": owner.voucher]), ClaimFile.row(2, of: city)]))

            #expect(result.status == 1)
            result.expectSaid("row 2, \(city.claim(1)): voucher_no: this city has issued no voucher \(owner.voucher)")
            #expect(try await city.states() == [city.claim(1): "invalid", city.claim(2): "recorded"])
        }

        @Test("a claim of an enterprise that does not hold the voucher is refused")
        func otherEnterprise() async throws {
            let city = try await federation.city()

            let result = try await city.importClaims(
                ClaimFile.file([ClaimFile.row(1, of: city, ["enterprise_uscc": "91620100719023721L"])]))

            #expect(result.status == 1)
            result.expectSaid("was issued to another enterprise")
            #expect(try await city.states() == [city.claim(1): "invalid"])
        }

        @Test("a voucher with a wrong face value is refused by row", arguments: ["-1.00", "0.00", "10000000000.01"])
        func wrongVoucher(faceValue: String) async throws {
            let city = try await federation.city(withVoucher: false)

            let result = try await city.importVouchers(ClaimFile.voucher(city.voucher, faceValue: faceValue))

            #expect(result.status == 1)
            result.expectSaid("vouchers.csv, row 2, \(city.voucher): face_value_yuan: ")
            #expect(try await city.sync().log_head == 0)
        }
    }
}
