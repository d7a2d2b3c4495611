import Foundation
import GRDB
package import Replication

/// Where the permanent ids of new entries come from: a function of the writing connection, so that a simulation can put
/// a seeded one in its place.
extension CityStore {
    /// Makes ids. Called inside the transaction that appends the entry.
    package typealias EntryIDSource = @Sendable () -> EntryID

    /// 16 bytes of the system's randomness.
    package static let randomEntryID: EntryIDSource = {
        var generator = SystemRandomNumberGenerator()
        return EntryID(using: &generator)
    }

    /// The function by which ``newEntryID(_:)`` asks.
    static func entryIDFunction(_ source: @escaping EntryIDSource) -> DatabaseFunction {
        DatabaseFunction("new_entry_id", argumentCount: 0, pure: false) { _ in Data(source().rawValue) }
    }

    static func newEntryID(_ database: Database) throws -> EntryID {
        let bytes = try Data.fetchOne(database.cachedStatement(sql: "SELECT new_entry_id()"))
        guard let id = bytes.flatMap({ EntryID(rawValue: Array($0)) }) else {
            throw StoreRefusal(.damaged, "this connection makes no ids for new entries")
        }
        return id
    }
}
