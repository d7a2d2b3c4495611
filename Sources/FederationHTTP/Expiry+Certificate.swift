package import NIOSSL
package import VoucherDomain

extension Expiry {
    /// When a certificate ends.
    package init(_ certificate: NIOSSLCertificate) {
        self.init(rawValue: UInt64(clamping: certificate.notValidAfter) * 1_000)
    }

    /// When a CA that is trusted ends.
    ///
    /// - Parameter trustAnchor: DER; `nil` comes of one that is empty, which stands for the system's trust, or damaged.
    package init?(trustAnchor: [UInt8]) {
        guard !trustAnchor.isEmpty, let certificate = try? NIOSSLCertificate(bytes: trustAnchor, format: .der) else {
            return nil
        }
        self.init(certificate)
    }
}
