package import Foundation
import NIOCore
package import NIOSSL
import Synchronization

/// The private CA's leaf that a server shows, exchanged for a new one long before it ends.
///
/// A server may run for longer than a leaf is valid, and all cities would then be cut off at one moment. So each handshake
/// looks whether the leaf is to be exchanged; a connection that is open keeps the one that it began with.
package final class LeafRenewal: Sendable {
    private let authority: CertificateAuthority
    private let hosts: [String]
    private let clock: @Sendable () -> Date
    private let shown: Mutex<Shown>

    private struct Shown: Sendable {
        let leaf: CertificateAuthority.Leaf
        let chain: [NIOSSLCertificateSource]
        let key: NIOSSLPrivateKeySource

        init(_ leaf: CertificateAuthority.Leaf) throws {
            self.leaf = leaf
            chain = try NIOSSLCertificate.fromPEMBytes(Array(leaf.certificatePEM.utf8)).map { .certificate($0) }
            key = .privateKey(try NIOSSLPrivateKey(bytes: Array(leaf.keyPEM.utf8), format: .pem))
        }
    }

    /// How long before its end a leaf is exchanged, in seconds: ninety days, so that nobody is ever warned of one.
    package static let margin: TimeInterval = 90 * 86_400

    package init(
        _ authority: CertificateAuthority, hosts: [String], clock: @escaping @Sendable () -> Date = { Date() }
    ) throws {
        self.authority = authority
        self.hosts = hosts
        self.clock = clock
        let first = try Shown(authority.makeLeaf(hosts: hosts, now: clock()))
        shown = Mutex(first)
    }

    /// The leaf that is shown from now on.
    package var leaf: CertificateAuthority.Leaf { current.leaf }

    private var current: Shown {
        let now = clock()
        return shown.withLock { shown in
            // Where none can be made the old one is still better than nothing; the next handshake tries again.
            if isToBeExchanged(shown.leaf, now: now),
                let next = try? Shown(authority.makeLeaf(hosts: hosts, now: now, after: shown.leaf.madeAt))
            {
                shown = next
            }
            return shown
        }
    }

    /// Whether a leaf ends soon and another would last longer; or has not begun, because it was made under a clock that was
    /// ahead.
    private func isToBeExchanged(_ leaf: CertificateAuthority.Leaf, now: Date) -> Bool {
        now < leaf.validFrom
            || now >= leaf.validUntil - LeafRenewal.margin && authority.leafEnd(now: now) > leaf.validUntil
    }

    /// Shows the leaf of the moment at each handshake.
    package var configuration: TLSConfiguration {
        let first = current
        var configuration = TLSConfiguration.makeServerConfiguration(
            certificateChain: first.chain, privateKey: first.key)
        configuration.sslContextCallback = { _, promise in
            let current = self.current
            var changes = NIOSSLContextConfigurationOverride()
            changes.certificateChain = current.chain
            changes.privateKey = current.key
            promise.succeed(changes)
        }
        return configuration
    }
}
