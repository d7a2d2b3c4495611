package import Arbitration
import Foundation
package import Replication
import SwiftProtobuf
package import VoucherDomain

/// An act of the registry's operators, or of the registry itself, as an entry of log `000000`.
package enum RegistryAct: Hashable, Sendable {
    case enrolled(CityCode, name: String)
    case joined(CityCode, PublicKey)
    case suspended(CityCode, reason: String)
    case reinstated(CityCode, reason: String)
    /// The nonce is that of the process which asked for the epoch; empty where an old entry does not say it.
    case epochGranted(CityCode, Epoch, processNonce: [UInt8])
    /// The document's exact bytes; they must decode to a policy with that version.
    case policyPublished(version: UInt32, document: [UInt8])
    case companiesListed([Register.Company])
    case providersListed([Register.Provider])
    case ruled(Ruling)
    case reopened(caseID: String, reason: String, by: String)
    case ticked(TickAct)
    case reviewed(ClaimName)
    /// The registry goes on under a new incarnation, without what these cities alone may hold.
    case recovered(incarnation: UInt32, id: EntryID, reason: String, absent: [CityCode])
    case read(EntryReading)
    case found(FoundPayment)
    case keptTail(KeptTail)

    package var kind: EntryKind {
        switch self {
        case .enrolled: .cityEnrolled
        case .joined: .cityJoined
        case .suspended: .citySuspended
        case .reinstated: .cityReinstated
        case .epochGranted: .epochGranted
        case .policyPublished: .policyPublished
        case .companiesListed: .companiesListed
        case .providersListed: .providersListed
        case .ruled: .caseRuled
        case .reopened: .caseReopened
        case .ticked: .ticked
        case .reviewed: .claimReviewed
        case .recovered: .registryRecovered
        case .read: .entryRead
        case .found: .paymentFound
        case .keptTail: .tailKept
        }
    }

    package var payload: [UInt8] {
        switch self {
        case .enrolled(let city, let name):
            var message = WireCityEnrolled()
            message.city = city.rawValue
            message.name = name
            return message.bytes
        case .joined(let city, let key):
            var message = WireCityJoined()
            message.city = city.rawValue
            message.publicKey = Data(key.bytes)
            return message.bytes
        case .suspended(let city, let reason):
            var message = WireCitySuspended()
            message.city = city.rawValue
            message.reason = reason
            return message.bytes
        case .reinstated(let city, let reason):
            var message = WireCityReinstated()
            message.city = city.rawValue
            message.reason = reason
            return message.bytes
        case .epochGranted(let city, let epoch, let processNonce):
            var message = WireEpochGranted()
            message.city = city.rawValue
            message.epoch = epoch.wire
            message.processNonce = Data(processNonce)
            return message.bytes
        case .policyPublished(let version, let document):
            var message = WirePolicyPublished()
            message.version = version
            message.document = Data(document)
            return message.bytes
        case .companiesListed(let companies): return PayloadCoding.encode(companies)
        case .providersListed(let providers): return PayloadCoding.encode(providers)
        case .ruled(let ruling): return PayloadCoding.encode(ruling)
        case .reopened(let id, let reason, let by):
            var message = WireCaseReopened()
            message.caseID = id
            message.reason = reason
            message.by = by
            return message.bytes
        case .ticked(let tick): return tick.payload
        case .reviewed(let claim):
            var message = WireClaimReviewed()
            message.claim = claim.wire
            return message.bytes
        case .read(let reading): return reading.payload
        case .found(let payment): return payment.payload
        case .keptTail(let tail): return tail.payload
        case .recovered(let incarnation, let id, let reason, let absent):
            var message = WireRegistryRecovered()
            message.incarnation = incarnation
            message.id = Data(id.rawValue)
            message.reason = reason
            message.absent = absent.map(\.rawValue)
            return message.bytes
        }
    }

    /// An act that changes who takes part, and how, read back from its entry; `nil` for every other entry.
    package init?(membershipIn entry: Entry) throws(WireFault) {
        switch entry.kind {
        case .cityEnrolled:
            let message = try WireCityEnrolled(decoding: entry.payload)
            self = .enrolled(try CityCode(wire: message.city), name: message.name)
        case .cityJoined:
            guard let (city, key) = PayloadCoding.joined(entry.payload) else {
                throw WireFault("an entry that lets a city join cannot be read")
            }
            self = .joined(city, key)
        case .citySuspended:
            let message = try WireCitySuspended(decoding: entry.payload)
            self = .suspended(try CityCode(wire: message.city), reason: message.reason)
        case .cityReinstated:
            let message = try WireCityReinstated(decoding: entry.payload)
            self = .reinstated(try CityCode(wire: message.city), reason: message.reason)
        case .epochGranted:
            let message = try WireEpochGranted(decoding: entry.payload)
            self = .epochGranted(
                try CityCode(wire: message.city), Epoch(message.epoch), processNonce: Array(message.processNonce))
        default: return nil
        }
    }
}

extension PayloadCoding {
    /// The city and key in a `city_joined` payload, or `nil` when it cannot be read.
    package static func joined(_ payload: [UInt8]) -> (CityCode, PublicKey)? {
        guard let message = try? WireCityJoined(decoding: payload), let city = CityCode(rawValue: message.city),
            let key = PublicKey(bytes: Array(message.publicKey))
        else { return nil }
        return (city, key)
    }

    /// The exact bytes of the policy file in a `policy_published` payload.
    package static func policyDocument(_ payload: [UInt8]) throws(WireFault) -> [UInt8] {
        Array(try WirePolicyPublished(decoding: payload).document)
    }

    /// The policy in a `policy_published` payload.
    package static func policy(_ payload: [UInt8]) throws(WireFault) -> Policy {
        let message = try WirePolicyPublished(decoding: payload)
        let policy = try PolicyCoding.decode(Array(message.document))
        guard policy.version == message.version else {
            throw WireFault("the policy's version differs from its entry's")
        }
        return policy
    }
}

/// Policy files, JSON.
package enum PolicyCoding {
    /// Reads a policy file and checks it.
    ///
    /// - Throws: ``WireFault`` naming the field, or every fault of a policy that cannot be used.
    package static func decode(_ document: [UInt8]) throws(WireFault) -> Policy {
        let policy: Policy
        do {
            policy = try JSONDecoder().decode(Policy.self, from: Data(document))
        } catch let error as DecodingError {
            throw WireFault("the policy cannot be read: \(PolicyCoding.explanation(error))")
        } catch {
            throw WireFault("the policy is no JSON")
        }
        guard policy.faults.isEmpty else { throw WireFault(policy.faults.joined(separator: "; ")) }
        return policy
    }

    private static func explanation(_ error: DecodingError) -> String {
        func place(_ context: DecodingError.Context) -> String {
            let path = context.codingPath.map { $0.intValue.map { "[\($0)]" } ?? ".\($0.stringValue)" }.joined()
            return path.isEmpty ? "at the top" : "at \(path.drop { $0 == "." })"
        }
        switch error {
        case .keyNotFound(let key, let context): return "\(key.stringValue) is missing \(place(context))"
        case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
            let cause = context.underlyingError.map { ": \($0)" } ?? ""
            return "\(place(context)): \(context.debugDescription)\(cause)"
        @unknown default: return "unknown fault"
        }
    }
}
