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

        /// The numbers of the claims that are listed, where the next page begins, and up to which position the answer says that
        /// it knows.
        func claims(
            _ parameters: String = ""
        ) async throws -> (numbers: Set<String>, next: String?, position: Int) {
            struct List: Decodable {
                let items: [DecidedClaim]
                let next: String?
            }
            let answer = try await get("/v1/claims\(parameters)")
            try #require(answer.status == 200, "\(answer.text)")
            let list = try JSONDecoder().decode(List.self, from: Data(answer.body))
            return (Set(list.items.compactMap(\.claim_no)), list.next, try #require(answer.seen))
        }

        /// Up to which position the answer says that it knows.
        func seen(_ path: String) async throws -> Int {
            let answer = try await probe.send("GET", path, [token, session])
            return try #require(answer.seen, "\(path): \(answer.text)")
        }

        /// The end of the registry's feed.
        func head() async throws -> Int {
            struct Head: Decodable { let position: Int }
            return try JSONDecoder().decode(Head.self, from: Data(try await get("/v1/feed/head").body)).position
        }

        /// A page of the console, as text.
        func page(_ path: String) async throws -> String { try await probe.send("GET", path, [session]).text }
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
                let cookie = try #require(try await probe.form("/console/login", ["token": token]).cookie)
                let asker = Asker(
                    probe: probe, token: ("Authorization", "Bearer \(token)"), session: ("Cookie", cookie))
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

    @Test("lists, reports, exports and pages are of the replica; checks and pushes are not")
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
                #expect(!export.text.contains(city.claim(3)))
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
                #expect(checked.text.contains(#""answer":"HIT""#))
            }
            try await expectEventually { try await asker.claims().numbers.count == 3 }
            #expect(try await asker.page("/console/claims").contains(city.claim(3)))
            #expect(!federation.registryLog(1).contains("questions go to the primary"))
            let metrics = try await asker.get("/metrics").text
            #expect(metrics.contains("national_registry_replica_is_asked 1.0"))
            #expect(metrics.contains("national_registry_replica_is_foreign 0.0"))
        }
    }

    @Test("a page goes on where no less is known than was with the page before")
    func pages() async throws {
        try await with { pair, _, city, asker in
            try await paused(pair.standby) {
                let behind = try await asker.claims("?limit=1")
                try await city.file((3...5).map { ClaimFile.row($0, of: city) })
                let head = try await asker.head()

                // The first page is the primary's, which has come so far; what it lists last, the replica has not.
                let first = try await asker.claims("?limit=3&seen=\(head)")
                #expect(first.numbers == Set([1, 2, 3].map(city.claim)))
                let next = try #require(first.next)
                #expect(try await asker.claims("?after=\(next)").numbers == Set([4, 5].map(city.claim)))
                let newest = try await asker.claims("?order=newest&after=\(next)")
                #expect(newest.numbers == Set([1, 2].map(city.claim)))
                #expect(newest.position >= head)
                let page = try await asker.page("/console/claims?order=oldest&after=\(next)")
                #expect(page.contains(city.claim(5)))

                // A list that only grows goes on at the replica, which has the place.
                let place = try #require(behind.next)
                let own = try await asker.claims("?after=\(place)")
                #expect(own.numbers == [city.claim(2)])
                #expect(own.position == behind.position)

                // Others do so only where the request says that no more was known.
                for path in [
                    "/v1/claims?state=reserved&after=1", "/v1/duplicates?after=invoice-once:00",
                    "/v1/cases?state=open&after=1", "/v1/payments?after=1",
                    "/console/claims?state=reserved&after=1", "/console/duplicates?after=invoice-once:00",
                    "/console/cases?after=0:1",
                ] {
                    #expect(try await asker.seen(path) >= head, "\(path)")
                    #expect(try await asker.seen("\(path)&seen=\(head)") >= head, "\(path)")
                    #expect(try await asker.seen("\(path)&seen=\(behind.position)") == behind.position, "\(path)")
                }
            }
        }
    }

    @Test("what auditors ask is found at once, though the replica has not got it yet")
    func audit() async throws {
        try await with { pair, federation, _, asker in
            try await paused(pair.standby) {
                let made = try await federation.registry(["token", "create", "--role", "auditor"])
                let auditor = String(decoding: made, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
                let asked = try await asker.probe.send(
                    "GET", "/v1/claims?limit=77", [("Authorization", "Bearer \(auditor)")])
                #expect(asked.status == 200)

                #expect(try await asker.get("/v1/audit-events").text.contains("/v1/claims?limit=77"))
                #expect(try await asker.page("/console/audit").contains("limit=77"))
            }
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
            #expect(federation.registryLog(1).contains("the replica is refused"))
            #expect(try await asker.claims().numbers == Set([1, 2].map(city.claim)))
            let metrics = try await asker.get("/metrics").text
            #expect(metrics.contains("national_registry_replica_is_asked 0.0"))
            #expect(metrics.contains("national_registry_replica_is_foreign 1.0"))
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
