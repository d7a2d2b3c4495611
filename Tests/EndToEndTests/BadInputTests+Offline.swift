import Testing

extension BadInputTests {
    @Suite("A city without a network")
    struct OfflineTests {
        private let federation = BadInputFederation.current

        @Test("files are taken over offline, the state says so, and all is decided once the network is there")
        func filesOffline() async throws {
            let city = try await federation.city()
            try await city.served(isOffline: true) { _ in
                let filed = try await city.importClaims(ClaimFile.file(5, of: city))
                #expect(filed.status == 0, "\(filed.errors)")
                #expect(filed.summary.contains("5 rows, 5 recorded"))
                try await expectEventually { try await city.sync().last_error != nil }
                let sync = try await city.sync()
                #expect(!sync.connected)
                #expect(sync.unsent == 6, "a voucher and five claims")
                #expect(sync.last_error?.contains("not reached") == true, "\(sync.last_error ?? "")")
                #expect(Set(try await city.states().values) == ["recorded"])
                let waited = try await city.run(["status", "--wait", "--timeout", "1"])
                #expect(waited.status == 1)
                waited.expectSaid("6 unsent")
            }

            try await city.served { _ in
                try await city.settle()
                let claims = try await city.claims()
                #expect(claims.count == 5)
                #expect(claims.allSatisfy { $0.receipt != nil && $0.state != "recorded" && $0.state != "received" })
            }
            try await city.expectSoundLog()
        }

        @Test("a check offline is never CLEAR")
        func checkOffline() async throws {
            let city = try await federation.city()
            try await city.served(isOffline: true) { _ in
                _ = try await city.importClaims(ClaimFile.file(1, of: city))

                let checked = try await city.run(["check", "--claim", city.claim(1)])

                #expect(checked.status == 0, "\(checked.errors)")
                #expect(checked.output.hasPrefix("UNKNOWN"))
            }
        }

        @Test("a registry that goes away in the middle and comes back loses nothing")
        func registryComesAndGoes() async throws {
            let city = try await federation.city()
            try await city.served { _ in
                try await city.settle()
                federation.stopRegistry()
                let filed = try await city.importClaims(ClaimFile.file(3, of: city))
                #expect(filed.status == 0, "\(filed.errors)")
                try await expectEventually { try await city.sync().last_error?.contains("not reached") == true }
                #expect(try await city.sync().unsent == 3)

                try await federation.startRegistry()
                try await city.settle()
                #expect(try await city.claims().allSatisfy { $0.receipt != nil && $0.state != "recorded" })
            }
        }
    }
}
