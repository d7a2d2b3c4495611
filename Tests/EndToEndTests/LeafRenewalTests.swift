import Foundation
import NIOCore
import NIOEmbedded
import NIOSSL
import NationalRegistry
import Synchronization
import TestSupport
import Testing

/// What a server shows on TLS that runs for longer than a certificate is valid.
@Suite("The private CA's leaves")
struct LeafRenewalTests {
    private static let day: TimeInterval = 86_400
    private static let start = Date(timeIntervalSince1970: 1_780_000_000)

    /// A clock that is set by hand.
    private final class Clock: Sendable {
        private let time: Mutex<Date>

        init(_ time: Date) { self.time = Mutex(time) }

        var now: Date { time.withLock { $0 } }

        func set(_ time: Date) { self.time.withLock { $0 = time } }
    }

    private let directory: TemporaryDirectory
    private let authority: CertificateAuthority
    private let clock = Clock(LeafRenewalTests.start)
    private let renewal: LeafRenewal

    init() throws {
        directory = try TemporaryDirectory()
        authority = try CertificateAuthority(directory: directory.path, now: Self.start)
        let clock = clock
        renewal = try LeafRenewal(authority, hosts: ["localhost"]) { clock.now }
    }

    @Test("one leaf is shown until ninety days before its end, and then another one")
    func renewed() {
        let first = renewal.leaf
        #expect(first.validUntil == Self.start + 397 * Self.day)
        clock.set(first.validUntil - 90 * Self.day - 1)
        #expect(renewal.leaf.certificatePEM == first.certificatePEM)

        clock.set(first.validUntil - 90 * Self.day)

        let second = renewal.leaf
        #expect(second.certificatePEM != first.certificatePEM)
        #expect(second.validUntil == clock.now + 397 * Self.day)
        #expect(renewal.leaf.certificatePEM == second.certificatePEM)
    }

    @Test("in ten years nobody meets a leaf that has not begun, or has sixty days or less left")
    func tenYears() {
        for step in 0..<(10 * 365 / 7) {
            clock.set(Self.start + Double(step) * 7 * Self.day)

            let leaf = renewal.leaf

            #expect(leaf.validFrom <= clock.now)
            #expect(leaf.validUntil.timeIntervalSince(clock.now) > 60 * Self.day, "after \(step) weeks")
        }
    }

    @Test("no leaf outlives the CA; one that ends with it is kept")
    func endOfAuthority() throws {
        let end = Self.start + 20 * 365 * Self.day
        clock.set(end - 50 * Self.day)

        let last = renewal.leaf

        #expect(last.validUntil == end)
        clock.set(end - Self.day)
        #expect(renewal.leaf.certificatePEM == last.certificatePEM)
    }

    @Test("a clock that is set ahead while the server runs makes no leaf that is too young under a right one")
    func clockAhead() {
        clock.set(Self.start + 5 * 365 * Self.day)

        let ahead = renewal.leaf

        #expect(ahead.validFrom <= Self.start)
        #expect(ahead.validUntil > clock.now)
    }

    @Test("the leaf of a server that was started under a clock which was ahead is exchanged once the clock is right")
    func startedAhead() throws {
        clock.set(Self.start + 5 * 365 * Self.day)
        let clock = clock
        let ahead = try LeafRenewal(authority, hosts: ["localhost"]) { clock.now }
        #expect(ahead.leaf.validFrom > Self.start)

        clock.set(Self.start)

        #expect(ahead.leaf.validFrom <= Self.start)
    }

    @Test("each handshake shows the leaf of its moment, though the server's settings were made once")
    func handshakes() throws {
        let server = try NIOSSLContext(configuration: renewal.configuration)
        let first = renewal.leaf
        #expect(try shown(by: server) == NIOSSLCertificate(bytes: Array(first.certificatePEM.utf8), format: .pem))

        clock.set(first.validUntil)

        let second = renewal.leaf
        #expect(second.certificatePEM != first.certificatePEM)
        #expect(try shown(by: server) == NIOSSLCertificate(bytes: Array(second.certificatePEM.utf8), format: .pem))
    }

    /// Shakes hands with a server, in memory.
    private func shown(by context: NIOSSLContext) throws -> NIOSSLCertificate {
        var configuration = TLSConfiguration.makeClientConfiguration()
        // The leaves are of times that are not now.
        configuration.certificateVerification = .none
        let handler = try NIOSSLClientHandler(
            context: try NIOSSLContext(configuration: configuration), serverHostname: nil)
        let loop = EmbeddedEventLoop()
        let (client, server) = (EmbeddedChannel(loop: loop), EmbeddedChannel(loop: loop))
        try client.pipeline.syncOperations.addHandler(handler)
        try server.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: context))
        _ = client.connect(to: try SocketAddress(unixDomainSocketPath: "/nowhere"))
        server.pipeline.fireChannelActive()
        var isMoving = true
        while isMoving {
            loop.run()
            let sent = try client.readOutbound(as: IOData.self)
            let answered = try server.readOutbound(as: IOData.self)
            try client.throwIfErrorCaught()
            try server.throwIfErrorCaught()
            if let sent { try server.writeInbound(sent) }
            if let answered { try client.writeInbound(answered) }
            isMoving = sent != nil || answered != nil
        }
        return try #require(handler.peerCertificate)
    }
}
