import ArgumentParser
import Foundation

/// Whose tokens are taken besides the registry's own.
struct IdentityProviderOptions: ParsableArguments {
    @Option(help: "Issuer (URL) of an OpenID Connect provider whose tokens are taken by API and console.")
    var oidcIssuer: String?

    @Option(
        help: "The audience that its tokens must name; one for the console may name --oidc-client-id in its place.")
    var oidcAudience: String?

    @Option(
        help: ArgumentHelp(
            "File with the provider's JSON Web Key Set; it is read again when it changes (default: the provider is asked "
                + "for it, over HTTPS, every hour and when a token names a new key)."))
    var oidcKeys: String?

    @Option(help: "PEM file of the CA that signs the provider's certificate (default: the system's trust).")
    var oidcTrust: String?

    @Option(
        help: ArgumentHelp(
            "The registry's client id with the provider: the console then has a link to sign in there, which comes back to "
                + "\(ProviderDoor.returnPath) under the advertised URL."))
    var oidcClientId: String?

    @Option(help: "File with that client's secret, for a client that has one.")
    var oidcClientSecretFile: String?

    func validate() throws {
        guard (oidcIssuer == nil) == (oidcAudience == nil) else {
            throw ValidationError("--oidc-issuer and --oidc-audience go together")
        }
        guard let oidcIssuer else {
            if [oidcKeys, oidcTrust, oidcClientId, oidcClientSecretFile].contains(where: { $0 != nil }) {
                throw ValidationError("the options --oidc-… are for a provider: name it by --oidc-issuer")
            }
            return
        }
        if oidcKeys == nil, URL(string: oidcIssuer)?.scheme != "https" {
            throw ValidationError("--oidc-issuer is an https URL, or give its keys by --oidc-keys FILE")
        }
        if oidcKeys != nil, oidcTrust != nil || oidcClientId != nil {
            throw ValidationError(
                "--oidc-trust and --oidc-client-id are for a provider that can be asked: leave --oidc-keys out")
        }
        if oidcClientSecretFile != nil, oidcClientId == nil {
            throw ValidationError("--oidc-client-secret-file goes with --oidc-client-id")
        }
    }

    /// - Returns: `nil` where none is named.
    /// - Throws: ``IdentityProvider/Failure`` when a file cannot be read.
    func makeProvider() throws -> IdentityProvider? {
        guard let oidcIssuer, let oidcAudience else { return nil }
        let keys: IdentityProvider.Keys
        if let oidcKeys {
            keys = .file(try KeySetFile(path: oidcKeys))
        } else {
            let connection = try ProviderConnection(issuer: oidcIssuer, trust: oidcTrust)
            keys = .discovered(DiscoveredProvider(connection: connection))
        }
        return IdentityProvider(
            issuer: oidcIssuer, audience: oidcAudience, keys: keys,
            client: try oidcClientId.map { ProviderClient(id: $0, secret: try secret()) })
    }

    private func secret() throws -> String? {
        guard let path = oidcClientSecretFile else { return nil }
        let content = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
        let text = content.trimmingCharacters(in: .whitespacesAndNewlines)
        guard !text.isEmpty else {
            throw IdentityProvider.Failure(description: "there is no client secret in \(path)")
        }
        return text
    }
}
