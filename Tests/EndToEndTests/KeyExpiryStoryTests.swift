import Failpoints
import Foundation
import NationalRegistry
import Testing

/// Keys and certificates have a day by which they are to be replaced. Whom it concerns is shown it; no city is cut off by the
/// day of its key.
@Suite("Keys and certificates that end", .badInputFederation, .serialized)
struct KeyExpiryStoryTests {
    private let federation = BadInputFederation.current

    /// Words in front of a program that add days to its clock.
    private func after(days: Int) -> [String] {
        ["/usr/bin/env", "\(ClockShift.environmentName)=\(days * 86_400)"]
    }

    private func registry(_ arguments: [String], inDays days: Int = 0) async throws -> CommandResult {
        try await Program.registry.run(
            arguments + ["--embedded-postgres", federation.database], after: after(days: days))
    }

    /// Lends a second server on the database, whose keys live for a month.
    private func withMonthlyKeys(inDays days: Int = 0, _ body: (Daemon) async throws -> Void) async throws {
        let arguments = [
            "--embedded-postgres", federation.database, "--advertise", try federation.registryURL,
            "--key-lifetime-days", "30",
        ]
        try await Daemon.with(.registry, arguments, after: after(days: days), body)
    }

    /// What pages of a console say, in both languages.
    private func pages(
        _ url: String, _ path: String, token: String, authority: String? = nil
    ) async throws -> (chinese: String, english: String) {
        try await HTTPProbe.with(url, authority: authority) { probe in
            let cookie = try #require(try await probe.form("/console/login", ["token": token]).cookie)
            func page(_ language: String) async throws -> String {
                let answer = try await probe.send("GET", path, [("Cookie", cookie), ("Accept-Language", language)])
                #expect(answer.status == 200)
                return answer.text
            }
            return (try await page("zh-CN"), try await page("en"))
        }
    }

    private struct Listed: Decodable {
        let city_code: String
        let key_since, key_until, key_state: String?
    }

    private func listed(_ city: TestCity, inDays days: Int = 0) async throws -> Listed {
        struct List: Decodable { let items: [Listed] }
        let list = try await registry(["city", "list", "--json"], inDays: days).json(List.self)
        return try #require(list.items.first { $0.city_code == city.code })
    }

    private struct Status: Decodable {
        struct Renewal: Decodable {
            struct Key: Decodable { let city_code, key_state: String }
            let keys: [Key]
            let certificate_until, trust_anchor_until: String?
        }
        let renewal: Renewal
    }

    @Test("the operators see the day of each key: nothing of it, then that it is near, then that it is past")
    func operators() async throws {
        let city = try await federation.city(withVoucher: false)
        let token = try await federation.token("operator", label: "keys")
        #expect(try await listed(city).key_state == "current")
        #expect(try await registry(["status", "--json"]).json(Status.self).renewal.keys.isEmpty)
        let before = try await pages(
            try federation.registryURL, "/console/cities", token: token, authority: federation.authority)
        #expect(before.english.contains("Valid</span> (the server exchanges it by itself)"))
        #expect(!before.english.contains("key to be replaced soon"))

        try await withMonthlyKeys { server in
            let now = try await pages(server.url, "/console/cities", token: token, authority: federation.authority)
            #expect(now.chinese.contains("密钥即将到期") && now.chinese.contains("即将到期</span>"))
            #expect(now.english.contains("key to be replaced soon") && now.english.contains("Ends soon</span>"))
            try await HTTPProbe.with(server.url, authority: federation.authority) { probe in
                let metrics = try await probe.send("GET", "/metrics", [("Authorization", "Bearer \(token)")])
                let text = metrics.text
                #expect(text.contains("national_registry_city_key_left_seconds{city=\"\(city.code)\"} "))
                #expect(text.contains("national_registry_certificate_left_seconds "))
                #expect(text.contains("national_registry_trust_anchor_left_seconds "))
            }
        }
        try await withMonthlyKeys(inDays: 31) { server in
            let past = try await pages(server.url, "/console/cities", token: token, authority: federation.authority)
            #expect(past.chinese.contains("密钥已过更换日期") && past.chinese.contains("已过期</span>"))
            #expect(past.english.contains("key past its day") && past.english.contains("Past its day</span>"))
        }

        // The servers are gone, and what they were told stays for the verbs.
        for (days, state, word, line) in [
            (0, "ending", " SOON", "KEY TO BE REPLACED SOON"), (31, "over", " PAST", "KEY PAST ITS DAY"),
        ] {
            #expect(try await listed(city, inDays: days).key_state == state)
            #expect(try await registry(["city", "list"], inDays: days).output.contains(word))
            let status = try await registry(["status"], inDays: days)
            #expect(status.output.contains("\(line): that of city \(city.code)"), "\(status.output)")
            let renewal = try await registry(["status", "--json"], inDays: days).json(Status.self).renewal
            #expect(renewal.keys.first { $0.city_code == city.code }?.key_state == state)
        }
    }

