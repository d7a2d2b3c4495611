import Foundation
import NationalRegistry
import PostgresClient
import Testing

@testable import Laboratory

/// Questions that go to a real streaming standby: real processes over TLS.
@Suite("A replica for questions", .serialized)
struct ReplicaTests {
    /// An operator who asks a server.
    private struct Asker {
        let probe: HTTPProbe
        let token: (String, String)
        /// Of the console.
        let session: (String, String)

        func get(_ path: String) async throws -> HTTPProbe.Answer { try await probe.send("GET", path, [token]) }

        /// The numbers of the claims that are listed, and up to which position the answer says that it knows.
        func claims(_ parameters: String = "") async throws -> (numbers: Set<String>, position: Int) {
            struct List: Decodable { let items: [DecidedClaim] }
            let answer = try await get("/v1/claims\(parameters)")
            try #require(answer.status == 200, "\(String(decoding: answer.body, as: UTF8.self))")
            let items = try JSONDecoder().decode(List.self, from: Data(answer.body)).items
            return (Set(items.compactMap(\.claim_no)), try #require(answer.seen))
        }

        /// The end of the registry's feed.
        func head() async throws -> Int {
            struct Head: Decodable { let position: Int }
            return try JSONDecoder().decode(Head.self, from: Data(try await get("/v1/feed/head").body)).position
        }

        /// A page of the console, as text.
        func page(_ path: String) async throws -> String {
            String(decoding: try await probe.send("GET", path, [session]).body, as: UTF8.self)
        }
    }

