import FederationWire
import Foundation
import Replication
import Testing
import VoucherDomain

extension BadInputTests {
    @Suite("Signed requests")
    struct SignatureTests {
        private let federation = BadInputFederation.current

        /// Signs and sends as a node does, but for what a test changes.
        private struct Request {
            var signer: SigningKey
            var keyID: String
            var path = "/v1/sync/feed"
            var type = "application/x-protobuf"
            var signedPath: String?
            var body = Array("no message".utf8)
            var sentBody: [UInt8]?
            var age: Int64 = 0
            var nonce = UUID().uuidString
            var fields: (RequestSignature.Fields) -> RequestSignature.Fields = { $0 }

            func send(_ federation: BadInputFederation) async throws -> HTTPProbe.Answer {
                let base = try federation.registryURL
                let now = Int64(Date().timeIntervalSince1970)
                let signature = RequestSignature(keyID: keyID, created: now - age, nonce: nonce)
                let fields = fields(
                    try signature.sign(method: "POST", targetURI: base + (signedPath ?? path), body: body, key: signer))
                let headers = [
                    ("Content-Type", type), ("Content-Digest", fields.contentDigest),
                    ("Signature-Input", fields.signatureInput), ("Signature", fields.signature),
                ]
                return try await HTTPProbe.with(base, authority: federation.authority) { probe in
                    try await probe.send("POST", path, headers, body: sentBody ?? body)
                }
            }
        }

        /// A city that has joined, and a request in its name. Its body is no message: an answer `malformed` means that
        /// the signature was accepted.
        private func joined() async throws -> (TestCity, Request) {
            let city = try await federation.city(withVoucher: false)
            let seed = try #require(FileManager.default.contents(atPath: "\(city.data)/city-key"))
            let key = try #require(SigningKey(seed: Array(seed)))
            return (city, Request(signer: key, keyID: city.code))
        }

        @Test(
            "a signed body that is no message is malformed, and changes nothing", arguments: ["hello", "push", "feed"])
        func malformed(path: String) async throws {
            var (city, request) = try await joined()
            let before = try await federation.summary(of: city)
            request.path = "/v1/sync/\(path)"

            try await request.send(federation).expectProblem(400, "malformed", "\(path)")

            #expect(try await federation.summary(of: city) == before)
        }