    @Test("a city is told of its key, works on with it, and is told no more once it has another")
    func officers() async throws {
        let city = try await federation.city()
        try await withMonthlyKeys { _ in }

        try await city.served { daemon in
            try await city.settle()
            let status = try await city.run(["status"])
            #expect(status.output.contains("key         to be replaced by 20"), "\(status.output)")
            #expect(status.output.contains("this city's key is to be replaced by 20"), "\(status.output)")
            let apiToken = try city.apiToken()
            let desk = try await pages(daemon.url, "/console", token: apiToken)
            #expect(desk.chinese.contains("本市密钥应在") && desk.chinese.contains("即将到期</span>"))
            #expect(desk.english.contains("key is to be replaced by 20") && desk.english.contains("Ends soon</span>"))
            try await HTTPProbe.with(daemon.url) { probe in
                let answer = try await probe.send("GET", "/metrics", [("Authorization", "Bearer \(apiToken)")])
                let metrics = answer.text
                for name in ["key", "certificate", "trust_anchor"] {
                    #expect(metrics.contains("city_node_\(name)_left_seconds "), "\(name)")
                }
            }
            try await city.file([ClaimFile.distinctRow(1, of: city)])
            #expect(try await city.show(city.claim(1)).state == "reserved")
        }
        let later = try await Program.city.run(["status", "--data", city.data], after: after(days: 31))
        #expect(later.output.contains("this city's key was to be replaced by 20"), "\(later.output)")

        let known = try await listed(city)
        let token = try await federation.registry(["city", "rotate-key", city.code])
        let joined = try await city.run(["join", token.output.trimmingCharacters(in: .whitespacesAndNewlines)])
        #expect(joined.status == 0, "\(joined.errors)")
        let status = try await city.run(["status"])
        #expect(!status.output.contains("replaced by"), "\(status.output)")
        let (old, new) = (try #require(known.key_since), try #require(try await listed(city).key_since))
        #expect(new > old)
        try await city.served { _ in
            try await city.file([ClaimFile.distinctRow(2, of: city)])
            #expect(try await city.show(city.claim(2)).state == "reserved")
        }
    }

    @Test("a lifetime that is none is wrong usage", arguments: ["0", "36501", "-1", "x"])
    func wrongLifetime(days: String) async throws {
        #expect(try await registry(["serve", "--key-lifetime-days=\(days)"]).status == 64)
    }

    @Test("a certificate of the operators' own that ends soon is shown to them, and to the cities that meet it")
    func certificate() async throws {
        let files = federation.freshPath("certificate")
        try FileManager.default.createDirectory(atPath: files, withIntermediateDirectories: true)
        let made = Date() - 380 * 86_400
        let leaf = try CertificateAuthority(directory: files, now: made).makeLeaf(hosts: ["127.0.0.1"], now: made)
        try Data(leaf.certificatePEM.utf8).write(to: URL(fileURLWithPath: "\(files)/leaf.pem"))
        try Data(leaf.keyPEM.utf8).write(to: URL(fileURLWithPath: "\(files)/leaf.key"))
        let database = ["--embedded-postgres", federation.freshPath("registry")]
        let options = [
            "--tls-certificate", "\(files)/leaf.pem", "--tls-key", "\(files)/leaf.key", "--trust-anchor",
            "\(files)/ca.pem",
        ]
        try await Daemon.with(.registry, database + options) { server in
            let enrolled = try await Program.registry.run(["city", "enroll", "110000", "北京"] + database)
            let city = TestCity(code: "110000", data: federation.freshPath("city"))
            let token = enrolled.output.trimmingCharacters(in: .whitespacesAndNewlines)
            #expect(try await city.run(["join", token]).status == 0)
            try await city.served { _ in
                try await city.settle()
                try await expectEventually { try await city.sync().connected }
                let said = try await city.run(["status"]).output
                #expect(said.contains("the registry's certificate ends on 20"), "\(said)")
                #expect(!said.contains("the registry's CA"), "\(said)")
            }

            let status = try await Program.registry.run(["status"] + database)
            #expect(status.output.contains("THE SERVER'S CERTIFICATE ENDS on 20"), "\(status.output)")
            #expect(!status.output.contains("THE CA"), "\(status.output)")
            let created = try await Program.registry.run(
                ["token", "create", "--role", "operator", "--label", "o"] + database)
            let page = try await pages(
                server.url, "/console/cities", token: created.output.trimmingCharacters(in: .whitespacesAndNewlines),
                authority: "\(files)/ca.pem")
            #expect(page.chinese.contains("即将到期</span> （请在此之前更换证书文件并重启 serve）"))
            #expect(page.english.contains("Ends soon</span> (exchange the files and start serve again before that)"))
        }
    }
}
