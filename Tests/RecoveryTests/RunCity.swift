import CityStore
import FederationWire
import RegistryStore
import Replication
import Simulation
import VoucherDomain

/// A city's node: the production store, and what its service keeps beside it.
final class RunCity {
    let code: CityCode
    let name: String
    let key: SigningKey
    /// In memory, as the simulator's: the statements are the same, and no disk is waited for.
    let store: CityStore
    /// An earlier copy of the store; `nil` before the first was made.
    var backup: CityStore?

    var isOffline = false
    /// Whether it has been greeted and may push and read.
    var isLive = false
    /// Why replication has stopped, if it has.
    var alarm: String?
    private(set) var processNonce: [UInt8]
    /// The highest incarnation of which a grant was adopted.
    private var incarnation: UInt32 = 0
    /// Whether an operator has accepted that it is absent.
    var wasAbsent = false
    /// Whether an open registry does not know it, and whether that was ever so.
    var isForgotten = false { didSet { wasForgotten = wasForgotten || isForgotten } }
    private(set) var wasForgotten = false
    /// Whether its store was put back to an earlier day.
    var wasPutBack = false

    init(_ number: UInt32, nonce: [UInt8]) throws {
        guard let code = CityCode(rawValue: 100_000 + 1_000 * number) else {
            preconditionFailure("city \(number) has no code")
        }
        self.code = code
        name = "城市\(number)"
        key = RunSecrets.key(code.rawValue)
        store = try CityStore(inMemory: CityStore.randomEntryID)
        processNonce = nonce
    }

    /// Becomes the city's node under its first grant.
    func establish(_ epoch: Epoch) throws {
        let identity = NodeIdentity(
            city: code, cityName: name, registryURL: "https://registry.invalid",
            registryKey: RunSecrets.registry.signingKey.publicKey, trustAnchor: [],
            keyEpoch: RunSecrets.registry.keyEpoch, federationSecret: RunSecrets.registry.federationSecret,
            detailKey: detailKey)
        try store.establish(identity, epoch: epoch, processNonce: processNonce)
    }

    /// Goes on as the city's node under a token of a registry that had not heard of it.
    func establishAgain(_ epoch: Epoch) throws {
        guard let identity = try store.identity() else { return }
        try store.rekey(identity, epoch: epoch, processNonce: processNonce)
        isForgotten = false
    }

    var detailKey: [UInt8] { DetailCipher.cityKey(master: RunSecrets.registry.detailMaster, city: code) }
    var registryKey: PublicKey { RunSecrets.registry.signingKey.publicKey }

    /// A new process on the same store.
    func restart(nonce: [UInt8]) {
        processNonce = nonce
        isLive = false
        alarm = nil
    }

    /// Whether officers can write: not in a node that has stopped.
    func isWritable() throws -> Bool { try alarm == nil && store.alarm() == nil }

    /// Notes an adopted grant.
    ///
    /// - Returns: Whether it is of no earlier incarnation than the one before.
    func rises(to epoch: Epoch) -> Bool {
        defer { incarnation = max(incarnation, epoch.incarnation) }
        return epoch.incarnation >= incarnation
    }
}
