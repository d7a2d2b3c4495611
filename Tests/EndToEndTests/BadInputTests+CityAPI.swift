import Foundation
import Testing

extension BadInputTests {
    @Suite("A city's API")
    struct CityAPITests {
        private let federation = BadInputFederation.current
        private static let json = ("Content-Type", "application/json")

        /// A request with the token, and the problem that it is answered with.
        struct Case: Sendable, CustomStringConvertible {
            let description: String
            let method: String
            let path: String
            var headers: [(String, String)] = [CityAPITests.json]
            let body: String?
            let status: Int
            let kind: String
        }

        static let cases: [Case] = [
            Case(
                description: "an empty body", method: "POST", path: "/v1/claims", body: "", status: 400,
                kind: "malformed"),
            Case(
                description: "a body cut short", method: "POST", path: "/v1/claims", body: #"{"claim_no": "A-1", "vou"#,
                status: 400, kind: "malformed"),
            Case(description: "a list", method: "POST", path: "/v1/claims", body: "[]", status: 400, kind: "malformed"),
            Case(
                description: "an unknown member", method: "POST", path: "/v1/claims", body: #"{"claim_nr": "A-1"}"#,
                status: 400, kind: "malformed"),
            Case(
                description: "a number for a text", method: "POST", path: "/v1/claims", body: #"{"claim_no": 1}"#,
                status: 400, kind: "malformed"),
            Case(
                description: "garbage", method: "POST", path: "/v1/claims", body: "\u{1}\u{2}%%%\u{7F}", status: 400,
                kind: "malformed"),
            Case(
                description: "a CSV file", method: "POST", path: "/v1/claims", headers: [("Content-Type", "text/csv")],
                body: "claim_no,voucher_no\nA-1,V-1\n", status: 400, kind: "malformed"),
            Case(
                description: "a compressed body", method: "POST", path: "/v1/claims",
                headers: [json, ("Content-Encoding", "gzip")], body: "{}", status: 415, kind: "content-encoding"),
            Case(
                description: "a claim without anything", method: "POST", path: "/v1/claims", body: "{}", status: 422,
                kind: "invalid"),
            Case(
                description: "a broken voucher", method: "POST", path: "/v1/vouchers", body: "{", status: 400,
                kind: "malformed"),
            Case(
                description: "a check of nothing", method: "POST", path: "/v1/checks", body: "{}", status: 400,
                kind: "malformed"),
            Case(
                description: "an import of something else", method: "POST", path: "/v1/imports/payments",
                body: #"{"rows": []}"#, status: 404, kind: "not-found"),
            Case(
                description: "rows that are none", method: "POST", path: "/v1/imports/claims", body: #"{"rows": [1]}"#,
                status: 400, kind: "malformed"),
            Case(
                description: "a claim that is not there", method: "GET", path: "/v1/claims/nothing", body: nil,
                status: 404, kind: "not-found"),
            Case(
                description: "a withdrawal of a claim that is not there", method: "POST",
                path: "/v1/claims/nothing/withdrawal", body: #"{"reason": "mistake"}"#, status: 404, kind: "not-found"),
            Case(
                description: "a withdrawal without a reason", method: "POST", path: "/v1/claims/nothing/withdrawal",
                body: "{}", status: 400, kind: "malformed"),
            Case(
                description: "a withdrawal whose reason has a control character", method: "POST",
                path: "/v1/claims/nothing/withdrawal", body: #"{"reason": "mis\u0007take"}"#, status: 422,
                kind: "invalid"),
            Case(
                description: "an unknown order", method: "GET", path: "/v1/claims?order=first", body: nil, status: 400,
                kind: "query"),
            Case(
                description: "an unknown state", method: "GET", path: "/v1/claims?state=lost", body: nil, status: 400,
                kind: "query"),
            Case(
                description: "a limit out of bounds", method: "GET", path: "/v1/claims?limit=0", body: nil, status: 400,
                kind: "query"),
        ]

        @Test("each wrong request gets a problem document, and nothing is recorded")
        func wrongRequests() async throws {
            let city = try await federation.city()
            try await city.served(isOffline: true) { node in
                let token = try Self.token(of: city)
                try await HTTPProbe.with(node.url) { probe in
                    for item in Self.cases {
                        let answer = try await probe.send(
                            item.method, item.path, item.headers + [token], body: item.body.map { Array($0.utf8) })
                        answer.expectProblem(item.status, item.kind, "\(item.description)")
                    }
                }
                try await Self.expectUntouched(city)
            }
        }

        @Test("a parameter that there is not, or that is given twice, is refused by its name, and nothing is written")
        func unknownParameters() async throws {
            let city = try await federation.city()
            try await city.served(isOffline: true) { node in
                let headers = [try Self.token(of: city), Self.json]
                try await HTTPProbe.with(node.url) { probe in
                    for (path, name) in [
                        ("/v1/claims?stat=paid", "stat"), ("/v1/claims?limit=1&limit=2", "limit"),
                        ("/v1/claims/nothing?as_of=1", "as_of"), ("/v1/vouchers?state=recorded", "state"),
                        ("/v1/cases?q=A", "q"), ("/v1/payments?state=paid", "state"), ("/v1/red-letters?x", "x"),
                        ("/v1/sync?wait=1", "wait"), ("/v1/late-entries?seen=0", "seen"), ("/metrics?name=a", "name"),
                    ] {
                        let answer = try await probe.send("GET", path, headers)
                        answer.expectProblem(400, "query", "\(path)")
                        #expect(answer.problem?.detail.hasPrefix(name) == true, "\(path)")
                    }
                    try await probe.send("POST", "/v1/claims?dry_run=1", headers, body: ClaimFile.json(1, of: city))
                        .expectProblem(400, "query", "a claim with a parameter")
                    // An empty one counts as left out.
                    #expect(try await probe.send("GET", "/v1/claims?state=&after=&limit=", headers).status == 200)
                }
                try await Self.expectUntouched(city)
            }
        }

        @Test("claims are looked for by a part of what they say, in both orders, a page after a page")
        func search() async throws {
            let city = try await federation.city()
            try await city.served(isOffline: true) { node in
                let headers = [try Self.token(of: city), Self.json]
                try await HTTPProbe.with(node.url) { probe in
                    for number in 1...3 {
                        let body = ClaimFile.json(number, of: city)
                        let filed = try await probe.send("POST", "/v1/claims", headers, body: body)
                        #expect(filed.status == 201)
                    }
                    func numbers(_ query: String) async throws -> [String] {
                        let answer = try await probe.send("GET", "/v1/claims?\(query)", headers)
                        return try JSONDecoder().decode(ClaimNumbers.self, from: Data(answer.body)).numbers
                    }
                    let all = [1, 2, 3].map(city.claim)
                    #expect(try await numbers("q=ht-\(city.code)") == all)
                    #expect(try await numbers("q=ht-\(city.code)&order=newest") == Array(all.reversed()))
                    #expect(try await numbers("q=%25") == [])
                    #expect(try await numbers("q=\(all[1])") == [all[1]])
                }
                let listed = try await city.run(["claim", "list", "--search", "ｈｔ－\(city.code)", "--newest", "--json"])
                let claims = try listed.json(ClaimNumbers.self)
                #expect(claims.numbers == [3, 2, 1].map(city.claim))
            }
        }

        /// What a list of claims names.
        private struct ClaimNumbers: Decodable {
            struct Item: Decodable { let claim_no: String }
            let items: [Item]

            var numbers: [String] { items.map(\.claim_no) }
        }

        @Test("a body over four megabytes is refused, whether it is announced or not", arguments: [true, false])
        func oversizedBody(isChunked: Bool) async throws {
            let city = try await federation.city()
            try await city.served(isOffline: true) { node in
                let headers = [try Self.token(of: city), Self.json]
                let body = [UInt8](repeating: UInt8(ascii: " "), count: (4 << 20) + 1)
                try await HTTPProbe.with(node.url) { probe in
                    let answer = try await probe.send("POST", "/v1/claims", headers, body: body, isChunked: isChunked)

                    answer.expectProblem(413, "too-large", "chunked: \(isChunked)")
                    #expect(answer.problem?.detail.contains("4194304") == true)
                }
                try await Self.expectUntouched(city)
            }
        }

        @Test("without the token, or with another, nothing is shown and nothing is taken")
        func badToken() async throws {
            let city = try await federation.city()
            try await city.served(isOffline: true) { node in
                let claim = ClaimFile.json(1, of: city)
                let wrong = String(try Self.token(of: city).1.dropLast()) + "x"
                try await HTTPProbe.with(node.url) { probe in
                    for header in [nil, "Bearer ", "Bearer wrong", wrong, "Basic \(wrong.dropFirst(7))"] {
                        let headers = header.map { [("Authorization", $0), Self.json] } ?? [Self.json]
                        for (method, path) in [("POST", "/v1/claims"), ("GET", "/v1/claims"), ("GET", "/metrics")] {
                            let body = method == "POST" ? claim : nil
                            let answer = try await probe.send(method, path, headers, body: body)
                            answer.expectProblem(401, "token", "\(method) \(path) with \(header ?? "nothing")")
                            #expect(answer.problem?.detail.contains("api-token") == true)
                        }
                    }
                    #expect(try await probe.send("GET", "/healthz").status == 200)
                }
                try await Self.expectUntouched(city)
            }
        }

        @Test("a body that ends in the middle is not taken, and the node goes on")
        func connectionCut() async throws {
            let city = try await federation.city()
            try await city.served(isOffline: true) { node in
                let body = ClaimFile.json(1, of: city)
                let token = try Self.token(of: city)
                let head = """
                    POST /v1/claims HTTP/1.1\r\nHost: localhost\r\n\(token.0): \(token.1)\r\n\
                    Content-Length: \(body.count + 100)\r\n\r\n
                    """
                try RawConnection.send(Array(head.utf8) + body, port: node.port)
                try RawConnection.send(Array("no HTTP at all\r\n\r\n".utf8), port: node.port)

                try await HTTPProbe.with(node.url) { probe in
                    let answer = try await probe.send("POST", "/v1/claims", [token, Self.json], body: body)
                    #expect(answer.status == 201, "had the cut body been taken, this one would be known")
                }
                #expect(try await city.sync().log_head == 2)
            }
        }

        @Test("the same claim again is 200, with other content 409")
        func sameNumber() async throws {
            let city = try await federation.city()
            try await city.served(isOffline: true) { node in
                let headers = [try Self.token(of: city), Self.json]
                let claim = ClaimFile.json(1, of: city)
                let other = String(decoding: claim, as: UTF8.self).replacing("100.00", with: "99.00")
                try await HTTPProbe.with(node.url) { probe in
                    #expect(try await probe.send("POST", "/v1/claims", headers, body: claim).status == 201)
                    #expect(try await probe.send("POST", "/v1/claims", headers, body: claim).status == 200)
                    try await probe.send("POST", "/v1/claims", headers, body: Array(other.utf8))
                        .expectProblem(409, "conflict", "other content")
                }
                #expect(try await city.show(city.claim(1)).claimed_yuan == "100.00")
                #expect(try await city.sync().log_head == 2)
            }
        }

        @Test("an Idempotency-Key that was used for another request is refused")
        func reusedKey() async throws {
            let city = try await federation.city()
            try await city.served(isOffline: true) { node in
                let headers = [try Self.token(of: city), Self.json, ("Idempotency-Key", "key-1")]
                try await HTTPProbe.with(node.url) { probe in
                    let first = try await probe.send("POST", "/v1/claims", headers, body: ClaimFile.json(1, of: city))
                    #expect(first.status == 201)
                    try await probe.send("POST", "/v1/claims", headers, body: ClaimFile.json(2, of: city))
                        .expectProblem(422, "idempotency-key", "the key of claim 1 for claim 2")
                }
                #expect(try await city.states() == [city.claim(1): "recorded"])
            }
        }

        /// Design page, §8: errors are problem documents; RFC 9110 has 404 and 405 for these two, and `Allow`.
        @Test(
            "an unknown path and a wrong method get problem documents",
            arguments: [
                ("GET", "/nowhere", nil), ("GET", "/v1/nowhere", nil), ("DELETE", "/v1/claims", "GET, POST"),
                ("GET", "/v1/checks", "POST"), ("POST", "/v1/claims/A-1", "GET"),
            ] as [(String, String, String?)])
        func unknownPath(method: String, path: String, allowed: String?) async throws {
            let city = try await federation.city()
            try await city.served(isOffline: true) { node in
                try await HTTPProbe.with(node.url) { probe in
                    let answer = try await probe.send(method, path, [try Self.token(of: city)])

                    answer.expectProblem(
                        allowed == nil ? 404 : 405, allowed == nil ? "not-found" : "method", "\(method) \(path)")
                    #expect(answer.headers["allow"] == allowed)
                }
            }
        }

        private static func token(of city: TestCity) throws -> (String, String) {
            ("Authorization", "Bearer \(try String(contentsOfFile: "\(city.data)/api-token", encoding: .utf8))")
        }

        private static func expectUntouched(_ city: TestCity) async throws {
            #expect(try await city.claims() == [])
            let sync = try await city.sync()
            #expect(sync.log_head == sync.received_through + sync.unsent)
            #expect(sync.log_head == 1, "nothing but the voucher")
        }
    }
}
