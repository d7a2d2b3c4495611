import FederationWire
import Foundation
import NIOSSL
import Replication
import Testing

extension BadInputTests {
    @Suite("The registry's APIs")
    struct RegistryAPITests {
        private let federation = BadInputFederation.current
        private static let protobuf = ("Content-Type", "application/x-protobuf")

        private func withProbe(_ body: (HTTPProbe) async throws -> Void) async throws {
            try await HTTPProbe.with(try federation.registryURL, authority: federation.authority, body)
        }

        @Test(
            "a media type that the protocol has not is refused", arguments: [nil, "text/plain", "application/xml", ""])
        func wrongMediaType(type: String?) async throws {
            try await withProbe { probe in
                for path in ["join", "hello", "push", "feed"] {
                    let headers = type.map { [("Content-Type", $0)] } ?? []
                    let answer = try await probe.send("POST", "/v1/sync/\(path)", headers, body: [0])

                    answer.expectProblem(415, "media-type", "\(path) with \(type ?? "no type")")
                    #expect(answer.problem?.detail.contains("application/x-protobuf") == true)
                }
            }
        }

        @Test("a request that is not signed is refused before its body is read")
        func unsigned() async throws {
            try await withProbe { probe in
                for path in ["hello", "push", "feed"] {
                    try await probe.send("POST", "/v1/sync/\(path)", [Self.protobuf], body: Array("garbage".utf8))
                        .expectProblem(401, "signature", "\(path)")
                }
            }
        }

        @Test("a join that is no message is malformed", arguments: ["application/x-protobuf", "application/json"])
        func malformedJoin(type: String) async throws {
            try await withProbe { probe in
                for body in ["", "{", "{}", "garbage", #"{"city": "x"}"#] {
                    try await probe.send("POST", "/v1/sync/join", [("Content-Type", type)], body: Array(body.utf8))
                        .expectProblem(400, "malformed", "\(body)")
                }
            }
        }

        @Test(
            "a join over its limit is refused, whether that is announced or not; of other strangers no body is read",
            arguments: [true, false])
        func oversizedBody(isChunked: Bool) async throws {
            for (path, limit) in [("join", 64 << 10), ("hello", 64 << 10), ("feed", 64 << 10), ("push", 8 << 20)] {
                try await withProbe { probe in
                    let body = [UInt8](repeating: 0, count: limit + 1)
                    let answer = try await probe.send(
                        "POST", "/v1/sync/\(path)", [Self.protobuf], body: body, isChunked: isChunked)

                    guard path == "join" else { return answer.expectProblem(401, "signature", "\(path)") }
                    answer.expectProblem(413, "too-large", "\(path)")
                    #expect(answer.problem?.detail.contains("\(limit)") == true)
                }
            }
        }

        /// The request stands still before its body's first byte: whoever wants the body first answers nothing.
        @Test("a stranger's request is answered before its body has come")
        func withheldBody() async throws {
            try await HTTPProbe.with(try federation.registryURL, authority: federation.authority) { probe in
                try await probe.sendHead("POST", "/v1/sync/push", [Self.protobuf])
                    .expectProblem(401, "signature", "a body that never comes")
            }
        }

        @Test("an old version of TLS is not spoken")
        func oldTLS() async throws {
            let url = try federation.registryURL
            await #expect(throws: (any Error).self) {
                try await HTTPProbe.with(url, authority: federation.authority, newestTLS: .tlsv11) { probe in
                    try await probe.send("GET", "/healthz")
                }
            }
        }

        @Test("a token of a city that is suspended shows nothing until the city is reinstated")
        func suspendedToken() async throws {
            let city = try await federation.city(withVoucher: false)
            let made = try await federation.registry(["token", "create", "--role", "city", "--city", city.code])
            let bearer = ("Authorization", "Bearer \(made.output.trimmingCharacters(in: .whitespacesAndNewlines))")
            func claims() async throws -> HTTPProbe.Answer {
                try await HTTPProbe.with(try federation.registryURL, authority: federation.authority) { probe in
                    try await probe.send("GET", "/v1/claims", [bearer])
                }
            }
            #expect(try await claims().status == 200)
            _ = try await federation.registry(["city", "suspend", city.code, "--reason", "test"])
            try await claims().expectProblem(403, "suspended", "a suspended city's token")
            _ = try await federation.registry(["city", "reinstate", city.code, "--reason", "test"])
            #expect(try await claims().status == 200)
        }

