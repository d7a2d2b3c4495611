import FederationWire
import Foundation
import GRDB
import Replication
import TestSupport
import VoucherDomain

@testable import CityStore

/// The store of Shenzhen, joined, in a directory of its own.
final class TestNode {
    let directory: TemporaryDirectory
    private(set) var store: CityStore

    init() throws {
        directory = try TemporaryDirectory()
        store = try CityStore(directory: directory.path)
        try store.establish(TestNode.identity, epoch: .first, processNonce: .init(repeating: 7, count: 16))
    }

    deinit { try? store.close() }

    static let identity = NodeIdentity(
        city: .shenzhen, cityName: "深圳", registryURL: "https://registry.example:8443",
        registryKey: SigningKey.registry.publicKey, trustAnchor: [1, 2, 3], keyEpoch: 2,
        federationSecret: TestRegistry.secret, detailKey: TestRegistry.detailKey(of: .shenzhen))

    /// Ends the process, so to speak, and starts it again on the same file, perhaps as another build.
    func reopen(as dialect: Dialect = .current) throws {
        try store.close()
        store = try CityStore(directory: directory.path, dialect: dialect)
    }

    /// Takes over a grant.
    func start(
        _ epoch: Epoch, nonce: [UInt8] = .init(repeating: 3, count: 16), keyUntil: Expiry? = nil
    ) throws {
        let grant = Grant(city: .shenzhen, epoch: epoch, processNonce: nonce, version: 1)
        try store.adopt(grant, software: "test", now: .noon, keyUntil: keyUntil)
    }

    // MARK: Filing

    @discardableResult
    func issueVoucher(now: UInt64 = .noon) throws -> [FilingResult] { try issue([Form.voucher()], now: now) }

    @discardableResult
    func issue(_ rows: [FormRow], now: UInt64 = .noon) throws -> [FilingResult] {
        try store.issueVouchers(rows, now: now)
    }

    @discardableResult
    func file(_ rows: FormRow..., now: UInt64 = .noon) throws -> [FilingResult] {
        try store.fileClaims(rows, now: now)
    }

    // MARK: Replication

    /// Pushes everything and keeps the receipts.
    @discardableResult
    func push(to registry: TestRegistry) throws -> [Entry] {
        var pushed: [Entry] = []
        while let batch = try store.unsentBatch(sessionEpoch: .first, signer: .city) {
            let (receipt, signed) = try registry.receipt(through: batch.seal.head)
            try store.store(receipt, signed: signed, now: .noon)
            pushed += batch.entries
        }
        return pushed
    }

    /// Applies what follows the cursor.
    func pull(from registry: TestRegistry) throws {
        let page = registry.page(after: try store.feedHead())
        try store.apply(page, sealed: registry.head, detailKey: TestNode.identity.detailKey, now: .noon)
    }

    /// Pushes, lets the registry decide, and applies its decisions.
    func sync(with registry: TestRegistry) throws {
        for entry in try push(to: registry) { try registry.decide(entry) }
        try pull(from: registry)
    }

    // MARK: Looking inside

    func rows(_ sql: String, _ arguments: StatementArguments = []) throws -> [Row] {
        try store.pool.read { try Row.fetchAll($0, sql: sql, arguments: arguments) }
    }

    func execute(_ sql: String, _ arguments: StatementArguments = []) throws {
        try store.pool.write { try $0.execute(sql: sql, arguments: arguments) }
    }

    func state(_ number: String) throws -> String? { try store.claim(number)?.state }

    func log() throws -> [Entry] {
        try rows("SELECT bytes FROM log_entry ORDER BY sequence").map { try EntryCoding.decode($0.bytes("bytes")) }
    }

    /// Every row of every table, to see that nothing changed.
    func everything() throws -> [[Row]] {
        let tables = [
            "node", "log_entry", "receipt", "earlier_receipt", "feed_entry", "key_index", "voucher", "claim",
            "idempotency_key",
        ]
        return try tables.map { try rows("SELECT * FROM \($0) ORDER BY 1, 2") }
    }
}
