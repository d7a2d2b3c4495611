import Foundation
import Testing

/// Every verb that lists something prints it as a table, as JSON or as CSV.
@Suite("Verbs that list", .badInputFederation, .serialized)
struct ListVerbTests {
    private let federation = BadInputFederation.current

    /// A command as the programs describe themselves.
    private struct Command: Decodable {
        struct Argument: Decodable {
            struct Name: Decodable { let name: String }
            let names: [Name]?
        }
        let commandName: String
        let arguments: [Argument]?
        let subcommands: [Command]?

        /// The options of each verb below this command, by the verb's words.
        var verbs: [(words: [String], options: Set<String>)] {
            guard let subcommands, !subcommands.isEmpty else {
                let options = (arguments ?? []).flatMap { ($0.names ?? []).map(\.name) }
                return [(words: [], options: Set(options))]
            }
            return subcommands.flatMap { sub in
                sub.verbs.map { (words: [sub.commandName] + $0.words, options: $0.options) }
            }
        }
    }

    private struct Dump: Decodable { let command: Command }

    private struct List: Decodable {
        struct Item: Decodable {}
        let items: [Item]
    }

    private static let registryVerbs = [
        ["city", "list"], ["token", "list"], ["provider", "list"], ["payment", "list"], ["claim", "find"],
        ["duplicates"], ["case", "list"], ["report"], ["audit", "events"],
    ]
    private static let cityVerbs = [
        ["voucher", "list"], ["claim", "list"], ["payment", "list"], ["payment", "red-letters"], ["case", "list"],
        ["log", "late"],
    ]

    @Test(
        "each has --json, --csv and --wide, and no other verb is called a list",
        arguments: [(Program.registry, registryVerbs), (Program.city, cityVerbs)])
    func options(program: Program, listing: [[String]]) async throws {
        let dump = try await program.run(["--experimental-dump-help"]).json(Dump.self)
        let withCSV = dump.command.verbs.filter { $0.options.contains("csv") }
        #expect(Set(withCSV.map(\.words)) == Set(listing))
        #expect(withCSV.allSatisfy { $0.options.isSuperset(of: ["json", "wide"]) })
        let called = dump.command.verbs.map(\.words).filter { $0.last == "list" }
        #expect(Set(called).isSubset(of: Set(listing)))
    }

    @Test("asking for two forms at once is a usage error, before anything is opened")
    func twoForms() async throws {
        for verb in Self.registryVerbs {
            let words = verb == ["report"] ? ["report", "rulings"] : verb
            let result = try await federation.registry(words + ["--json", "--csv"])
            #expect(result.status == 64, "\(words)")
            result.expectSaid("exclude each other")
        }
        for verb in Self.cityVerbs {
            let result = try await Program.city.run(verb + ["--csv", "--json", "--data", "/nonexistent"])
            #expect(result.status == 64, "\(verb)")
            result.expectSaid("exclude each other")
        }
    }

