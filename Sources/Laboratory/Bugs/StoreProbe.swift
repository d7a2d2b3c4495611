import CityStore
import FederationWire
import Foundation
import GRDB
import GeneratedJournals
import Replication
import VoucherDomain

/// A city's store on a disk: what it was told is there, what was damaged is found, and what was promised stands.
struct StoreProbe {
    private static let now: UInt64 = 1_780_000_000_000
    private static let registry = SigningKey()
    private static let city = SigningKey()
    private static let epoch = Epoch(incarnation: 1, counter: 1, nonce: 1)

    private let directory: String

    init() throws {
        directory = "/tmp/federation-bugs-\(getpid())"
        try? FileManager.default.removeItem(atPath: directory)
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    }

    func finding() throws -> String? {
        defer { try? FileManager.default.removeItem(atPath: directory) }
        let store: CityStore
        do { store = try CityStore(directory: directory) } catch let refusal as StoreRefusal {
            return "the store refuses to open: \(refusal.message)"
        }
        defer { try? store.close() }
        try fill(store)
        return try promises(store) ?? recovery(store) ?? restores(store) ?? forks(store) ?? backups(store)
            ?? damage(store)
    }

    private func fill(_ store: CityStore) throws {
        let identity = NodeIdentity(
            city: .hangzhou, cityName: "杭州", registryURL: "https://registry.invalid",
            registryKey: Self.registry.publicKey, trustAnchor: [], keyEpoch: 1,
            federationSecret: [UInt8](repeating: 1, count: 32), detailKey: [UInt8](repeating: 2, count: 32))
        try store.establish(identity, epoch: Self.epoch, processNonce: [UInt8](repeating: 3, count: 16))
        _ = try store.issueVouchers((1...5).map(Self.voucher), now: Self.now)
    }

    private static func voucher(_ index: Int) -> FormRow {
        FormRow(
            line: nil,
            fields: [
                "voucher_no": "V\(index)", "programme": "算力券", "enterprise_uscc": CreditCode.buyer.rawValue,
                "enterprise_name": "某某科技有限公司", "face_value_yuan": "1000000.00", "valid_from": "2026-01-01",
                "valid_until": "2027-01-01",
            ])
    }

    // MARK: Promises

    private func promises(_ store: CityStore) throws -> String? {
        try acknowledge(store)
        let later = Self.now + 120_000
        guard let report = try store.nextBatch(sessionEpoch: Self.epoch, signer: Self.city, now: later) else {
            return "an idle city does not report"
        }
        _ = try store.issueVouchers([Self.voucher(6)], now: Self.now)
        guard let late = try store.log(after: 5).first, late.time > report.seal.watermark else {
            return "an entry is filed before what a report has promised"
        }
        let nonces = (1...2).map { [UInt8](repeating: $0, count: 16) }
        let hellos = try nonces.map { try store.prepareHello(processNonce: $0) }
        let lost = LogPage(
            entries: [], receipts: [], grantedEpoch: Epoch(incarnation: 1, counter: 2, nonce: 2),
            processNonce: nonces[0])
        let isOwn = try store.hello(after: hellos[1], followingThatOf: lost) != nil
        return isOwn ? nil : "an earlier hello is forgotten"
    }

    /// The registry has received everything.
    private func acknowledge(_ store: CityStore) throws {
        let receipt = Receipt(
            id: [UInt8](repeating: 4, count: 16), city: .hangzhou, through: try store.logHead(), feedHead: .empty,
            receivedAt: Self.now)
        try store.store(receipt, signed: try receipt.signed(by: Self.registry), now: Self.now)
    }

    // MARK: A store that is restored

    private func restores(_ store: CityStore) throws -> String? {
        try store.markRestored()
        if (try? store.issueVouchers([Self.voucher(7)], now: Self.now)) != nil {
            return "a restored store writes before it has got back what it lacks"
        }
        let registryTime = Self.now + 3_600_000
        let grant = Grant(
            city: .hangzhou, epoch: Epoch(incarnation: 1, counter: 2, nonce: 2),
            processNonce: [UInt8](repeating: 2, count: 16), version: 1)
        try store.adopt(grant, software: "bugs", now: Self.now, registryTime: registryTime)
        let started = try store.log(after: 6).first
        let isLater = started.map { $0.time.milliseconds >= registryTime + PushReview.clockTolerance } ?? false
        return isLater ? nil : "a restored store files below what its city may have promised"
    }

