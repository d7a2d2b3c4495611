package import Arbitration
import Foundation
package import Replication
import SwiftProtobuf
package import VoucherDomain

/// The registry's word that a branch of the feed which was given up has released a payment.
package struct FoundPayment: Hashable, Sendable {
    package let city: CityCode
    /// The entry that filed the claim, in the city's log.
    package let filing: LogHead
    package let reference: PaymentReference

    package init(city: CityCode, filing: LogHead, reference: PaymentReference) {
        self.city = city
        self.filing = filing
        self.reference = reference
    }

    var payload: [UInt8] {
        var message = WirePaymentFound()
        message.city = city.rawValue
        message.filing = filing.wire
        message.reference = Data(reference.rawValue)
        return message.bytes
    }

    package init(_ payload: [UInt8]) throws(WireFault) {
        let message = try WirePaymentFound(decoding: payload)
        guard let reference = PaymentReference(rawValue: Array(message.reference)) else {
            throw WireFault("a bank reference has \(PaymentReference.length) bytes")
        }
        self.init(
            city: try CityCode(wire: message.city), filing: try LogHead(message.filing), reference: reference)
    }
}

/// The registry's word that it keeps a tail of the feed which a city brought after a recovery.
package struct KeptTail: Hashable, Sendable {
    package let city: CityCode
    /// The end of the tail.
    package let head: FeedHead
    /// What stands otherwise than the tail had it, and what is in its way, at most ``mostClaims``.
    package let claims: [ClaimName]

    package static let mostClaims = 200

    package init(city: CityCode, head: FeedHead, claims: [ClaimName]) {
        self.city = city
        self.head = head
        self.claims = claims
    }

    var payload: [UInt8] {
        var message = WireTailKept()
        message.city = city.rawValue
        message.head = head.wire
        message.claims = claims.map(\.wire)
        return message.bytes
    }

    /// The claims that a payload names.
    static func claims(_ payload: [UInt8]) throws(WireFault) -> [ClaimName] {
        var names: [ClaimName] = []
        for item in try WireTailKept(decoding: payload).claims { names.append(try ClaimName(item)) }
        return names
    }
}
