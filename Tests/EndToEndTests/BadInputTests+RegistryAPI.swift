import Foundation
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

        @Test("a body over the limit of its path is refused, whether it is announced or not", arguments: [true, false])
        func oversizedBody(isChunked: Bool) async throws {
            let limits = [("join", 64 << 10), ("hello", 64 << 10), ("feed", 64 << 10), ("push", 8 << 20)]
            for (path, limit) in limits {
                try await withProbe { probe in
                    let body = [UInt8](repeating: 0, count: limit + 1)
                    let answer = try await probe.send(
                        "POST", "/v1/sync/\(path)", [Self.protobuf], body: body, isChunked: isChunked)

                    answer.expectProblem(413, "too-large", "\(path)")
                    #expect(answer.problem?.detail.contains("\(limit)") == true)
                }
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
