import FederationHTTP
import Foundation
import Terminal
import Testing

/// The APIs do what their OpenAPI documents say, and the documents say all that the APIs do.
@Suite("OpenAPI", .badInputFederation, .serialized)
struct OpenAPITests {
    private let federation = BadInputFederation.current
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
    /// `deploy/test` installs it and says where it is.
    private static let schemathesis = ProcessInfo.processInfo.environment["SCHEMATHESIS"]

    private func document(_ name: String) throws -> (bytes: Data, paths: [String: [String: Any]]) {
        let bytes = try Data(contentsOf: Self.root.appending(path: "Schemas/openapi/\(name).json"))
        let root = try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
        return (bytes, try #require(root["paths"] as? [String: [String: Any]]))
    }

    /// The paths that the routes of a program name in its sources, under `v1`.
    private func routes(in folder: String) throws -> Set<String> {
        var found: Set<String> = []
        let files = FileManager.default.enumerator(atPath: Self.root.appending(path: "Sources/\(folder)").path)
        for case let name as String in try #require(files)
        where name.hasSuffix("Routes.swift") || name.contains("Routes+") {
            guard !name.contains("Console"), !name.contains("SyncRoutes") else { continue }
            let text = try String(contentsOf: Self.root.appending(path: "Sources/\(folder)/\(name)"), encoding: .utf8)
            for match in text.matches(of: /group\.(get|post)\("([^"]+)"\)/) {
                found.insert("\(match.1) /v1/\(match.2)")
            }
        }
        return found
    }

    @Test(
        "every route is in the document, and every path of the document is a route",
        arguments: [
            ("registry", "NationalRegistry"), ("city", "CityNode"),
        ])
    func complete(name: String, folder: String) throws {
        let described = Set(
            try document(name).paths.flatMap { path, item in item.keys.map { "\($0) \(path)" } }
        ).filter { $0.contains("/v1/") }
        // Data sets are told one by one, because each has its own parameters.
        let routes = Set(
            try routes(in: folder).flatMap { route in
                route.contains("{dataset}")
                    ? ["claims", "duplicates"].map { route.replacing("{dataset}", with: $0) } : [route]
            })
        #expect(!routes.isEmpty)
        #expect(described == routes)
    }

