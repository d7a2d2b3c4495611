import FederationHTTP
import Foundation
import HTTPTypes
import JWTKit
import RegistryStore
import VoucherDomain

/// An OpenID Connect provider whose access or id tokens are taken as callers: JSON Web Tokens (RFC 7519) signed by one of
/// its published keys (RFC 7517).
///
/// Whom a token calls: `vf_role` is `operator`, `auditor` or `city` (with `vf_city_code`), and the label is `sub`, with
/// `name` behind it: names are neither unique nor for ever.
struct IdentityProvider: Sendable {
    /// Something that is not to be had of the provider, or not now.
    struct Failure: Error, CustomStringConvertible {
        let description: String

        var problem: Problem { Problem(.serviceUnavailable, "identity-provider", description, retryAfter: 30) }
    }

    /// Whom a token calls.
    struct Identity: Sendable {
        let caller: RegistryStore.Caller
        /// What the provider calls them for ever.
        let subject: String
        /// When the token ends, milliseconds since 1970.
        let until: UInt64
    }

    /// Where its keys are.
    enum Keys: Sendable {
        case file(KeySetFile)
        /// With the provider itself.
        case discovered(DiscoveredProvider)
    }

    let issuer: String
    let audience: String
    let keys: Keys
    /// `nil` where nobody can sign in with the provider itself.
    let client: ProviderClient?

    /// Whether a token has the form of a web token: three parts, parted by dots.
    static func isWebToken(_ token: String) -> Bool { token.count { $0 == "." } == 2 }

    /// Whom a token calls that a program sends.
    ///
    /// - Throws: ``Problem`` when the token is not valid, or names no role, and while its keys are not known.
    func identity(token: String) async throws -> Identity {
        try identity(try await claims(of: token), [audience])
    }

    /// Whom a token calls that somebody opens the console with: also one that was made for the registry as the provider's
    /// client.
    ///
    /// - Parameter nonce: What it must come back with, where it was asked for just now.
    /// - Throws: As ``identity(token:)``.
    func person(token: String, nonce: String? = nil) async throws -> Identity {
        let claims = try await claims(of: token)
        if let nonce {
            guard claims.nonce == nonce, claims.azp ?? client?.id == client?.id else {
                throw Problem(.unauthorized, "token", "the web token is not the one that was asked for")
            }
            return try identity(claims, [client?.id].compactMap(\.self))
        }
        return try identity(claims, [audience, client?.id].compactMap(\.self))
    }

    private func identity(_ claims: Claims, _ audiences: [String]) throws -> Identity {
        guard claims.iss.value == issuer, claims.aud.values.contains(where: { audiences.contains($0) }) else {
            let names = audiences.joined(separator: " or ")
            throw Problem(.unauthorized, "token", "the web token is not of issuer \(issuer) for \(names)")
        }
        guard let label = claims.label else {
            throw Problem(.unauthorized, "token", "the web token's sub is one line of at most 255 bytes")
        }
        let city = claims.vf_city_code.flatMap(CityCode.init(_:))
        guard let role = claims.vf_role.flatMap(RegistryStore.Role.init(rawValue:)), (role == .city) == (city != nil)
        else {
            throw Problem(
                .forbidden, "role",
                "the web token's vf_role is operator, auditor, or city with vf_city_code; ask the provider's operator")
        }
        let purpose = (claims.vf_purpose ?? "").split { $0.isWhitespace || $0.isControl }.joined(separator: " ")
        let caller = RegistryStore.Caller(role: role, label: label, city: city, purpose: purpose)
        return Identity(caller: caller, subject: claims.sub.value, until: claims.until)
    }

    /// What a token says, once its signature and its time are found good.
    private func claims(of token: String) async throws -> Claims {
        do {
            let keys = try await signingKeys(named: Head(of: token)?.kid)
            var fault: (any Error)?
            // Each in a collection of its own: one keeps a single key of an id, and takes its first for any other.
            for key in keys {
                do {
                    let collection = JWTKeyCollection()
                    try await collection.add(jwk: key)
                    return try await collection.verify(token, as: Claims.self)
                } catch { fault = error }
            }
            throw fault
                ?? Problem(
                    .unauthorized, "token", "the web token names a key that the identity provider does not publish")
        } catch let failure as Failure {
            throw failure.problem
        } catch let problem as Problem {
            throw problem
        } catch { throw Problem(.unauthorized, "token", "the web token is not valid: \(error)") }
    }

    private func signingKeys(named id: String?) async throws -> [JWK] {
        switch keys {
        case .file(let file): try file.read().keys(named: id)
        case .discovered(let provider): try await provider.keys(named: id)
        }
    }

    /// What a token's head says before anything of it is believed.
    private struct Head: Decodable {
        let kid: String?

        /// - Returns: `nil` when it has none that can be read.
        init?(of token: String) {
            guard let bytes = Base64URL.decode(String(token.prefix { $0 != "." })),
                let head = try? JSONDecoder().decode(Head.self, from: Data(bytes))
            else { return nil }
            self = head
        }
    }

    private struct Claims: JWTPayload {
        let iss: IssuerClaim
        let sub: SubjectClaim
        let aud: Audiences
        let exp: ExpirationClaim
        let nbf: NotBeforeClaim?
        /// For which client it was made, where it has several audiences.
        let azp: String?
        let nonce: String?
        let name: String?
        let vf_role: String?
        let vf_city_code: String?
        let vf_purpose: String?

        /// `sub`, with `name` behind it, as the line of a log takes them; `nil` where `sub` is none that one does.
        var label: String? {
            guard (1...255).contains(sub.value.utf8.count), !sub.value.contains(where: \.isControl) else { return nil }
            let name = (name ?? "").split { $0.isWhitespace || $0.isControl }.joined(separator: " ").prefix(100)
            return name.isEmpty ? sub.value : "\(sub.value) (\(name))"
        }

        /// ``exp`` in milliseconds since 1970.
        var until: UInt64 { UInt64(min(max(exp.value.timeIntervalSince1970, 0), 1e12) * 1_000) }

        func verify(using algorithm: some JWTAlgorithm) async throws {
            let now = Date(timeIntervalSince1970: Double(WallClock.now) / 1_000)
            try exp.verifyNotExpired(currentDate: now)
            // The provider's clock may be a little ahead: somebody comes back with a token in the moment that it is made.
            try nbf?.verifyNotBefore(currentDate: now.addingTimeInterval(60))
        }
    }

    /// Whom a token is for: one name or several (RFC 7519 §4.1.3), or none, which JWTKit's own claim would not survive.
    private struct Audiences: Codable, Sendable {
        let values: [String]

        init(from decoder: any Decoder) throws {
            let container = try decoder.singleValueContainer()
            values = try (try? container.decode(String.self)).map { [$0] } ?? container.decode([String].self)
        }

        func encode(to encoder: any Encoder) throws {
            var container = encoder.singleValueContainer()
            try container.encode(values)
        }
    }
}

extension Character {
    fileprivate var isControl: Bool { unicodeScalars.contains { $0.properties.generalCategory == .control } }
}
