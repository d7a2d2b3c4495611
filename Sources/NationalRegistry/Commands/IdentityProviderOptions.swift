import ArgumentParser
import Foundation

/// Whose tokens are taken besides the registry's own.
struct IdentityProviderOptions: ParsableArguments {
    @Option(help: "Issuer (URL) of an OpenID Connect provider whose tokens are taken by API and console.")
    var oidcIssuer: String?

    @Option(help: "The audience that its tokens must name.")
    var oidcAudience: String?

    @Option(
        help: ArgumentHelp(
            "File with the provider's JSON Web Key Set; it is read again when it changes (default: the provider is asked "
                + "for it, over HTTPS, every hour and when a token names a new key)."))
    var oidcKeys: String?

    @Option(help: "PEM file of the CA that signs the provider's certificate (default: the system's trust).")
    var oidcTrust: String?

    func validate() throws {
        guard (oidcIssuer == nil) == (oidcAudience == nil) else {
            throw ValidationError("--oidc-issuer and --oidc-audience go together")
        }
        guard let oidcIssuer else {
            if oidcKeys != nil || oidcTrust != nil {
                throw ValidationError("--oidc-keys and --oidc-trust are for a provider: name it by --oidc-issuer")
            }
            return
        }
        if oidcKeys == nil, URL(string: oidcIssuer)?.scheme != "https" {
            throw ValidationError("--oidc-issuer is an https URL, or give its keys by --oidc-keys FILE")
        }
        if oidcKeys != nil, oidcTrust != nil {
            throw ValidationError("--oidc-trust is for asking the provider for its keys: leave --oidc-keys out")
        }
    }

    /// - Returns: `nil` where none is named.
    /// - Throws: ``IdentityProvider/Failure`` when a file cannot be read.
    func provider() throws -> IdentityProvider? {
        guard let oidcIssuer, let oidcAudience else { return nil }
        let keys: IdentityProvider.Keys
        if let oidcKeys {
            keys = .file(try KeySetFile(path: oidcKeys))
        } else {
            let connection = try ProviderConnection(issuer: oidcIssuer, trust: oidcTrust)
            keys = .discovered(DiscoveredProvider(connection: connection))
        }
        return IdentityProvider(issuer: oidcIssuer, audience: oidcAudience, keys: keys)
    }
}
