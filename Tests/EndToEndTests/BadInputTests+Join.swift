import FederationWire
import Foundation
import NationalRegistry
import Replication
import Testing

extension BadInputTests {
    @Suite("Joining")
    struct JoinTests {
        private let federation = BadInputFederation.current

        /// The directory is no node's and can be used again.
        private func expectNoNode(_ city: TestCity) async throws {
            let status = try await city.run(["status"])
            #expect(status.status == 1)
            #expect(status.errors.contains("run city-node join TOKEN"), "\(status.errors)")
        }

        /// The token can still be used, from the very directory where it went wrong.
        private func expectJoins(_ city: TestCity, _ token: String) async throws {
            let joined = try await city.run(["join", token])
            #expect(joined.status == 0, "\(joined.errors)")
            #expect(joined.output.contains("joined as city \(city.code)"))
        }

        @Test("an expired token is refused before anything is sent or made")
        func expired() async throws {
            let (city, token) = try await federation.enrolledCity(expiresHours: 0)

            let result = try await city.run(["join", token])

            #expect(result.status == 1)
            #expect(result.output == "")
            result.expectSaid("the join token has expired: ask the registry's operator for a new one")
            #expect(try await federation.summary(of: city).status == "enrolled")
            try await expectNoNode(city)
            #expect(!FileManager.default.fileExists(atPath: "\(city.data)/city.sqlite"), "a store was made for no city")
        }

        @Test("a token that was used before is refused, and the node that used it goes on")
        func used() async throws {
            let (city, token) = try await federation.enrolledCity()
            try await expectJoins(city, token)
            let before = try await federation.summary(of: city)
            let second = TestCity(code: city.code, data: federation.freshPath())

            let result = try await second.run(["join", token])

            #expect(result.status == 1)
            result.expectSaid("the join token was used before: ask the operator for a new one")
            try await expectNoNode(second)
            #expect(try await federation.summary(of: city) == before)
            try await city.served { _ in try await expectEventually { try await city.sync().connected } }
        }

        @Test("a token that a newer one has replaced is refused, and the newer one works")
        func replaced() async throws {
            let (city, old) = try await federation.enrolledCity()
            let new = try await federation.registry(["city", "enroll", city.code, "城\(city.code)"])

            let result = try await city.run(["join", old])

            #expect(result.status == 1)
            result.expectSaid("the join token is not known: ask the operator for a new one")
            try await expectJoins(city, new.output.trimmingCharacters(in: .whitespacesAndNewlines))
        }

        @Test("a damaged token is refused, says what to do, and the whole one still works")
        func damaged() async throws {
            let (city, token) = try await federation.enrolledCity()
            let middle = token.index(token.startIndex, offsetBy: 60)
            let letter = token[middle] == "A" ? "B" : "A"
            let changed = token.replacingCharacters(in: middle...middle, with: letter)

            for text in [String(token.dropLast(7)), String(token.prefix(20)), changed, "vf1.", "hello", " "] {
                let result = try await city.run(["join", text])
                #expect(result.status == 1, "\(text)")
                result.expectSaid("join token")
                #expect(
                    result.errors.contains("copy") || result.errors.contains("ask"),
                    "it must say what to do: \(result.errors)")
                #expect(!FileManager.default.fileExists(atPath: city.data))
            }
            try await expectJoins(city, token)
        }

        @Test("no token, or two, is wrong usage", arguments: [[], ["vf1.AAAA", "--token-file", "/nowhere"]])
        func wrongUsage(arguments: [String]) async throws {
            let city = TestCity(code: "999999", data: federation.freshPath())

            #expect(try await city.run(["join"] + arguments).status == 64)
        }

        @Test("a token file that is not there is named")
        func missingTokenFile() async throws {
            let city = TestCity(code: "999999", data: federation.freshPath())

            let result = try await city.run(["join", "--token-file", "/nowhere/token"])

            #expect(result.status == 1)
            result.expectSaid("cannot read /nowhere/token")
        }

