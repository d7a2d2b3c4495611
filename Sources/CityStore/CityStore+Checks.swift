package import Arbitration
import Foundation
import GRDB
import GRDBSQLite
package import Replication
package import VoucherDomain

extension CityStore {
    /// What the national key index says to several questions, all as of one feed head.
    package struct IndexAnswers: Hashable, Sendable {
        /// How far the feed had been applied.
        package let position: FeedHead
        /// The policy in force there; 0 before the first.
        package let policyVersion: UInt32
        /// The conflicts found, for each question in its place.
        package let hits: [[PreCheckHit]]
    }

    /// One holder of a key that a check asked about.
    package struct PreCheckHit: Hashable, Sendable {
        package let kind: KeyKind
        package let city: CityCode
        /// The feed position of the holding claim's decision.
        package let position: Int64
    }

    /// Looks up the keys of several checks, as far as the feed was applied.
    ///
    /// - Returns: The rules' holder conflicts, key by key; other cities' claims are not named, for they are not known here.
    /// - Throws: ``StoreRefusal`` `.notJoined`.
    package func preCheck(_ questions: [PreCheck], hasher: KeyHasher) throws -> IndexAnswers {
        // What needs no store comes first, so that its state is held for no longer than the look-ups take.
        let checks = questions.map { Check($0, hasher) }
        return try pool.check { database in
            let (position, policyVersion) = try CityStore.indexHead(database)
            let holders = try HolderLookup(database)
            return IndexAnswers(
                position: position, policyVersion: policyVersion,
                hits: try checks.map { try $0.hits(holders, hasher) })
        }
    }

    /// Looks up the keys of one check.
    package func preCheck(_ question: PreCheck, hasher: KeyHasher) throws -> [PreCheckHit] {
        try preCheck([question], hasher: hasher).hits.first ?? []
    }

    /// How far the feed was applied, and the policy in force there.
    private static func indexHead(_ database: Database) throws -> (FeedHead, UInt32) {
        let sql = "SELECT feed_incarnation, feed_position, feed_hash, policy_version FROM node"
        guard let row = try Row.fetchOne(database.cachedStatement(sql: sql)) else {
            throw StoreRefusal(.notJoined, "this node has not joined")
        }
        let (position, policyVersion): (Int64, UInt32) = (row[1], row[3])
        guard position > 0 else { return (.empty, policyVersion) }
        guard let hash = Digest(rawValue: Array(row[2] as Data)) else {
            throw StoreRefusal(.damaged, "the node's own row is damaged")
        }
        return (FeedHead(incarnation: row[0], position: UInt64(position), hash: hash), policyVersion)
    }
}

/// A question with the hashes of its keys.
private struct Check {
    let question: PreCheck
    /// In the order of the keys themselves.
    let keys: [(kind: KeyKind, hash: [UInt8])]

    init(_ question: PreCheck, _ hasher: KeyHasher) {
        self.question = question
        keys = question.keys.compactMap { key in key.kind.map { (kind: $0, hash: hasher.hash(key)) } }
    }

    /// The rules' holder conflicts, key by key.
    func hits(_ holders: HolderLookup, _ hasher: KeyHasher) throws -> [CityStore.PreCheckHit] {
        var hits: [CityStore.PreCheckHit] = []
        for key in keys {
            for holder in try holders.holders(of: key.hash) where !isHarmless(holder, key.kind, hasher) {
                guard let city = CityCode(rawValue: holder.city) else { continue }
                hits.append(.init(kind: key.kind, city: city, position: holder.position))
            }
        }
        return hits
    }

    /// Whether the holder is the one who asks, by the rule on this kind of key.
    private func isHarmless(_ holder: HolderLookup.Holder, _ kind: KeyKind, _ hasher: KeyHasher) -> Bool {
        switch kind {
        case .contract: holder.city == question.city?.rawValue
        case .contractParties: holder.tag == hasher.tag(question.holder(of: kind))
        default: false
        }
    }
}

/// Finds the holders of keys in the national index, by one statement that each connection compiles once.
///
/// It is run by SQLite's own calls: GRDB's arguments and rows cost more than a look-up, and most find nothing.
private struct HolderLookup {
    struct Holder {
        let city: UInt32
        let position: Int64
        /// Empty where the rule on the key does not look at it.
        let tag: [UInt8]
    }

    private static let sql = "SELECT city_code, position, tag FROM key_index WHERE hash = ?"
    /// Keeps what it runs.
    private let statement: Statement

    init(_ database: Database) throws { statement = try database.cachedStatement(sql: HolderLookup.sql) }

    /// Every holder of a key, in the order in which they took it.
    func holders(of hash: [UInt8]) throws -> [Holder] {
        let raw = statement.sqliteStatement
        return try hash.withUnsafeBytes { bytes in
            // The bytes are SQLite's to read until then.
            defer {
                sqlite3_reset(raw)
                sqlite3_clear_bindings(raw)
            }
            try check(sqlite3_bind_blob(raw, 1, bytes.baseAddress, CInt(bytes.count), nil), is: SQLITE_OK)
            var holders: [Holder] = []
            var code = sqlite3_step(raw)
            while code == SQLITE_ROW {
                let tag = UnsafeRawBufferPointer(
                    start: sqlite3_column_blob(raw, 2), count: Int(sqlite3_column_bytes(raw, 2)))
                holders.append(
                    Holder(
                        city: UInt32(clamping: sqlite3_column_int64(raw, 0)), position: sqlite3_column_int64(raw, 1),
                        tag: Array(tag)))
                code = sqlite3_step(raw)
            }
            try check(code, is: SQLITE_DONE)
            return holders
        }
    }

    /// - Throws: What GRDB would throw.
    private func check(_ code: CInt, is expected: CInt) throws {
        guard code != expected else { return }
        let message = String(cString: sqlite3_errmsg(sqlite3_db_handle(statement.sqliteStatement)))
        throw DatabaseError(resultCode: ResultCode(rawValue: code), message: message, sql: HolderLookup.sql)
    }
}
