import Crypto
import Foundation
import Testing

/// Tokens of an OpenID Connect provider, at a registry that takes them.
@Suite("Web tokens", .badInputFederation)
struct WebTokenTests {
    private let federation = BadInputFederation.current
    private static let issuer = "https://id.example"

    private func encode(_ data: some DataProtocol) -> String {
        Data(data).base64EncodedString().replacing("+", with: "-").replacing("/", with: "_").replacing("=", with: "")
    }

    /// A token of the claims, signed with ES256; or, of another algorithm, with what anybody could make.
    private func token(
        _ key: P256.Signing.PrivateKey, _ changes: [String: Any] = [:], algorithm: String = "ES256"
    ) throws -> String {
        let now = Int(Date().timeIntervalSince1970)
        let claims: [String: Any] = [
            "iss": Self.issuer, "aud": "registry", "sub": "u-17", "name": "王审计", "exp": now + 300, "vf_role": "auditor",
            "vf_purpose": "年度审计",
        ].merging(changes) { $1 }
        let header = encode(try JSONSerialization.data(withJSONObject: ["alg": algorithm, "kid": "k1", "typ": "JWT"]))
        let body = encode(try JSONSerialization.data(withJSONObject: claims))
        let signed = "\(header).\(body)"
        switch algorithm {
        case "none": return "\(signed)."
        case "HS256":
            let publicKey = SymmetricKey(data: key.publicKey.rawRepresentation)
            return
                "\(signed).\(encode(Data(HMAC<SHA256>.authenticationCode(for: Data(signed.utf8), using: publicKey))))"
        default: return "\(signed).\(encode(try key.signature(for: Data(signed.utf8)).rawRepresentation))"
        }
    }

    private func keySet(_ key: P256.Signing.PrivateKey) throws -> Data {
        let point = key.publicKey.rawRepresentation
        return try JSONSerialization.data(withJSONObject: [
            "keys": [
                [
                    "kty": "EC", "crv": "P-256", "kid": "k1", "use": "sig", "alg": "ES256",
                    "x": encode(point.prefix(32)), "y": encode(point.suffix(32)),
                ],
                // Of a kind that nobody knows: the others count all the same.
                ["kty": "PQ", "kid": "k2"],
            ]
        ])
    }

    @Test("a token of the provider calls whom it names; any other is refused with the reason, and new keys are read")
    func provider() async throws {
        let key = P256.Signing.PrivateKey()
        let file = federation.freshPath("keys.json")
        try keySet(key).write(to: URL(fileURLWithPath: file))
        let options = [
            "--embedded-postgres", federation.database, "--oidc-issuer", Self.issuer, "--oidc-audience", "registry",
            "--oidc-keys", file,
        ]
        try await Daemon.with(.registry, options) { daemon in
            try await HTTPProbe.with(daemon.url, authority: federation.authority) { probe in
                func status(_ token: String, _ path: String = "/v1/cities") async throws -> Int {
                    try await probe.send("GET", path, [("Authorization", "Bearer \(token)")]).status
                }
                #expect(try await status(try token(key)) == 200)
                let events = try await probe.send(
                    "GET", "/v1/audit-events", [("Authorization", "Bearer \(try token(key))")])
                let log = String(decoding: events.body, as: UTF8.self)
                #expect(log.contains("auditor u-17 (王审计)") && log.contains("年度审计"))

                let faults: [[String: Any]] = [
                    ["iss": "https://other.example"], ["aud": "another"], ["exp": 1_000], ["nbf": 9_999_999_999],
                ]
                for fault in faults { #expect(try await status(try token(key, fault)) == 401, "\(fault)") }
                for fault in [["vf_role": "root"], ["vf_role": "city"]] {
                    #expect(try await status(try token(key, fault)) == 403, "\(fault)")
                }
                #expect(try await status(try token(P256.Signing.PrivateKey())) == 401)
                for algorithm in ["none", "HS256"] {
                    #expect(try await status(try token(key, algorithm: algorithm)) == 401, "\(algorithm)")
                }
                let city = try token(key, ["vf_role": "city", "vf_city_code": "110000"])
                #expect(try await status(city, "/v1/claims") == 200)
                #expect(try await status(city) == 403)

                // The provider has new keys; while the file is half written the old ones count.
                try Data("{".utf8).write(to: URL(fileURLWithPath: file))
                #expect(try await status(try token(key)) == 200)
                let next = P256.Signing.PrivateKey()
                try keySet(next).write(to: URL(fileURLWithPath: file))
                #expect(try await status(try token(next)) == 200)
                #expect(try await status(try token(key)) == 401)
            }
        }
    }

    @Test("without a provider no web token is taken")
    func noProvider() async throws {
        try await HTTPProbe.with(try federation.registryURL, authority: federation.authority) { probe in
            let token = try token(P256.Signing.PrivateKey())
            #expect(try await probe.send("GET", "/v1/cities", [("Authorization", "Bearer \(token)")]).status == 401)
        }
    }
}
