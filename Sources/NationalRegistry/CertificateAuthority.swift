import Crypto
package import Foundation
import SwiftASN1
import X509

/// The registry's private CA: a root made at first start, and leaves for servers, which exchange them as they run
/// (``LeafRenewal``).
///
/// Cities trust the root by its bytes in the join token. A leaf's key never touches the disk.
package struct CertificateAuthority: Sendable {
    private let root: Certificate
    private let key: P256.Signing.PrivateKey

    /// What a server presents.
    package struct Leaf: Sendable {
        package let certificatePEM: String
        package let keyPEM: String
        /// By the clock of then.
        package let madeAt: Date
        package let validFrom: Date
        package let validUntil: Date
    }

    /// Opens the CA in the state directory, making it at the first start.
    package init(directory: String, now: Date) throws {
        let pem = try PrivateFile.loadOrCreate("\(directory)/ca.pem") {
            Array(try CertificateAuthority.makeRoot(now: now).utf8)
        }
        let document = String(decoding: pem, as: UTF8.self)
        let parts = try PEMDocument.parseMultiple(pemString: document)
        guard parts.count == 2 else {
            throw CocoaError(.fileReadCorruptFile, userInfo: [NSFilePathErrorKey: "\(directory)/ca.pem"])
        }
        root = try Certificate(pemDocument: parts[0])
        key = try P256.Signing.PrivateKey(pemRepresentation: parts[1].pemString)
    }

    /// The root certificate, DER: the trust anchor of the join tokens.
    package var trustAnchor: [UInt8] {
        get throws {
            var serializer = DER.Serializer()
            try serializer.serialize(root)
            return serializer.serializedBytes
        }
    }

    /// How long a leaf is valid, in seconds: 397 days.
    private static let leafLife: TimeInterval = 397 * 86_400

    /// Until when a leaf is valid that is made now: for 397 days, and no longer than the root.
    package func leafEnd(now: Date) -> Date { min(now + CertificateAuthority.leafLife, root.notValidAfter) }

    /// A leaf for the hosts.
    ///
    /// - Parameter predecessor: When the leaf was made that it follows. It is valid from then on: the clock may have been set
    ///   ahead since, and cities whose clocks are right must not find it too young.
    package func makeLeaf(hosts: [String], now: Date, after predecessor: Date? = nil) throws -> Leaf {
        let leafKey = P256.Signing.PrivateKey()
        // A client's clock may be behind.
        let (validFrom, validUntil) = (min(now, predecessor ?? now) - 86_400, leafEnd(now: now))
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(leafKey.publicKey),
            notValidBefore: validFrom, notValidAfter: validUntil,
            issuer: root.subject, subject: try DistinguishedName { CommonName("national-registry") },
            signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.notCertificateAuthority)
                Critical(KeyUsage(digitalSignature: true))
                try ExtendedKeyUsage([.serverAuth])
                SubjectAlternativeNames(CertificateAuthority.names(hosts))
            }, issuerPrivateKey: .init(key))
        return Leaf(
            certificatePEM: try certificate.serializeAsPEM().pemString, keyPEM: leafKey.pemRepresentation,
            madeAt: now, validFrom: validFrom, validUntil: validUntil)
    }

    private static func makeRoot(now: Date) throws -> String {
        let key = P256.Signing.PrivateKey()
        let name = try DistinguishedName { CommonName("Voucher Federation private CA") }
        let certificate = try Certificate(
            version: .v3, serialNumber: .init(), publicKey: .init(key.publicKey),
            notValidBefore: now.addingTimeInterval(-86_400), notValidAfter: now.addingTimeInterval(20 * 365 * 86_400),
            issuer: name, subject: name, signatureAlgorithm: .ecdsaWithSHA256,
            extensions: try Certificate.Extensions {
                Critical(BasicConstraints.isCertificateAuthority(maxPathLength: 0))
                Critical(KeyUsage(keyCertSign: true, cRLSign: true))
            }, issuerPrivateKey: .init(key))
        return try certificate.serializeAsPEM().pemString + "\n" + key.pemRepresentation
    }

    private static func names(_ hosts: [String]) -> [GeneralName] {
        hosts.map { host in
            if let address = ipAddress(host) { return .ipAddress(ASN1OctetString(contentBytes: address[...])) }
            return .dnsName(host)
        }
    }

    /// The 4 or 16 bytes of a numeric address.
    private static func ipAddress(_ host: String) -> [UInt8]? {
        var four = in_addr()
        if inet_pton(AF_INET, host, &four) == 1 { return withUnsafeBytes(of: four, Array.init) }
        var six = in6_addr()
        if inet_pton(AF_INET6, host, &six) == 1 { return withUnsafeBytes(of: six, Array.init) }
        return nil
    }
}
