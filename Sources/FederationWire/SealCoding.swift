import Foundation
package import Replication
import SeededBugs
import SwiftProtobuf
package import VoucherDomain

// The signed statements of both sides: each is encoded once, signed, and kept as bytes.

extension Seal {
    package func signed(by key: SigningKey) throws -> SignedBytes {
        var body = WireSealBody()
        body.city = city.rawValue
        body.head = head.wire
        body.watermark = watermark.rawValue
        body.feedHead = feedHead.wire
        return try key.sign(.seal, body.bytes)
    }

    /// Reads a seal's body; the signature is checked by ``PushReview``.
    package init(_ signed: SignedBytes) throws(WireFault) {
        let body = try WireSealBody(decoding: signed.body)
        self.init(
            city: try CityCode(wire: body.city), head: try LogHead(body.head),
            watermark: HybridTime(rawValue: body.watermark), feedHead: try FeedHead(body.feedHead))
    }
}

extension Receipt {
    package func signed(by key: SigningKey) throws -> SignedBytes {
        var body = WireReceiptBody()
        body.id = Data(id)
        body.city = city.rawValue
        body.through = through.wire
        body.feedHead = feedHead.wire
        body.receivedAtMs = receivedAt
        return try key.sign(.receipt, body.bytes)
    }

    /// Reads a receipt that `key` signed.
    package init(_ signed: SignedBytes, by key: PublicKey) throws(WireFault) {
        guard signed.isValid(.receipt, by: key) || SeededBug.receiptUnsigned.isActive else {
            throw WireFault("the receipt's signature is not the registry's")
        }
        try self.init(kept: signed.body)
    }

    /// Reads the body of a receipt whose signature was verified before it was kept.
    package init(kept bytes: [UInt8]) throws(WireFault) {
        let body = try WireReceiptBody(decoding: bytes)
        self.init(
            id: Array(body.id), city: try CityCode(wire: body.city), through: try LogHead(body.through),
            feedHead: try FeedHead(body.feedHead), receivedAt: body.receivedAtMs)
    }
}

/// The registry's grant of an epoch to one process of a city.
package struct Grant: Hashable, Sendable {
    package let city: CityCode
    package let epoch: Epoch
    package let processNonce: [UInt8]
    /// The protocol version of the session.
    package let version: UInt32

    package init(city: CityCode, epoch: Epoch, processNonce: [UInt8], version: UInt32) {
        self.city = city
        self.epoch = epoch
        self.processNonce = processNonce
        self.version = version
    }

    package func signed(by key: SigningKey) throws -> SignedBytes {
        var body = WireGrantBody()
        body.city = city.rawValue
        body.epoch = epoch.wire
        body.processNonce = Data(processNonce)
        body.version = version
        return try key.sign(.grant, body.bytes)
    }

    /// Reads a grant that `key` signed.
    package init(_ signed: SignedBytes, by key: PublicKey) throws(WireFault) {
        guard signed.isValid(.grant, by: key) else { throw WireFault("the grant's signature is not the registry's") }
        let body = try WireGrantBody(decoding: signed.body)
        self.init(
            city: try CityCode(wire: body.city), epoch: Epoch(body.epoch), processNonce: Array(body.processNonce),
            version: body.version)
    }
}

/// The registry's signature over a feed head.
package struct FeedSeal: Hashable, Sendable {
    package let head: FeedHead
    /// The registry's clock, milliseconds since 1970.
    package let sealedAt: UInt64

    package init(head: FeedHead, sealedAt: UInt64) {
        self.head = head
        self.sealedAt = sealedAt
    }

    package func signed(by key: SigningKey) throws -> SignedBytes {
        var body = WireFeedSealBody()
        body.head = head.wire
        body.sealedAtMs = sealedAt
        return try key.sign(.feedSeal, body.bytes)
    }

    /// Reads a feed seal that `key` signed.
    package init(_ signed: SignedBytes, by key: PublicKey) throws(WireFault) {
        guard signed.isValid(.feedSeal, by: key) else {
            throw WireFault("the feed seal's signature is not the registry's")
        }
        let body = try WireFeedSealBody(decoding: signed.body)
        self.init(head: try FeedHead(body.head), sealedAt: body.sealedAtMs)
    }
}