        @Test("a registry with another certificate than the token's is not told the secret")
        func wrongCertificate() async throws {
            let (city, text) = try await federation.enrolledCity()
            let state = federation.freshPath("authority")
            try FileManager.default.createDirectory(atPath: state, withIntermediateDirectories: true)
            let anchor = try CertificateAuthority(directory: state, now: Date()).trustAnchor
            let token = try JoinToken(text: text).with(trustAnchor: anchor)

            let result = try await city.run(["join", token.text])

            #expect(result.status == 1)
            #expect(result.errors.lowercased().contains("certificate"), "\(result.errors)")
            #expect(
                !result.errors.contains("NIOSSL") && !result.errors.contains("BoringSSL"),
                "no sentence: \(result.errors)")
            #expect(try await federation.summary(of: city).status == "enrolled")
            try await expectNoNode(city)
            try await expectJoins(city, text)
        }

        @Test("a registry with another signing key than the token's is not believed")
        func wrongSigningKey() async throws {
            let (city, text) = try await federation.enrolledCity()
            let token = try JoinToken(text: text).with(registryKeyDigest: SigningKey().publicKey.fingerprint)

            let result = try await city.run(["join", token.text])

            #expect(result.status == 1)
            result.expectSaid("is not the registry that made this token")
            try await expectNoNode(city)
            try await expectJoins(city, text)
        }

        @Test("a registry that is not reached is named, and the token is good for another try")
        func unreachable() async throws {
            let (city, text) = try await federation.enrolledCity()
            let token = try JoinToken(text: text).with(url: "https://127.0.0.1:1")

            let result = try await city.run(["join", token.text])

            #expect(result.status == 1)
            result.expectSaid("https://127.0.0.1:1 is not reached (Connection refused)")
            result.expectSaid("check the network")
            try await expectNoNode(city)
            try await expectJoins(city, text)
        }

        @Test("a directory that is a city's node already does not become another's, and the token stays good")
        func alreadyJoined() async throws {
            let city = try await federation.city()
            let before = try await city.sync()
            let (other, token) = try await federation.enrolledCity()

            let result = try await city.run(["join", token])

            #expect(result.status == 1)
            result.expectSaid("is the node of city \(city.code)")
            result.expectSaid("already")
            #expect(try await city.sync() == before)
            try await expectJoins(other, token)
        }

        @Test("a directory that is being served does not join, and serves on")
        func servedDirectory() async throws {
            let city = try await federation.city()
            let (_, token) = try await federation.enrolledCity()
            try await city.served { _ in
                let result = try await city.run(["join", token])

                #expect(result.status == 1)
                result.expectSaid("another city-node runs on \(city.data): stop it first")
                try await city.settle()
            }
        }

        @Test("a city that has joined is not enrolled again, and is told of rotate-key")
        func enrolledTwice() async throws {
            let city = try await federation.city(withVoucher: false)

            let result = try await federation.registry(["city", "enroll", city.code, "城\(city.code)"])

            #expect(result.status == 1)
            #expect(result.output == "")
            result.expectSaid("has joined; rotate-key makes a new token")
        }

        @Test("a code that is no city's is wrong usage", arguments: ["1", "1234567", "ABCDEF", "000000"])
        func wrongCode(code: String) async throws {
            let result = try await federation.registry(["city", "enroll", code, "城"])

            #expect(result.status == 64)
            #expect(result.output == "")
            result.expectSaid("six digits")
        }
    }
}

extension JoinToken {
    /// The same token with some of it replaced.
    fileprivate func with(
        url: String? = nil, registryKeyDigest: Digest? = nil, trustAnchor: [UInt8]? = nil
    ) -> JoinToken {
        JoinToken(
            url: url ?? self.url, city: city, cityName: cityName, secret: secret, expiresAt: expiresAt,
            registryKeyDigest: registryKeyDigest ?? self.registryKeyDigest, trustAnchor: trustAnchor ?? self.trustAnchor
        )
    }
}
