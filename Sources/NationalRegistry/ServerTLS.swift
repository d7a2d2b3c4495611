import FederationHTTP
import Foundation
import Logging
import NIOSSL
import VoucherDomain

/// What a server shows to those who connect, and what cities trust for it.
struct ServerTLS {
    let configuration: TLSConfiguration
    /// The CA that join tokens name, DER; empty for the system's trust.
    let trustAnchor: [UInt8]
    let dates: TLSDates

    /// A leaf of the private CA.
    init(_ authority: CertificateAuthority, hosts: [String]) throws {
        let renewal = try LeafRenewal(authority, hosts: hosts)
        trustAnchor = try authority.trustAnchor
        configuration = ServerTLS.secured(renewal.configuration)
        dates = TLSDates(
            certificate: { Expiry(rawValue: UInt64(max(0, renewal.leaf.validUntil.timeIntervalSince1970) * 1_000)) },
            isRenewed: true, authority: Expiry(trustAnchor: trustAnchor))
    }

    /// The operators' own files, which are read now and not again.
    init(_ files: RegistryServer.TLSFiles) throws {
        let chain = try NIOSSLCertificate.fromPEMFile(files.certificate)
        let key = try NIOSSLPrivateKey(file: files.key, format: .pem)
        let authority = try files.trustAnchor.flatMap { try NIOSSLCertificate.fromPEMFile($0).first }
        trustAnchor = try authority?.toDERBytes() ?? []
        configuration = ServerTLS.secured(
            .makeServerConfiguration(
                certificateChain: chain.map { .certificate($0) }, privateKey: .privateKey(key)))
        // A file without a certificate was refused. Of what stands behind the first one some may be old for good reason: it
        // is there for clients that do not know a newer one.
        let expiry = Expiry(chain[0])
        dates = TLSDates(certificate: { expiry }, isRenewed: false, authority: authority.map { Expiry($0) })
    }

    private static func secured(_ configuration: TLSConfiguration) -> TLSConfiguration {
        var configuration = configuration
        configuration.minimumTLSVersion = .tlsv12
        return configuration
    }
}

/// Until when what a server shows on TLS is valid.
struct TLSDates: Sendable {
    /// Of the certificate that is shown now.
    let certificate: @Sendable () -> Expiry
    /// Whether the server exchanges the certificate by itself.
    let isRenewed: Bool
    /// Of the CA that cities trust; `nil` where they take their system's trust.
    let authority: Expiry?

    /// Says at a server's start what ends soon or has ended.
    func warn(_ logger: Logger, now: UInt64) {
        let all: [(name: String, expiry: Expiry?)] = [("certificate", certificate()), ("trust anchor", authority)]
        for (name, expiry) in all {
            guard let expiry, expiry.stage(now: now) != .current else { continue }
            logger.warning("ends soon, or has ended", metadata: ["what": "\(name)", "on": "\(expiry.day.iso8601)"])
        }
    }
}