    /// Lends a registry with a replica, a city that has filed claims 1 and 2, and somebody who asks.
    private func with(
        _ body: (ReplicatedDatabase, Federation, TestCity, Asker) async throws -> Void
    ) async throws {
        try await ReplicatedDatabase.with { pair in
            let federation = try Federation(directory: pair.directory, storage: pair.primaryStorage)
            defer { federation.stopAll() }
            try await federation.startRegistry(options: ["--queries-database", pair.standby.url], death: nil)
            let cities = try await FederatedCities(federation, count: 1)
            try await cities.file(1...2)
            try await cities.settle()
            try await expectLog(federation, "questions go to the replica")
            let made = try await federation.registry(["token", "create", "--role", "operator"])
            let token = String(decoding: made, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
            let url = "https://127.0.0.1:\(try federation.registryPort)"
            try await HTTPProbe.with(url, authority: "\(pair.state)/ca.pem") { probe in
                let form = ("Content-Type", "application/x-www-form-urlencoded")
                let signedIn = try await probe.send(
                    "POST", "/console/login", [form], body: Array("token=\(token)".utf8))
                let cookie = try #require(signedIn.headers["set-cookie"]?.split(separator: ";").first)
                let asker = Asker(
                    probe: probe, token: ("Authorization", "Bearer \(token)"), session: ("Cookie", String(cookie)))
                try await expectEventually { try await asker.claims().numbers.count == 2 }
                try await body(pair, federation, cities.all[0], asker)
            }
        }
    }

    /// The first server has written a line with this text so often.
    private func expectLog(_ federation: Federation, _ text: String, times: Int = 1) async throws {
        try await expectEventually { federation.registryLog(1).components(separatedBy: text).count - 1 >= times }
    }

    /// Has the standby take what comes and apply nothing of it, while `body` runs.
    private func paused(_ standby: Standby, _ body: () async throws -> Void) async throws {
        let pool = PostgresPool(url: standby.url, size: 1)
        try await pool.run { try $0.run(script: "SELECT pg_wal_replay_pause()") }
        try await expectEventually {
            try await pool.run { try $0.execute("SELECT pg_get_wal_replay_pause_state()").text(0, 0) } == "paused"
        }
        try await body()
        try await pool.run { try $0.run(script: "SELECT pg_wal_replay_resume()") }
    }

    @Test("lists, exports, reports and pages are of the replica and say up to where; cities, acts and checks are not")
    func answers() async throws {
        try await with { pair, federation, city, asker in
            try await paused(pair.standby) {
                let earlier = try await asker.claims()
                try await city.file([ClaimFile.row(3, of: city)])
                let head = try await asker.head()
                #expect(head > earlier.position)

                // As of before.
                #expect(try await asker.claims() == earlier)
                #expect(try await asker.get("/v1/reports/caps-used").seen == earlier.position)
                let export = try await asker.get("/v1/exports/claims")
                #expect(export.seen == earlier.position)
                #expect(!String(decoding: export.body, as: UTF8.self).contains(city.claim(3)))
                let page = try await asker.page("/console/claims")
                #expect(page.contains(city.claim(2)))
                #expect(!page.contains(city.claim(3)))

                // What the replica has not, the primary is asked for.
                let shown = try await asker.get("/v1/claims/\(city.code)/\(city.claim(3))")
                #expect(shown.status == 200)
                #expect(try #require(shown.seen) >= head)
                let past = try await asker.claims("?as_of=\(head)")
                #expect(past.numbers == Set([1, 2, 3].map(city.claim)))

                // A check is of now.
                let question = """
                    {"enterprise_uscc": "91110000600037341L", "provider_uscc": "9144030071526726XG",
                    "contract_no": "HT-X", "invoices": ["\(ClaimFile.fields(3, of: city)["invoice_numbers"] ?? "")"]}
                    """
                let checked = try await asker.probe.send(
                    "POST", "/v1/checks", [asker.token, ("Content-Type", "application/json")],
                    body: Array(question.utf8))
                #expect(String(decoding: checked.body, as: UTF8.self).contains(#""answer":"HIT""#))
            }
            try await expectEventually { try await asker.claims().numbers.count == 3 }
            #expect(try await asker.page("/console/claims").contains(city.claim(3)))
            #expect(!federation.registryLog(1).contains("questions go to the primary"))
        }
    }

    @Test("while the replica is away the primary answers, and the log says so once; when it is back it is asked again")
    func away() async throws {
        try await with { pair, federation, city, asker in
            try pair.standby.stop()
            let answered = try await asker.claims()
            #expect(answered.numbers.count == 2)
            try await expectLog(federation, "questions go to the primary")
            try await city.file([ClaimFile.row(3, of: city)])
            #expect(try await asker.claims().numbers.count == 3)

            try pair.standby.start()
            try await expectLog(federation, "questions go to the replica", times: 2)
            let times = federation.registryLog(1).components(separatedBy: "questions go to the primary").count - 1
            #expect(times == 1)
            try await paused(pair.standby) {
                let position = try await asker.claims().position
                try await city.file([ClaimFile.row(4, of: city)])
                #expect(try await asker.claims().position == position)
            }
        }
    }

    @Test("a replica of another registry is not asked, and an audit can read one of this")
    func other() async throws {
        try await with { pair, federation, city, asker in
            let audit = try await Program.registry.run(
                ["audit", "recompute", "--database", pair.standby.url, "--state", pair.state])
            #expect(audit.status == 0, "\(audit.errors)")
            #expect(audit.output.contains("all agree"))

            let other = try Federation(directory: "\(pair.directory)/other")
            defer { other.stopAll() }
            try await other.startRegistry()
            let cluster = try EmbeddedPostgres(directory: other.database)
            defer { cluster.stop() }
            federation.stopRegistry()
            try await federation.startRegistry(options: ["--queries-database", cluster.url], death: nil)
            try await expectLog(federation, "it is no replica of this registry's database")
            #expect(try await asker.claims().numbers == Set([1, 2].map(city.claim)))
        }
    }

    @Test("a URL that is none is wrong usage, and a standby cannot be served from")
    func wrongURL() async throws {
        try await ReplicatedDatabase.with { pair in
            let none = try await Program.registry.run(
                ["serve", "--queries-database", "no URL at all"] + pair.primaryStorage)
            #expect(none.status == 64)
            none.expectSaid("--queries-database")
            let several = try await Program.registry.run(
                ["serve", "--queries-database", "postgresql://a,b/registry"] + pair.primaryStorage)
            #expect(several.status == 64)
            several.expectSaid("name one server")

            let served = try await Program.registry.run(
                ["serve", "--database", pair.standby.url, "--state", pair.state, "--listen", "127.0.0.1:0"])
            #expect(served.status == 1)
            served.expectSaid("this PostgreSQL is a standby")
        }
    }
}

extension HTTPProbe.Answer {
    /// The position in the field `Feed-Head`.
    fileprivate var seen: Int? {
        headers["feed-head"]?.firstMatch(of: /position=([0-9]+)/).flatMap { Int($0.1) }
    }
}
