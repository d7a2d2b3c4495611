import Foundation
import NationalRegistry
import Testing

extension BadInputTests {
    @Suite("A database that is down")
    struct DatabaseTests {
        private let federation = BadInputFederation.current

        static let away = [
            "postgresql://127.0.0.1:1/registry", "postgresql:///registry?host=/nowhere", "no URL at all",
        ]

        @Test("a registry without a database ends with which and what to do", arguments: away)
        func noDatabase(url: String) async throws {
            let state = federation.freshPath("state")
            for verb in [["serve", "--listen", "127.0.0.1:0"], ["migrate"], ["city", "list"], ["audit", "verify"]] {
                let result = try await Program.registry.run(verb + ["--database", url, "--state", state])

                #expect(result.status == 1, "\(verb)")
                #expect(result.output == "", "\(verb)")
                #expect(result.errors.contains("the database does not answer"), "\(verb): \(result.errors)")
                #expect(result.errors.contains("check the URL and that PostgreSQL runs"), "\(verb): \(result.errors)")
            }
        }

        @Test("a registry without a word about its database is wrong usage")
        func noOption() async throws {
            for arguments in [
                [], ["--database", "postgresql:///x"],
                ["--database", "postgresql:///x", "--embedded-postgres", "/tmp/x"],
            ] {
                let result = try await Program.registry.run(["serve"] + arguments)

                #expect(result.status == 64, "\(arguments)")
                result.expectSaid("--database")
            }
        }

        @Test("a database that stops is reported; cities file on; all is decided when it is back")
        func stopsWhileServing() async throws {
            let city = try await federation.city()
            try await city.served { _ in
                try await city.settle()
                try await whileDatabaseIsDown {
                    try await expectUnready()
                    let filed = try await city.importClaims(ClaimFile.file(3, of: city))
                    #expect(filed.status == 0, "\(filed.errors)")
                    #expect(Set(try await city.states().values) == ["recorded"])
                    let isSaid = try await eventually {
                        let sync = try await city.sync()
                        return !sync.connected && sync.last_error?.contains("database does not answer") == true
                    }
                    #expect(isSaid)
                    #expect(try await city.sync().unsent == 3)
                    let waited = try await city.run(["status", "--wait", "--timeout", "1"])
                    #expect(waited.status == 1)
                    waited.expectSaid("3 unsent and 3 undecided")
                }

                try await expectReady()
                try await city.settle()
                #expect(try await city.claims().allSatisfy { $0.receipt != nil && $0.state != "recorded" })
            }
            try await city.expectSoundLog()
            try await federation.expectSoundJournal()
        }

        /// The process lives, and says that it cannot serve; what needs the database is refused with when to try again.
        private func expectUnready() async throws {
            try await HTTPProbe.with(try federation.registryURL, authority: federation.authority) { probe in
                #expect(try await probe.send("GET", "/healthz").status == 200)
                try await probe.send("GET", "/readyz").expectProblem(503, "database", "readiness")
                try await probe.send("GET", "/v1/claims", [("Authorization", "Bearer x")])
                    .expectProblem(503, "database", "a query")
            }
        }

        private func expectReady() async throws {
            try await HTTPProbe.with(try federation.registryURL, authority: federation.authority) { probe in
                try await expectEventually { try await probe.send("GET", "/readyz").status == 200 }
            }
        }

        /// Ends the private PostgreSQL by its process id, and brings it back however `body` went.
        private func whileDatabaseIsDown(_ body: () async throws -> Void) async throws {
            let file = "\(federation.database)/data/postmaster.pid"
            let lines = try String(contentsOfFile: file, encoding: .utf8).split(separator: "\n")
            let server = try #require(lines.first.flatMap { pid_t($0) })
            // PostgreSQL's fast shutdown: it does not wait for its clients.
            kill(server, SIGINT)
            let isDown = try await eventually { !FileManager.default.fileExists(atPath: file) }
            let result: Result<Void, any Error>
            do {
                try #require(isDown)
                result = .success(try await body())
            } catch { result = .failure(error) }
            // Any user of the directory starts a server that is not running; the registry's own hold keeps it up.
            try EmbeddedPostgres(directory: federation.database).stop()
            try result.get()
        }
    }
}