        @Test("a signed check is answered to the city that signed it, and one for another city is refused")
        func check() async throws {
            var (city, request) = try await joined()
            request.path = "/v1/sync/check"
            let fields = ClaimFile.fields(1, of: city)
            func ask(_ more: String = "") async throws -> HTTPProbe.Answer {
                request.nonce = UUID().uuidString
                request.body = Array(
                    """
                    {"enterprise_uscc": "\(fields["enterprise_uscc"] ?? "")", "contract_no": "C-\(city.code)", \
                    "provider_uscc": "\(fields["provider_uscc"] ?? "")", \
                    "invoices": ["\(fields["invoice_numbers"] ?? "")"]\(more)}
                    """.utf8)
                return try await request.send(federation)
            }
            struct Checked: Decodable { let answer: String }

            try await ask().expectProblem(415, "media-type", "protobuf")
            request.type = "application/json"
            // UNKNOWN until the first policy is in force.
            try await expectEventually {
                let answer = try await ask()
                #expect(answer.status == 200, "\(answer.problem?.detail ?? "")")
                return try JSONDecoder().decode(Checked.self, from: Data(answer.body)).answer == "CLEAR"
            }
            try await ask(#", "city_code": "110000""#).expectProblem(403, "other-city", "another city")
            (request.nonce, request.body) = (UUID().uuidString, Array("no question".utf8))
            try await request.send(federation).expectProblem(400, "malformed", "no JSON")
        }

        @Test("a signed message cut anywhere is malformed, and grants nothing")
        func truncated() async throws {
            var (city, request) = try await joined()
            let before = try await federation.summary(of: city)
            let message = Hello(
                versions: [1], city: try #require(CityCode(city.code)), processNonce: [UInt8](repeating: 7, count: 16),
                epoch: nil, logHead: .empty, feedHead: .empty
            ).encoded(as: .protobuf)
            request.path = "/v1/sync/hello"
            for length in stride(from: 1, to: message.count, by: 5) where length != message.count {
                request.body = Array(message.prefix(length))
                request.nonce = UUID().uuidString
                let answer = try await request.send(federation)
                #expect(answer.status >= 400 && answer.status < 500, "\(length) of \(message.count) bytes")
                #expect(answer.problem != nil)
            }
            #expect(try await federation.summary(of: city) == before)
        }

        @Test("a signature by another key is refused")
        func otherKey() async throws {
            var (_, request) = try await joined()
            request.signer = SigningKey()

            try await request.send(federation).expectProblem(401, "signature", "another key")
        }

        @Test("a signature in another city's name is refused")
        func otherCity() async throws {
            var (_, request) = try await joined()
            request.keyID = try await joined().0.code

            try await request.send(federation).expectProblem(401, "signature", "another city")
        }

        @Test("a signature for another path is refused")
        func otherPath() async throws {
            var (_, request) = try await joined()
            request.signedPath = "/v1/sync/push"

            try await request.send(federation).expectProblem(401, "signature", "another path")
        }

        @Test("a body that is not the one that was signed is refused")
        func otherBody() async throws {
            var (_, request) = try await joined()
            request.sentBody = Array("another".utf8)

            try await request.send(federation).expectProblem(401, "signature", "another body")
        }

        @Test(
            "a signed body over the limit of its path is refused", arguments: [("feed", 64 << 10), ("push", 8 << 20)])
        func oversizedBody(path: String, limit: Int) async throws {
            var (_, request) = try await joined()
            request.path = "/v1/sync/\(path)"
            request.body = [UInt8](repeating: 0, count: limit + 1)

            let answer = try await request.send(federation)

            answer.expectProblem(413, "too-large", "\(path)")
            #expect(answer.problem?.detail.contains("\(limit)") == true)
        }

        @Test(
            "a digest that is not the body's, or no digest, is refused",
            arguments: ["sha-256=:AAAA:", "md5=:AAAA:", "", "x"])
        func wrongDigest(digest: String) async throws {
            var (_, request) = try await joined()
            request.fields = {
                .init(contentDigest: digest, signatureInput: $0.signatureInput, signature: $0.signature)
            }

            try await request.send(federation).expectProblem(401, "signature", "\(digest)")
        }

        @Test("a signature that is damaged is refused", arguments: ["", "vf=::", "vf=:AAAA:", "sig=:AAAA:", "vf=:%%:"])
        func damagedSignature(text: String) async throws {
            var (_, request) = try await joined()
            request.fields = {
                .init(contentDigest: $0.contentDigest, signatureInput: $0.signatureInput, signature: text)
            }

            try await request.send(federation).expectProblem(401, "signature", "\(text)")
        }

        @Test("a request comes through once; the same again is a replay")
        func replay() async throws {
            let (_, request) = try await joined()

            try await request.send(federation).expectProblem(400, "malformed", "the first time")
            try await request.send(federation).expectProblem(401, "replay", "the second time")
        }

        @Test("a request that is refused does not use up its nonce")
        func nonceOfARefusedRequest() async throws {
            let (_, request) = try await joined()
            var forged = request
            forged.signer = SigningKey()

            try await forged.send(federation).expectProblem(401, "signature", "forged")
            try await request.send(federation).expectProblem(400, "malformed", "the city's own, later")
        }

        @Test("a request dated out of the window is refused, and told by how much", arguments: [330, -330] as [Int64])
        func outOfWindow(age: Int64) async throws {
            var (_, request) = try await joined()
            request.age = age

            let answer = try await request.send(federation)

            answer.expectProblem(401, "clock", "\(age) s old")
            #expect(answer.problem?.detail.contains(age > 0 ? "-33" : "3") == true)
        }

        @Test("a request within the window is taken", arguments: [270, -270] as [Int64])
        func withinWindow(age: Int64) async throws {
            var (_, request) = try await joined()
            request.age = age

            try await request.send(federation).expectProblem(400, "malformed", "\(age) s old")
        }

        @Test("a nonce shorter than 16 characters is refused")
        func shortNonce() async throws {
            var (_, request) = try await joined()
            request.nonce = "0123456789abcde"

            try await request.send(federation).expectProblem(401, "signature", "15 characters")
        }

        @Test("a city that has not joined is not known", arguments: ["999999", "000000"])
        func unknownCity(code: String) async throws {
            let request = Request(signer: SigningKey(), keyID: code)

            try await request.send(federation).expectProblem(401, "unknown-city", "\(code)")
        }

        @Test("a suspended city is refused at once, and let in again when it is reinstated")
        func suspendedCity() async throws {
            var (city, request) = try await joined()

            _ = try await federation.registry(["city", "suspend", city.code, "--reason", "test"])
            try await request.send(federation).expectProblem(403, "suspended", "suspended")
            _ = try await federation.registry(["city", "reinstate", city.code, "--reason", "test"])
            request.nonce = UUID().uuidString
            try await request.send(federation).expectProblem(400, "malformed", "reinstated")
        }
    }
}
