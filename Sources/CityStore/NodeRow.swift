import FederationWire
import Foundation
import GRDB
package import Replication
package import VoucherDomain

/// Who this node is and whom it trusts, as learnt when it joined.
package struct NodeIdentity: Hashable, Sendable {
    package let city: CityCode
    package let cityName: String
    package let registryURL: String
    package let registryKey: PublicKey
    /// The registry's private CA, DER; empty when the system's trust is used.
    package let trustAnchor: [UInt8]
    package let keyEpoch: UInt32
    package let federationSecret: [UInt8]
    package let detailKey: [UInt8]

    package init(
        city: CityCode, cityName: String, registryURL: String, registryKey: PublicKey, trustAnchor: [UInt8],
        keyEpoch: UInt32, federationSecret: [UInt8], detailKey: [UInt8]
    ) {
        self.city = city
        self.cityName = cityName
        self.registryURL = registryURL
        self.registryKey = registryKey
        self.trustAnchor = trustAnchor
        self.keyEpoch = keyEpoch
        self.federationSecret = federationSecret
        self.detailKey = detailKey
    }
}

/// Where the node's two logs stand.
struct NodeCursors {
    let city: CityCode
    let epoch: Epoch
    /// The nonce of the process that was granted the epoch.
    let grantedNonce: [UInt8]
    /// The nonces that were sent since, oldest first.
    let sentNonces: [[UInt8]]
    let logHead: LogHead
    let logTime: HybridTime
    let receivedThrough: UInt64
    let feedHead: FeedHead
    /// Whether the store was restored from a backup and may lack what the city wrote since.
    let isRestored: Bool
    /// The incarnation of the registry below which the city accepts nothing.
    let promise: UInt32
    /// The last kind of entry in the feed that the build did not know which applied it.
    let unreadKind: EntryKind?
    /// When the city's key is to have been replaced; `nil` until the registry has said so.
    let keyUntil: Expiry?
    /// The feed position that the registry was told of last, when, and from which one on a payment waits to be told.
    private let reported: (position: Int64, at: Int64, wanted: Int64)

    /// How long an idle city is silent at most, in milliseconds: so the registry knows that nothing was filed.
    private static let longestSilence: Int64 = 60_000

    /// Whether the city is to be heard though it has filed nothing.
    func isToReport(now: UInt64) -> Bool {
        logHead.sequence > 0
            && (reported.wanted > reported.position
                || !(0..<NodeCursors.longestSilence).contains(Int64(clamping: now) - reported.at))
    }

    /// The columns are looked up by their place here: by name GRDB compares each name of the row, in lower case, for each
    /// look-up, and nearly every call of the store reads this row.
    private static let query = """
        SELECT city_code, epoch, hello_nonces, log_epoch, log_sequence, log_hash, log_time, received_through,
            feed_incarnation, feed_position, feed_hash, restored, promised_incarnation, unread_kind, key_until_ms,
            reported_position, reported_at_ms, report_wanted
        FROM node
        """

    static func read(_ database: Database) throws -> NodeCursors {
        guard let row = try Row.fetchOne(database.cachedStatement(sql: query)) else {
            throw StoreRefusal(.notJoined, "this node has not joined: run city-node join TOKEN")
        }
        guard let city = CityCode(rawValue: row[0]), let epoch = Epoch(bytes: row.bytes(1)),
            let logHash = Digest(rawValue: row.bytes(5)), let feedHash = Digest(rawValue: row.bytes(10))
        else { throw StoreRefusal(.damaged, "the node's own row is damaged") }
        let position: Int64 = row[9]
        let nonces = row.bytes(2).pieces(of: 16)
        return NodeCursors(
            city: city, epoch: epoch, grantedNonce: nonces.first ?? [], sentNonces: Array(nonces.dropFirst()),
            logHead: LogHead(
                epoch: Epoch(bytes: row.bytes(3)), sequence: UInt64(row[4] as Int64), hash: logHash),
            logTime: HybridTime(rawValue: UInt64(bitPattern: row[6])), receivedThrough: UInt64(row[7] as Int64),
            feedHead: position == 0
                ? .empty : FeedHead(incarnation: row[8], position: UInt64(position), hash: feedHash),
            isRestored: row[11], promise: row[12],
            unreadKind: (row[13] as UInt32?).map(EntryKind.init(rawValue:)),
            keyUntil: (row[14] as Int64?).map { Expiry(rawValue: UInt64(clamping: $0)) },
            reported: (row[15], row[16], row[17]))
    }
}

extension Row {
    /// A blob; NULL reads as empty.
    func bytes(_ column: String) -> [UInt8] { (self[column] as Data?).map { Array($0) } ?? [] }

    /// The same, by the column's place.
    func bytes(_ column: Int) -> [UInt8] { (self[column] as Data?).map { Array($0) } ?? [] }
}

extension [UInt8] {
    /// The bytes in pieces of one length, the last perhaps shorter.
    fileprivate func pieces(of length: Int) -> [[UInt8]] {
        stride(from: 0, to: count, by: length).map { Array(self[$0..<Swift.min($0 + length, count)]) }
    }
}

extension Database {
    /// Runs one statement, compiled at its first use on this connection.
    func run(sql: String, arguments: StatementArguments = []) throws {
        try cachedStatement(sql: sql).execute(arguments: arguments)
    }
}
