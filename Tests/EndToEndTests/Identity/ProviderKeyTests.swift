import Foundation
import Testing

/// A registry that asks its identity provider for the keys of tokens.
@Suite("Keys of an identity provider", .badInputFederation)
struct ProviderKeyTests {
    private let federation = BadInputFederation.current

    /// Lends a registry server that takes the provider's tokens.
    private func served(
        by provider: FakeProvider, trusts: Bool = true, _ body: (HTTPProbe) async throws -> Void
    ) async throws {
        var options = [
            "--embedded-postgres", federation.database, "--advertise", try federation.registryURL, "--oidc-issuer",
            provider.issuer, "--oidc-audience", "registry",
        ]
        if trusts { options += ["--oidc-trust", provider.authority] }
        try await Daemon.with(.registry, options) { daemon in
            try await HTTPProbe.with(daemon.url, authority: federation.authority, body)
        }
    }

    /// What the API answers to a token of a key.
    private func ask(_ probe: HTTPProbe, _ key: ProviderKey, of provider: FakeProvider) async throws -> HTTPProbe.Answer
    {
        let token = try key.token(ProviderKey.claims(of: provider.issuer))
        return try await probe.send("GET", "/v1/cities", [("Authorization", "Bearer \(token)")])
    }

    @Test("a new key is known with the first token that names it, and one that there is not is asked for once a minute")
    func rotation() async throws {
        let (first, second) = (ProviderKey("k1"), ProviderKey("k2"))
        try await FakeProvider.with([first], in: federation.freshPath("provider")) { provider in
            try await served(by: provider) { probe in
                // The server is up before it has heard the provider.
                try await expectEventually { try await ask(probe, first, of: provider).status == 200 }
                let asked = provider.asked
                provider.publish([second])

                // Where the machine is too slow for the request's time-out, the server asks once more by itself.
                try await expectEventually { try await ask(probe, second, of: provider).status == 200 }
                let known = provider.asked
                #expect(known > asked)
                for key in [first, ProviderKey("k3"), ProviderKey("k3")] {
                    let refused = try await ask(probe, key, of: provider)
                    #expect(refused.status == 401, "\(key.id)")
                }
                let again = try await ask(probe, second, of: provider)
                #expect(again.status == 200)
                #expect(provider.asked == known)
            }
        }
    }

    @Test("before its first answer the provider's tokens are to come again, and all else works; what it said is kept")
    func away() async throws {
        let own = try await federation.token("operator", label: "own")
        let key = ProviderKey("k1")
        try await FakeProvider.with([key], in: federation.freshPath("provider"), .isDown) { provider in
            try await served(by: provider) { probe in
                let early = try await ask(probe, key, of: provider)
                early.expectProblem(503, "identity-provider", "before its first answer")
                #expect(early.headers["retry-after"] != nil)
                #expect(try await probe.send("GET", "/v1/cities", [("Authorization", "Bearer \(own)")]).status == 200)
                #expect(try await probe.send("GET", "/readyz").status == 200)

                provider.set(.none)
                try await expectEventually { try await ask(probe, key, of: provider).status == 200 }

                provider.set(.isDown)
                let asked = provider.asked
                #expect(try await ask(probe, ProviderKey("k2"), of: provider).status == 401)
                // Once for that key, and by the server itself after a pause, which may be over on a slow machine.
                #expect(provider.asked > asked)
                #expect(try await ask(probe, key, of: provider).status == 200)
            }
        }
    }

    @Test(
        "keys are not taken from a provider of another name, without TLS, or at any length",
        arguments: [FakeProvider.Fault.hasOtherName, .hasPlainKeys, .hasLongKeys, .hasNoKeys])
    func faults(fault: FakeProvider.Fault) async throws {
        let key = ProviderKey("k1")
        try await FakeProvider.with([key], in: federation.freshPath("provider"), fault) { provider in
            try await served(by: provider) { probe in
                // It waits for the first look to end.
                try await ask(probe, key, of: provider).expectProblem(503, "identity-provider", "\(fault)")
                #expect(provider.asked > 0)
            }
        }
    }

    @Test("a provider whose certificate is not trusted is told nothing and asked nothing")
    func untrusted() async throws {
        let key = ProviderKey("k1")
        try await FakeProvider.with([key], in: federation.freshPath("provider")) { provider in
            try await served(by: provider, trusts: false) { probe in
                try await ask(probe, key, of: provider).expectProblem(503, "identity-provider", "untrusted")
                #expect(provider.asked == 0)
            }
        }
    }
}
