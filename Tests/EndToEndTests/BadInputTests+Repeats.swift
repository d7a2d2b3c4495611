import Testing

extension BadInputTests {
    @Suite("Files that come again")
    struct RepeatTests {
        private let federation = BadInputFederation.current

        @Test("the same file twice changes nothing and says so")
        func sameFile() async throws {
            let city = try await federation.city()
            _ = try await city.importClaims(ClaimFile.file(3, of: city))
            let before = try await city.sync()

            let result = try await city.importClaims(ClaimFile.file(3, of: city))

            #expect(result.status == 0)
            #expect(result.summary.contains("3 rows, 0 recorded, 3 unchanged, 0 invalid, 0 in conflict"))
            #expect(try await city.sync() == before)
        }

        @Test("the same claim number with other content is a conflict: the first stays, the other rows are taken over")
        func sameClaimNumber() async throws {
            let city = try await federation.city()
            _ = try await city.importClaims(ClaimFile.file(1, of: city))

            let result = try await city.importClaims(
                ClaimFile.file([ClaimFile.row(1, of: city, ["claimed_yuan": "99.00"]), ClaimFile.row(2, of: city)]))

            #expect(result.status == 1)
            result.expectSaid("row 2, \(city.claim(1)): claim_no: \(city.claim(1)) is recorded with other content")
            result.expectSaid("a change needs a new number")
            #expect(result.summary.contains("2 rows, 1 recorded, 0 unchanged, 0 invalid, 1 in conflict"))
            #expect(try await city.show(city.claim(1)).claimed_yuan == "100.00")
            #expect(try await city.show(city.claim(2)).state == "recorded")
        }

        @Test("one claim number twice in one file is a conflict with itself")
        func sameNumberInOneFile() async throws {
            let city = try await federation.city()
            let second = ClaimFile.row(2, of: city, ["claim_no": city.claim(1)])

            let result = try await city.importClaims(ClaimFile.file([ClaimFile.row(1, of: city), second]))

            #expect(result.status == 1)
            result.expectSaid("row 3, \(city.claim(1))")
            #expect(try await city.states() == [city.claim(1): "recorded"])
            #expect(try await city.sync().log_head == 2)
        }

        @Test("the same voucher number with other content is a conflict, and the first stays")
        func sameVoucherNumber() async throws {
            let city = try await federation.city()

            let result = try await city.importVouchers(ClaimFile.voucher(city.voucher, faceValue: "1.00"))

            #expect(result.status == 1)
            result.expectSaid("\(city.voucher) is recorded with other content")
            #expect(try await city.run(["voucher", "list"]).output.contains("5000000.00"))
            #expect(try await city.sync().log_head == 1)
        }

        @Test("a broken row under the number of a filed claim leaves the claim as it is")
        func brokenRowUnderAFiledNumber() async throws {
            let city = try await federation.city()
            _ = try await city.importClaims(ClaimFile.file(1, of: city))

            let result = try await city.importClaims(
                ClaimFile.file([ClaimFile.row(1, of: city, ["claimed_yuan": "-5.00"])]))

            #expect(result.status == 1)
            let claim = try await city.show(city.claim(1))
            #expect(claim.state == "recorded")
            #expect(claim.claimed_yuan == "100.00")
        }
    }
}