    /// The store writes one entry, and the registry receives another one in its place.
    private func forks(_ store: CityStore) throws -> String? {
        try acknowledge(store)
        guard let voucher = VoucherForm(fields: Self.voucher(8).fields).validated().value,
            let id = EntryID(rawValue: [UInt8](repeating: 8, count: 16))
        else { return "a voucher is not valid" }
        let (base, epoch) = (try store.logHead(), Epoch(incarnation: 1, counter: 3, nonce: 3))
        let elsewhere = EntryCoding.make(
            EntryDraft(
                city: .hangzhou, epoch: Epoch(incarnation: 1, counter: 2, nonce: 2), sequence: base.sequence + 1,
                time: HybridTime(milliseconds: Self.now + 7_200_000), kind: .voucherIssued, feedHead: .empty, id: id,
                payload: PayloadCoding.encode(voucher), previousHash: base.hash))
        _ = try store.issueVouchers([Self.voucher(9)], now: Self.now)
        let beside = try store.log(after: base.sequence).map(\.id)
        try store.markRestored()
        let receipt = Receipt(
            id: [UInt8](repeating: 5, count: 16), city: .hangzhou, through: elsewhere.head, feedHead: .empty,
            receivedAt: Self.now)
        try store.takeBack([elsewhere], [(receipt, try receipt.signed(by: Self.registry))])
        let grant = Grant(
            city: .hangzhou, epoch: epoch, processNonce: [UInt8](repeating: 6, count: 16), version: 1)
        try store.adopt(grant, software: "bugs", now: Self.now)
        let late = Set(try store.log(after: elsewhere.sequence).map(\.id))
        return late.isSuperset(of: beside) ? nil : "what was written beside the log is gone, or has other ids"
    }

    // MARK: A registry that is restored

    private func recovery(_ store: CityStore) throws -> String? {
        try acknowledge(store)
        _ = try store.sendAgain(after: .empty, to: 2)
        let again = try store.unsentBatch(sessionEpoch: Self.epoch, signer: Self.city)
        if again?.entries != (try store.log(after: 0)) { return "what the registry has lost is not sent again" }
        for incarnation: UInt32 in [5, 3] {
            let call = RecoveryCall(city: .hangzhou, incarnation: incarnation, recoveryID: [])
            try store.promise(call, signed: try call.signed(by: Self.registry))
        }
        return try store.promisedIncarnation() == 5 ? nil : "a promise gives way to a lower incarnation"
    }

    // MARK: Backups

    private func backups(_ store: CityStore) throws -> String? {
        let path = "\(directory)/backup.sqlite"
        _ = try store.copy(to: path)
        // Bytes 18 and 19 of an SQLite file: 1 for a file that is whole by itself, 2 for one with a write-ahead log.
        let header = try Data(contentsOf: URL(filePath: path)).prefix(20).suffix(2)
        return Array(header) == [1, 1] ? nil : "a backup is in WAL mode: its end may be in another file"
    }

    // MARK: Damage

    private func damage(_ store: CityStore) throws -> String? {
        // Another connection changes one byte, as a disk does.
        let other = try DatabaseQueue(path: "\(directory)/\(CityStore.fileName)")
        try other.write { database in
            try database.execute(
                sql: """
                    UPDATE log_entry SET bytes = CAST(substr(bytes, 1, length(bytes) - 1)
                        || CASE substr(bytes, -1) WHEN x'00' THEN x'01' ELSE x'00' END AS BLOB)
                    WHERE sequence = 3
                    """)
        }
        try other.close()
        if (try? store.log(after: 0)) != nil { return "a damaged entry is read" }
        if (try? store.copy(to: "\(directory)/damaged.sqlite")) != nil { return "a damaged store is backed up" }
        return DatabaseError(resultCode: .SQLITE_CORRUPT).isDiskFailure
            && DatabaseError(resultCode: .SQLITE_IOERR).isDiskFailure ? nil : "an error of the disk is none"
    }
}