    @Test("a page is as long as the documents say where the question does not", arguments: ["registry", "city"])
    func pageLength(name: String) throws {
        let root = try #require(
            try JSONSerialization.jsonObject(with: document(name).bytes) as? [String: Any])
        let components = try #require(root["components"] as? [String: [String: Any]])
        let limit = try #require(components["parameters"]?["Limit"] as? [String: Any])
        #expect((limit["schema"] as? [String: Any])?["default"] as? Int == Question.usualLimit)
        let description = try #require((root["info"] as? [String: Any])?["description"] as? String)
        #expect(description.contains("and \(Question.usualLimit) when left out"))
    }

    @Test("both programs serve their document as it is, and a page of it that can be read")
    func served() async throws {
        let city = try await federation.city()
        try await city.served { daemon in
            for (url, name) in [(try federation.registryURL, "registry"), (daemon.url, "city")] {
                try await HTTPProbe.with(url, authority: federation.authority) { probe in
                    let answer = try await probe.send("GET", "/openapi.json")
                    #expect(answer.body == Array(try document(name).bytes))
                }
                try await Browser.with(language: "en") { page in
                    try await page.open(url + "/docs")
                    #expect(try await page.exists("#listClaims"))
                    #expect(try await page.accessibilityFaults() == [])
                    #expect(try await page.consoleErrors() == [])
                }
            }
        }
    }

    @Test("an answer that the caller has is not sent again, wherever the document says so, until it changes")
    func unchanged() async throws {
        let token = try await federation.token("operator", label: "unchanged")
        try await DisputedClaims.with(federation) { claims, _, daemon in
            let (city, claim) = (claims.second, claims.second.claim(3))
            let id = try await claims.caseID(federation)
            func own(_ path: String) -> String {
                path.replacing("{city_code}", with: city.code).replacing("{claim_no}", with: claim)
                    .replacing("{id}", with: id)
            }
            let apis = [
                ("registry", try federation.registryURL, token, own("/v1/claims/{city_code}/{claim_no}")),
                ("city", daemon.url, try city.apiToken(), own("/v1/claims/{claim_no}")),
            ]
            var tags: [String: String] = [:]
            for (name, url, token, ofClaim) in apis {
                let paths = try document(name).paths.filter { Self.tellsUnchanged($0.value) }.keys.map(own)
                #expect(paths.contains(ofClaim))
                try await HTTPProbe.with(url, authority: federation.authority) { probe in
                    for path in paths {
                        let tag = try await tagOfUnchanged(path, probe, token)
                        if path == ofClaim { tags[name] = tag }
                    }
                }
            }

            try await city.does(["claim", "withdraw", claim, "--reason", "重复"])
            for (name, url, token, ofClaim) in apis {
                try await HTTPProbe.with(url, authority: federation.authority) { probe in
                    let before = try #require(tags[name])
                    let changed = try await ask(ofClaim, probe, token, known: before)
                    #expect(changed.status == 200, "\(name)")
                }
            }
        }
    }

    private func ask(
        _ path: String, _ probe: HTTPProbe, _ token: String, known: String? = nil
    ) async throws -> HTTPProbe.Answer {
        var headers = [("Authorization", "Bearer \(token)")]
        if let known { headers.append(("If-None-Match", known)) }
        return try await probe.send("GET", path, headers)
    }

    /// Asks for what does not change meanwhile: whole, with its entity tag, and with another one.
    private func tagOfUnchanged(_ path: String, _ probe: HTTPProbe, _ token: String) async throws -> String {
        let first = try await ask(path, probe, token)
        #expect(first.status == 200, "\(path)")
        let tag = try #require(first.headers["etag"], "\(path)")
        for known in [tag, "\"0\", \(tag)"] {
            let again = try await ask(path, probe, token, known: known)
            #expect(again.status == 304, "\(path)")
            #expect(again.body == [], "\(path)")
            #expect(again.headers["etag"] == tag, "\(path)")
        }
        let other = try await ask(path, probe, token, known: "\"0\"")
        #expect(other.status == 200, "\(path)")
        #expect(other.body == first.body, "\(path)")
        return tag
    }

    /// Whether an operation of a path may answer that nothing has changed.
    private static func tellsUnchanged(_ item: [String: Any]) -> Bool {
        let operation = item["get"] as? [String: Any]
        return (operation?["responses"] as? [String: Any])?["304"] != nil
    }

    @Test(
        "requests made from the document find nothing that it does not say",
        .enabled(if: OpenAPITests.schemathesis != nil, "SCHEMATHESIS names no program: run deploy/test"))
    func conforms() async throws {
        let token = try await federation.token("operator", label: "schemathesis")
        try await DisputedClaims.with(federation) { claims, _, daemon in
            for (name, url, token) in [
                ("registry", try federation.registryURL, token), ("city", daemon.url, try claims.second.apiToken()),
            ] {
                let files = OutputFiles()
                defer { files.remove() }
                // Its notes go into a folder of their own.
                let command = [
                    "/usr/bin/env", "-C", federation.directory, try #require(Self.schemathesis), "run",
                    Self.root.appending(path: "Schemas/openapi/\(name).json").path, "--url", url,
                    "--tls-verify=false", "-H", "Authorization: Bearer \(token)", "--max-examples", "6", "--no-color",
                    // The suite around it may keep the machine busy for longer than its ten seconds.
                    "--request-timeout", "60",
                    // What no schema can say: check digits, and how long the feed is.
                    "--exclude-checks", "positive_data_acceptance", "--warnings", "off", "--seed",
                    "7",
                    "--generation-database", "none", "--suppress-health-check", "filter_too_much,too_slow",
                ]
                let child = try ChildProgram.start(command, output: files.output, errors: files.errors)
                let status = try await ChildEnd.wait(for: child, atMost: .seconds(900))
                #expect(status == 0, "\(name):\n\(files.outputText.suffix(6_000))\(files.errorText.suffix(1_000))")
            }
        }
    }
}