        @Test("what an auditor checks is written down whole, whatever stands around it")
        func loggedChecks() async throws {
            func bearer(_ role: String) async throws -> (String, String) {
                let made = try await federation.registry(["token", "create", "--role", role])
                return ("Authorization", "Bearer \(made.output.trimmingCharacters(in: .whitespacesAndNewlines))")
            }
            let (auditor, reader) = (try await bearer("auditor"), try await bearer("operator"))
            let question = #"""
                {"enterprise_uscc": "91110000600037341L", "provider_uscc": "9144030071526726XG", \#
                "contract_no": "HT-AUDIT-1", "invoices": ["24440300000000000001"], "x": "\#(String(repeating: "y", count: 5_000))"}
                """#
            let body = String(repeating: " ", count: 5_000) + #"{"items": [\#(question), \#(question)]}"#
            try await withProbe { probe in
                #expect(try await probe.send("POST", "/v1/checks", [auditor], body: Array(body.utf8)).status == 200)
                let events = try await probe.send("GET", "/v1/audit-events?limit=1000", [reader])
                let lines = String(decoding: events.body, as: UTF8.self).components(separatedBy: "HT-AUDIT-1").count - 1
                #expect(lines == 2)
            }
        }

        @Test("whatever names a stranger calls himself, a city's refusals are written down")
        func floodOfNames() async throws {
            let city = try await federation.city(withVoucher: false)
            let made = try await federation.registry(["token", "create", "--role", "operator"])
            let reader = ("Authorization", "Bearer \(made.output.trimmingCharacters(in: .whitespacesAndNewlines))")
            func forged(_ name: String) async throws -> HTTPProbe.Answer {
                let request = RequestSignature(
                    keyID: name, created: Int64(Date().timeIntervalSince1970), nonce: UUID().uuidString)
                let fields = try request.sign(
                    method: "POST", targetURI: "https://nowhere", body: [], key: SigningKey())
                return try await HTTPProbe.with(try federation.registryURL, authority: federation.authority) { probe in
                    try await probe.send(
                        "POST", "/v1/sync/feed",
                        [
                            Self.protobuf, ("Content-Digest", fields.contentDigest),
                            ("Signature-Input", fields.signatureInput), ("Signature", fields.signature),
                        ], body: [])
                }
            }
            for name in 910_000..<910_120 { try await forged("\(name)").expectProblem(401, "unknown-city", "\(name)") }
            try await forged(city.code).expectProblem(401, "signature", "the city's name")
            try await withProbe { probe in
                let events = try await probe.send("GET", "/v1/audit-events?limit=1000", [reader])
                let text = String(decoding: events.body, as: UTF8.self)
                #expect(text.contains(#""actor":"\#(city.code)""#))
                #expect(!text.contains(#""actor":"910100""#))
            }
        }

        @Test("the query API shows nothing without a valid token")
        func badToken() async throws {
            let expired = try await federation.registry(["token", "create", "--role", "auditor", "--expires", "0"])
            try #require(expired.status == 0, "\(expired.errors)")
            let past = expired.output.trimmingCharacters(in: .whitespacesAndNewlines)
            try await withProbe { probe in
                for header in [nil, "Bearer ", "Bearer vft.00", "Bearer \(past)", "Basic \(past)"] {
                    for path in ["/v1/claims", "/v1/cities", "/v1/duplicates", "/v1/feed/head", "/metrics"] {
                        let headers = header.map { [("Authorization", $0)] } ?? []
                        try await probe.send("GET", path, headers)
                            .expectProblem(401, "token", "\(path) with \(header ?? "nothing")")
                    }
                }
            }
        }

        @Test("a question that is none is answered with what was expected")
        func wrongQuery() async throws {
            let made = try await federation.registry(["token", "create", "--role", "operator"])
            let bearer = ("Authorization", "Bearer \(made.output.trimmingCharacters(in: .whitespacesAndNewlines))")
            try await withProbe { probe in
                for query in ["limit=0", "limit=x", "state=lost", "city_code=1", "enterprise_uscc=A", "after=-1"] {
                    try await probe.send("GET", "/v1/claims?\(query)", [bearer]).expectProblem(400, "query", "\(query)")
                }
                for body in ["", "{", "[]", #"{"invoices": 1}"#, "\u{1}\u{2}"] {
                    try await probe.send("POST", "/v1/checks", [bearer], body: Array(body.utf8))
                        .expectProblem(400, "malformed", "\(body)")
                }
                try await probe.send("GET", "/v1/claims/110000/nothing", [bearer])
                    .expectProblem(404, "not-found", "a claim that is not there")
            }
        }

        /// Design page, §8: errors are problem documents; RFC 9110 has 404 and 405 for these two, and `Allow`.
        @Test(
            "an unknown path and a wrong method get problem documents",
            arguments: [
                ("GET", "/nowhere", nil), ("POST", "/v1/sync/nowhere", nil), ("GET", "/v1/sync/push", "POST"),
                ("DELETE", "/v1/claims", "GET"), ("POST", "/v1/claims/110000/A-1", "GET"),
            ] as [(String, String, String?)])
        func unknownPath(method: String, path: String, allowed: String?) async throws {
            try await withProbe { probe in
                let answer = try await probe.send(method, path)

                answer.expectProblem(
                    allowed == nil ? 404 : 405, allowed == nil ? "not-found" : "method", "\(method) \(path)")
                #expect(answer.headers["allow"] == allowed)
            }
        }

        @Test("plain HTTP to the TLS port gets nothing, and the server goes on")
        func plainHTTP() async throws {
            let port = Int(try federation.registryURL.split(separator: ":").last ?? "") ?? 0

            try RawConnection.send(Array("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8), port: port)
            try RawConnection.send((0..<200).map { UInt8($0) }, port: port)

            try await withProbe { probe in
                let answer = try await probe.send("GET", "/healthz")
                #expect(answer.status == 200)
            }
        }
    }
}
