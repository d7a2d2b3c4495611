import FederationHTTP
import Foundation
import HTTPTypes
import JWTKit
import RegistryStore
import Synchronization
import VoucherDomain

/// An OpenID Connect provider whose access or id tokens are taken as callers: JSON Web Tokens (RFC 7519) signed by one of
/// its published keys (RFC 7517).
///
/// The key set is a file, which an operator fetches by whatever way the network allows; it is read again when it
/// changes. Whom a token calls: `vf_role` is `operator`, `auditor` or `city` (with `vf_city_code`), and the label is
/// `sub`, with `name` behind it: names are neither unique nor for ever.
struct IdentityProvider: Sendable {
    struct Failure: Error, CustomStringConvertible { let description: String }

    let issuer: String
    let audience: String
    private let keys: KeySetFile

    init(issuer: String, audience: String, keySet path: String) throws {
        self.issuer = issuer
        self.audience = audience
        keys = KeySetFile(path: path)
        _ = try keys.read()
    }

    /// Whether a token has the form of a web token: three parts, parted by dots.
    static func isWebToken(_ token: String) -> Bool { token.count { $0 == "." } == 2 }

    /// - Throws: ``Problem`` when the token is not valid, or names no role.
    func caller(token: String) async throws -> RegistryStore.Caller {
        let claims: Claims
        do {
            let collection = JWTKeyCollection()
            try await collection.add(jwks: try keys.read())
            claims = try await collection.verify(token, as: Claims.self)
        } catch let failure as Failure {
            throw Problem(.serviceUnavailable, "identity-provider", failure.description, retryAfter: 30)
        } catch { throw Problem(.unauthorized, "token", "the web token is not valid: \(error)") }
        guard claims.iss.value == issuer, claims.aud.value.contains(audience) else {
            throw Problem(.unauthorized, "token", "the web token is not of issuer \(issuer) for \(audience)")
        }
        let city = claims.vf_city_code.flatMap(CityCode.init(_:))
        guard let role = claims.vf_role.flatMap(RegistryStore.Role.init(rawValue:)), (role == .city) == (city != nil)
        else {
            throw Problem(
                .forbidden, "role",
                "the web token's vf_role is operator, auditor, or city with vf_city_code; ask the provider's operator")
        }
        return RegistryStore.Caller(
            role: role, label: claims.sub.value + (claims.name.map { " (\($0))" } ?? ""), city: city,
            purpose: claims.vf_purpose ?? "")
    }

    private struct Claims: JWTPayload {
        let iss: IssuerClaim
        let sub: SubjectClaim
        let aud: AudienceClaim
        let exp: ExpirationClaim
        let nbf: NotBeforeClaim?
        let name: String?
        let vf_role: String?
        let vf_city_code: String?
        let vf_purpose: String?

        func verify(using algorithm: some JWTAlgorithm) async throws {
            let now = Date(timeIntervalSince1970: Double(WallClock.now) / 1_000)
            try exp.verifyNotExpired(currentDate: now)
            try nbf?.verifyNotBefore(currentDate: now)
        }
    }
}

/// A JSON Web Key Set in a file, read again when the file has changed.
private final class KeySetFile: Sendable {
    private let path: String
    private struct Known {
        let modified: Date
        let keys: JWKS
    }
    private let known = Mutex<Known?>(nil)

    init(path: String) { self.path = path }

    /// The keys of the file; the last good ones while it is being written. A file that is gone, or a set without keys, calls
    /// nobody.
    func read() throws -> JWKS {
        let modified = (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date
        return try known.withLock { known in
            if let known, let modified, known.modified == modified { return known.keys }
            guard let modified, let data = FileManager.default.contents(atPath: path) else {
                throw IdentityProvider.Failure(description: "cannot read the identity provider's keys in \(path)")
            }
            guard let keys = KeySetFile.keys(data) else {
                if let known { return known.keys }
                throw IdentityProvider.Failure(description: "\(path) is no JSON Web Key Set")
            }
            known = Known(modified: modified, keys: keys)
            return keys
        }
    }

    /// Those keys of a set that are for signatures and of a kind that is known here.
    private static func keys(_ data: Data) -> JWKS? {
        guard let set = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
            let items = set["keys"] as? [[String: Any]]
        else { return nil }
        let signing = items.filter { ($0["use"] as? String ?? "sig") == "sig" && $0["kid"] is String }
        return JWKS(
            keys: signing.compactMap { item in
                (try? JSONSerialization.data(withJSONObject: item)).flatMap {
                    try? JSONDecoder().decode(JWK.self, from: $0)
                }
            })
    }
}
