import Replication
import VoucherDomain

/// A signed request on its way, as bytes.
struct Envelope {
    enum Path: String { case hello, push, feed, log }

    let errand: UInt64
    let node: NodeID
    let process: Int
    /// Who signed it; the registry verifies by that city's key.
    let signer: CityCode
    let key: PublicKey
    /// Seconds since 1970 by the sender's clock.
    let created: Int64
    let nonce: UInt64
    let path: Path
    let body: [UInt8]
    /// Whether nobody waits for an answer: the network's copy, or a replay.
    var isCopy = false
    /// Whether the connection is cut before the answer is back.
    var isCutAfter = false
}

/// What comes back.
enum Reply {
    case answer([UInt8])
    case refused(SimulatedRefusal)
    /// The connection was refused or cut.
    case cut
}

/// Lets in what an enrolled city signed, once, within the window; forgets at a restart, as the production gate does.
struct SimulatedGate {
    private var nonces: Set<UInt64> = []

    /// Seconds.
    private static let window: Int64 = 300

    mutating func admit(
        _ envelope: Envelope, registered key: PublicKey?, isSuspended: Bool, now: UInt64
    ) throws {
        let seconds = Int64(now / 1_000)
        guard abs(envelope.created - seconds) <= SimulatedGate.window else {
            throw SimulatedRefusal("clock", "clock wrong: \(envelope.created - seconds) s from the registry's clock")
        }
        guard let key else { throw SimulatedRefusal("unknown-city", "city \(envelope.signer) has not joined") }
        guard !isSuspended else { throw SimulatedRefusal("suspended", "city \(envelope.signer) is suspended") }
        guard key == envelope.key else { throw SimulatedRefusal("signature", "the signature does not fit the key") }
        guard nonces.insert(envelope.nonce).inserted else {
            throw SimulatedRefusal("replay", "the request was received before")
        }
    }
}
