import Foundation
import Testing

/// Tokens of an OpenID Connect provider, at a registry that takes them.
@Suite("Web tokens", .badInputFederation)
struct WebTokenTests {
    private let federation = BadInputFederation.current
    private static let issuer = "https://id.example"

    private func token(
        _ key: ProviderKey, _ changes: [String: Any] = [:], algorithm: String = "ES256"
    ) throws -> String {
        try key.token(ProviderKey.claims(of: Self.issuer, changes), algorithm: algorithm)
    }

    @Test("a token of the provider calls whom it names; any other is refused with the reason, and new keys are read")
    func provider() async throws {
        let key = ProviderKey("k1")
        let file = federation.freshPath("keys.json")
        try ProviderKey.set([key]).write(to: URL(fileURLWithPath: file))
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
                    ["iss": "https://other.example"], ["aud": "another"], ["aud": [String]()], ["exp": 1_000],
                    ["nbf": 9_999_999_999],
                ]
                for fault in faults { #expect(try await status(try token(key, fault)) == 401, "\(fault)") }
                for fault in [["vf_role": "root"], ["vf_role": "city"]] {
                    #expect(try await status(try token(key, fault)) == 403, "\(fault)")
                }
                #expect(try await status(try token(key, ["aud": ["another", "registry"]])) == 200)
                #expect(try await status(try token(ProviderKey("k1"))) == 401)
                #expect(try await status(try token(ProviderKey("k9"))) == 401)
                for algorithm in ["none", "HS256"] {
                    #expect(try await status(try token(key, algorithm: algorithm)) == 401, "\(algorithm)")
                }
                let city = try token(key, ["vf_role": "city", "vf_city_code": "110000"])
                #expect(try await status(city, "/v1/claims") == 200)
                #expect(try await status(city) == 403)

                // The provider has new keys; while the file is half written the old ones count.
                try Data("{".utf8).write(to: URL(fileURLWithPath: file))
                #expect(try await status(try token(key)) == 200)
                let next = ProviderKey("k1")
                try ProviderKey.set([next]).write(to: URL(fileURLWithPath: file))
                #expect(try await status(try token(next)) == 200)
                #expect(try await status(try token(key)) == 401)
            }
        }
    }

    @Test("without a provider no web token is taken")
    func noProvider() async throws {
        try await HTTPProbe.with(try federation.registryURL, authority: federation.authority) { probe in
            let token = try token(ProviderKey("k1"))
            #expect(try await probe.send("GET", "/v1/cities", [("Authorization", "Bearer \(token)")]).status == 401)
        }
    }

    private static let misuse: [[String]] = [
        ["--oidc-issuer", issuer], ["--oidc-audience", "registry"], ["--oidc-keys", "keys.json"],
        ["--oidc-trust", "ca.pem"], ["--oidc-issuer", "http://id.example", "--oidc-audience", "registry"],
        [
            "--oidc-issuer", issuer, "--oidc-audience", "registry", "--oidc-keys", "keys.json", "--oidc-trust",
            "ca.pem",
        ],
        [
            "--oidc-issuer", issuer, "--oidc-audience", "registry", "--oidc-keys", "keys.json", "--oidc-client-id",
            "console",
        ],
        ["--oidc-issuer", issuer, "--oidc-audience", "registry", "--oidc-client-secret-file", "secret"],
        ["--oidc-client-id", "console"],
    ]

    @Test("options that do not go together are refused", arguments: misuse)
    func misused(options: [String]) async throws {
        let result = try await Program.registry.run(["serve", "--embedded-postgres", federation.database] + options)

        #expect(result.status == 64)
        result.expectSaid("--oidc-")
    }
}
