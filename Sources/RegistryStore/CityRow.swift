import PostgresClient
import Replication
import VoucherDomain

/// A row of `city`, as the store's methods use it.
struct CityRow {
    let code: CityCode
    let name: String
    let status: String
    let publicKey: PublicKey?
    let grantedEpoch: Epoch?
    let processNonce: [UInt8]
    let head: LogHead
    let time: HybridTime
    let watermark: HybridTime

    private static let columns = """
        city_code, name, status, public_key, granted_epoch, process_nonce, log_epoch, log_sequence, log_hash,
        log_time, watermark
        """

    /// Reads the row and holds its lock until the transaction ends: a city's log is written by one at a time.
    ///
    /// - Throws: ``RegistryRefusal`` when the city is not enrolled.
    static func lock(_ city: CityCode, _ session: PostgresSession) throws -> CityRow {
        guard let row = try ask(city, isLocking: true, session).get() else {
            throw RegistryRefusal(.unknownCity, "city \(city) is not enrolled")
        }
        return row
    }

    static func read(_ city: CityCode, _ session: PostgresSession) throws -> CityRow? {
        try ask(city, session).get()
    }

    /// Queues reading the row, with its lock or without.
    static func ask(
        _ city: CityCode, isLocking: Bool = false, _ session: PostgresSession
    ) throws -> PendingAnswer<CityRow?> {
        try session.ask(
            "SELECT \(columns) FROM city WHERE city_code = $1\(isLocking ? " FOR NO KEY UPDATE" : "")",
            [.int4(Int32(city.rawValue))], CityRow.init)
    }

    private init?(_ result: borrowing PostgresResult) throws {
        guard result.count == 1 else { return nil }
        guard let code = CityCode(rawValue: UInt32(result.int(0, 0))), let hash = Digest(rawValue: result.bytes(0, 8))
        else { throw PostgresError(code: .unexpectedResult, message: "a damaged row in city") }
        self.code = code
        self.name = result.text(0, 1)
        self.status = result.text(0, 2)
        self.publicKey = PublicKey(bytes: result.bytes(0, 3))
        self.grantedEpoch = Epoch(bytes: result.bytes(0, 4))
        self.processNonce = result.bytes(0, 5)
        self.head = LogHead(epoch: Epoch(bytes: result.bytes(0, 6)), sequence: UInt64(result.int(0, 7)), hash: hash)
        self.time = HybridTime(rawValue: UInt64(bitPattern: result.int(0, 9)))
        self.watermark = HybridTime(rawValue: UInt64(bitPattern: result.int(0, 10)))
    }

    /// What the protocol's reviews need; `nil` until the city has joined.
    var standing: CityStanding? {
        guard let publicKey, let grantedEpoch else { return nil }
        return CityStanding(
            city: code, isSuspended: status == "suspended", publicKey: publicKey, grantedEpoch: grantedEpoch,
            head: head, time: time, watermark: watermark)
    }
}

/// The one row of `registry`.
struct RegistryRow: Sendable {
    /// What a registry does whose database was restored.
    enum RecoveryPhase: String {
        /// Cities give back what they hold; nothing is decided, and nothing written to a log but that.
        case collecting
        /// The tables that follow from the journal are made anew, because a part of it was given up.
        case rewinding
        /// What they gave back is decided again; what others want to write still waits.
        case replaying
    }

    let incarnations: Incarnations
    let feedHead: FeedHead
    let recovery: RecoveryPhase?
    /// That of the recovery under way, or else of the last one; empty before the first.
    let recoveryID: [UInt8]
    /// The last position of the feed that does not say when its entry was received: earlier software composed it.
    let untimedThrough: UInt64

    var incarnation: UInt32 { incarnations.current }

    /// Whether entries are decided: on tables that stand where the feed ends, and in an order that stands.
    var isDeciding: Bool { recovery == nil || recovery == .replaying }

    static func read(_ session: PostgresSession) throws -> RegistryRow { try ask(session).get() }

    /// Holds the row until the transaction ends: only one transaction hands out positions.
    static func lock(_ session: PostgresSession) throws -> RegistryRow { try ask(isLocking: true, session).get() }

    /// Queues reading the row, with its lock or without.
    static func ask(isLocking: Bool = false, _ session: PostgresSession) throws -> PendingAnswer<RegistryRow> {
        try session.ask(
            """
            SELECT feed_position, feed_hash, recovery_phase,
                ARRAY(SELECT number::bigint FROM incarnation ORDER BY number),
                ARRAY(SELECT first_position FROM incarnation ORDER BY number), recovery_id, untimed_through
            FROM registry\(isLocking ? " FOR UPDATE" : "")
            """, [], RegistryRow.init)
    }

    private init(_ result: borrowing PostgresResult) throws {
        guard result.count == 1, let hash = Digest(rawValue: result.bytes(0, 1)) else {
            throw RegistryRefusal(.notInitialised, "the database has no registry: run national-registry migrate")
        }
        incarnations = Incarnations(
            numbers: result.int8Array(0, 3).map { UInt32($0) }, from: result.int8Array(0, 4).map { UInt64($0) })
        feedHead = incarnations.head(position: UInt64(result.int(0, 0)), hash: hash)
        recoveryID = result.isNull(0, 5) ? [] : result.bytes(0, 5)
        untimedThrough = UInt64(result.int(0, 6))
        recovery = result.isNull(0, 2) ? nil : RecoveryPhase(rawValue: result.text(0, 2))
    }

    /// - Throws: ``RegistryRefusal`` `.recovering` until everything that cities hold is back and decided.
    func requireOpen() throws {
        guard recovery == nil else {
            throw RegistryRefusal(
                .recovering,
                "the registry's database was restored, and what cities hold of the time since is coming back: try again "
                    + "later; national-registry status says what is waited for")
        }
    }
}
