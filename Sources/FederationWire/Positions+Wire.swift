import Foundation
import Replication
import SwiftProtobuf
import VoucherDomain

// Positions and signed bytes to and from their messages. A message that breaks a bound throws ``WireFault``.

extension Epoch {
    var wire: WireEpoch {
        var message = WireEpoch()
        message.incarnation = incarnation
        message.counter = counter
        message.nonce = nonce
        return message
    }

    init(_ message: WireEpoch) {
        self.init(incarnation: message.incarnation, counter: message.counter, nonce: message.nonce)
    }
}

extension LogHead {
    var wire: WireLogHead {
        var message = WireLogHead()
        if let epoch { message.epoch = epoch.wire }
        message.sequence = sequence
        message.hash = Data(hash.rawValue)
        return message
    }

    init(_ message: WireLogHead) throws(WireFault) {
        self.init(
            epoch: message.hasEpoch ? Epoch(message.epoch) : nil, sequence: message.sequence,
            hash: try Digest(wire: message.hash))
    }
}

extension FeedHead {
    var wire: WireFeedHead {
        var message = WireFeedHead()
        message.incarnation = incarnation
        message.position = position
        message.hash = Data(hash.rawValue)
        return message
    }

    init(_ message: WireFeedHead) throws(WireFault) {
        self.init(
            incarnation: message.incarnation, position: message.position, hash: try Digest(wire: message.hash))
    }
}

extension Digest {
    init(wire data: Data) throws(WireFault) {
        guard let digest = Digest(rawValue: Array(data)) else {
            throw WireFault("a hash has 32 bytes, not \(data.count)")
        }
        self = digest
    }
}

extension SignedBytes {
    var wire: WireSigned {
        var message = WireSigned()
        message.body = Data(body)
        message.signature = Data(signature)
        return message
    }

    init(_ message: WireSigned) {
        self.init(body: Array(message.body), signature: Array(message.signature))
    }
}

extension CityCode {
    init(wire value: UInt32) throws(WireFault) {
        guard let city = CityCode(rawValue: value) else { throw WireFault("\(value) is no city code") }
        self = city
    }
}

extension EntryID {
    init(wire data: Data) throws(WireFault) {
        guard let id = EntryID(rawValue: Array(data)) else {
            throw WireFault("an entry id has 16 bytes, not \(data.count)")
        }
        self = id
    }
}

extension Message {
    /// The encoded bytes. Encoding fails only for messages of over 2 GiB, which no bound here allows.
    var bytes: [UInt8] {
        guard let bytes: [UInt8] = try? serializedBytes() else { preconditionFailure("a message over 2 GiB") }
        return bytes
    }

    /// Decodes protobuf bytes.
    init(decoding bytes: [UInt8]) throws(WireFault) {
        do {
            try self.init(serializedBytes: bytes)
        } catch {
            throw WireFault("these bytes are no \(Self.protoMessageName.split(separator: ".").last ?? "message")")
        }
    }
}