    /// A list's header and how many rows it has. No cell of the tests' lists has a line break in it.
    private func table(_ csv: String) throws -> (columns: [String], rows: Int) {
        let lines = csv.split(separator: "\r\n")
        return (try #require(lines.first).split(separator: ",").map(String.init), lines.count - 1)
    }

    @Test("CSV has a row for every item of the JSON, under the API's names; the table names every row")
    func sameRows() async throws {
        _ = try await federation.token("auditor", label: "列表")
        try await DisputedClaims.with(federation) { claims, _, _ in
            let asked = try await claims.first.run(["payment", "request", claims.first.claim(1)])
            #expect(asked.status == 0, "\(asked.errors)")
            try await claims.first.settle()
            let city = ["city_code", "name", "status"]
            for (verb, columns) in [
                (["city", "list"], city), (["token", "list"], ["token_id", "role"]), (["payment", "list"], ["claim"]),
                (["claim", "find"], ["city_code", "state"]), (["duplicates"], ["rule", "key_hash"]),
                (["case", "list"], ["case_id"]), (["report", "duplicates-by-rule"], ["rule", "city_code"]),
            ] {
                let items = try await federation.registry(verb + ["--json"]).json(List.self).items.count
                let csv = try table(try await federation.registry(verb + ["--csv"]).output)
                #expect(items > 0 && csv.rows == items, "\(verb)")
                #expect(Array(csv.columns.prefix(columns.count)) == columns)
            }
            for (verb, columns) in [
                (["voucher", "list"], ["voucher_no", "state"]), (["claim", "list"], ["claim_no", "state"]),
                (["payment", "list"], ["claim_no", "stage"]), (["case", "list"], ["case_id", "state"]),
            ] {
                let items = try await claims.first.run(verb + ["--json"]).json(List.self).items.count
                let csv = try table(try await claims.first.run(verb + ["--csv"]).output)
                #expect(items > 0 && csv.rows == items, "\(verb)")
                #expect(Array(csv.columns.prefix(columns.count)) == columns)
            }
            let shown = try await claims.second.run(["claim", "list"]).output
            for number in 1...3 { #expect(shown.contains(claims.second.claim(number))) }
        }
    }

    private struct City: Decodable, Hashable {
        let city_code: String
        let watermark: String?
        let sealed_feed_position: Int?
        let chain_agrees: Bool?
        let protocol_version: Int?
    }

    private struct Cities: Decodable { let items: [City] }

    @Test("the list of cities has each one's watermark, what it has sealed, whether the chains agree, and its protocol")
    func cities() async throws {
        let token = try await federation.token("auditor", label: "城市")
        let city = try await federation.city()
        func listed() async throws -> City {
            let list = try await federation.registry(["city", "list", "--json"]).json(Cities.self)
            return try #require(list.items.first { $0.city_code == city.code })
        }
        try await city.served { _ in
            try await city.settle()
            try await expectEventually { try await listed().chain_agrees == true }
        }
        let told = try await listed()
        #expect(told.watermark != nil && told.sealed_feed_position != nil && told.protocol_version ?? 0 > 0)
        try await HTTPProbe.with(try federation.registryURL, authority: federation.authority) { probe in
            let answer = try await probe.send("GET", "/v1/cities", [("Authorization", "Bearer \(token)")])
            let items = try JSONDecoder().decode(Cities.self, from: Data(answer.body)).items
            #expect(items.first { $0.city_code == city.code } == told)
        }
        let rows = try await federation.registry(["city", "list"]).output.split(separator: "\n")
        let row = try #require(rows.first { $0.hasPrefix(city.code) })
        #expect(row.contains("  agrees  "), "\(row)")
    }

    @Test("the audit log: the newest first, from an event on backwards, as the API has it")
    func auditEvents() async throws {
        struct Event: Decodable, Hashable { let event_id: Int, actor: String, detail: String, purpose: String }
        struct Events: Decodable { let items: [Event] }
        let label = "审计\(UUID().uuidString.prefix(4))"
        let token = try await federation.token("auditor", label: label)
        let asked = (1...3).map { "/v1/duplicates?limit=\($0)" }
        try await HTTPProbe.with(try federation.registryURL, authority: federation.authority) { probe in
            for path in asked {
                let headers = [("Authorization", "Bearer \(token)"), ("Query-Purpose", "%E6%8A%BD%E6%9F%A5")]
                let status = try await probe.send("GET", path, headers).status
                #expect(status == 200)
            }
        }
        let all = try await federation.registry(["audit", "events", "--json"]).json(Events.self).items
        let own = all.filter { $0.actor == "auditor \(label)" }
        #expect(own.map(\.detail) == Array(asked.reversed()))
        #expect(own.allSatisfy { $0.purpose == "抽查" })
        #expect(all.map(\.event_id) == all.map(\.event_id).sorted(by: >))

        let newest = try #require(own.first).event_id
        let earlier = ["audit", "events", "--before", "\(newest)", "--limit", "1", "--json"]
        let before = try await federation.registry(earlier).json(Events.self).items
        #expect(before == all.filter { $0.event_id < newest }.prefix(1).map { $0 })
        let shown = try await federation.registry(["audit", "events"]).output
        #expect(shown.contains(asked[0]) && shown.contains("抽查"))
        let csv = try table(try await federation.registry(["audit", "events", "--csv"]).output)
        #expect(csv.columns == ["event_id", "at", "actor", "action", "detail", "purpose"])
        #expect(try await federation.registry(["audit", "events", "--before", "0"]).status == 64)
    }

    @Test("no cell of CSV is a formula to a spreadsheet")
    func formulas() async throws {
        let enrolled = try await federation.registry(["city", "enroll", "654000", "=1+1"])
        try #require(enrolled.status == 0, "\(enrolled.errors)")

        #expect(try await federation.registry(["city", "list", "--csv"]).output.contains("654000,'=1+1,enrolled,"))
        #expect(try await federation.registry(["city", "list"]).output.contains("654000  =1+1"))
    }
}
