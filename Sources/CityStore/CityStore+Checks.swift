package import Arbitration
import Foundation
import GRDB
package import Replication
import VoucherDomain

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

    /// Looks up the keys of several checks, as far as the feed was applied.
    package func preCheck(_ questions: [PreCheck], hasher: KeyHasher) throws -> IndexAnswers {
        try pool.read { database in
            let version = try UInt32.fetchOne(database.cachedStatement(sql: "SELECT policy_version FROM node"))
            return IndexAnswers(
                position: try NodeCursors.read(database).feedHead, policyVersion: version ?? 0,
                hits: try questions.map { try CityStore.hits($0, hasher, database) })
        }
    }

    /// The rules' holder conflicts of one question, key by key.
    static func hits(_ question: PreCheck, _ hasher: KeyHasher, _ database: Database) throws -> [PreCheckHit] {
        let statement = try database.cachedStatement(
            sql: "SELECT city_code, tag, position FROM key_index WHERE hash = ?")
        return try question.keys.flatMap { key -> [PreCheckHit] in
            guard let kind = key.kind else { return [] }
            return try Row.fetchAll(statement, arguments: [Data(hasher.hash(key))]).compactMap { row in
                isHarmless(row, kind, question, hasher) ? nil : hit(row, kind)
            }
        }
    }

    /// Whether the holder is the one who asks, by the rule on this kind of key.
    private static func isHarmless(_ row: Row, _ kind: KeyKind, _ question: PreCheck, _ hasher: KeyHasher) -> Bool {
        let city: UInt32 = row["city_code"]
        switch kind {
        case .contract: return city == question.city?.rawValue
        case .contractParties: return row.bytes("tag") == hasher.tag(question.holder(of: kind))
        default: return false
        }
    }

    private static func hit(_ row: Row, _ kind: KeyKind) -> PreCheckHit? {
        CityCode(rawValue: row["city_code"]).map { PreCheckHit(kind: kind, city: $0, position: row["position"]) }
    }
}
