import FederationWire
import Foundation
import GRDB
package import Replication
import SeededBugs
import VoucherDomain

/// A city's SQLite store: its own log, the national feed, and what officers see of both.
///
/// Each method is one transaction. A domain write and its log entry are one; a feed page and the cursor are one.
/// When a method that writes returns, the change is fsynced (WAL, `synchronous=FULL`). One connection writes
/// and checkpoints; others only read.
package struct CityStore: Sendable {
    let pool: Connections
    /// What this process speaks and reads.
    let dialect: Dialect

    /// The file inside a node's directory.
    package static let fileName = "city.sqlite"

    /// Opens the store in `directory`, making or migrating it if need be.
    ///
    /// The caller holds the directory's lock: two processes must never write one store. What the last process left in the
    /// write-ahead log is written and synced once more before anything is read from it.
    ///
    /// - Parameters:
    ///   - dialect: What this process speaks and reads.
    ///   - entryIDs: Makes the ids of new entries; random but for tests that write the same twice.
    ///   - checkpointPages: After how many pages of write-ahead log a commit moves it into the file; less than SQLite's own
    ///     figure only where every checkpoint is looked at.
    /// - Throws: ``StoreRefusal`` when the file is of a newer build, the pragmas do not hold, or another program keeps the
    ///   write-ahead log in use; GRDB's errors when the file is damaged or the disk refuses, also when it does not take the
    ///   write-ahead log once more.
    package init(
        directory: String, dialect: Dialect = .current,
        entryIDs: @escaping EntryIDSource = CityStore.randomEntryID, checkpointPages: Int = 1_000
    ) throws {
        self.dialect = dialect
        var configuration = Configuration()
        configuration.foreignKeysEnabled = true
        configuration.busyMode = .timeout(5)
        configuration.prepareDatabase { database in
            // KiB. The writer changes thousands of pages at a time; five readers would keep them five times.
            try database.execute(sql: "PRAGMA cache_size = -\(database.configuration.readonly ? 2_048 : 8_192)")
            database.add(function: CityStore.entryIDFunction(entryIDs))
        }
        let path = "\(directory)/\(CityStore.fileName)"
        try WriteAheadLog.writeAnew(ofStore: path)
        pool = Connections(
            try DatabasePool(path: path, configuration: configuration), checker: try CityStore.openChecker(path),
            checkpointPages: checkpointPages)
        // GRDB sets NORMAL when it turns WAL on, after any preparation of the connection: acknowledged rows could
        // then be lost with the power.
        let level = SeededBug.synchronousNormal.isActive ? "NORMAL" : "FULL"
        try pool.writeWithoutTransaction { database in
            try database.execute(sql: "PRAGMA synchronous = \(level)")
        }
        // It holds what companies filed: nobody's business but the node's.
        chmod("\(directory)/\(CityStore.fileName)", 0o600)
        let migrator = CityStore.migrator
        if try pool.read(migrator.hasBeenSuperseded) {
            throw StoreRefusal(.newerBuild, "the store was written by a newer build: update this program")
        }
        try pool.migrate(by: migrator)
        try pool.writeWithoutTransaction { database in
            let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode")
            let synchronous = try Int.fetchOne(database, sql: "PRAGMA synchronous")
            let foreignKeys = try Int.fetchOne(database, sql: "PRAGMA foreign_keys")
            guard mode == "wal", synchronous == 2, foreignKeys == 1 else {
                throw StoreRefusal(
                    .unsafeSettings,
                    "SQLite did not accept WAL, synchronous=FULL and foreign keys: check that the node's directory is on "
                        + "a local disk that can be written")
            }
            try CityStore.secureWhatWasFound(database)
        }
    }

    /// The connection for checks. It keeps the inner pages of a key index with ten million keys (4 MiB), so that a check
    /// reads little more than a leaf for each key.
    ///
    /// The file is not mapped into memory, which would save the reads: a disk that fails would then end the process with a
    /// signal instead of an error, and what was read would count as the process's memory.
    private static func openChecker(_ path: String) throws -> DatabaseQueue {
        var configuration = Configuration()
        configuration.busyMode = .timeout(5)
        // Not opened for reading alone: one that is closed last would leave the write-ahead log where it is.
        configuration.prepareDatabase { try $0.execute(sql: "PRAGMA query_only = 1; PRAGMA cache_size = -8192") }
        return try DatabaseQueue(path: path, configuration: configuration)
    }

    /// Writes what the write-ahead log holds into the file, and syncs it: a process begins with an empty log, or says what
    /// keeps it from that.
    ///
    /// A process that was killed, or whose sync failed, leaves transactions there that can be read, and whoever repeats such
    /// a request is told that it is recorded. They are durable by now: ``WriteAheadLog`` has synced them.
    private static func secureWhatWasFound(_ database: Database) throws {
        do {
            _ = try database.checkpoint(.truncate)
        } catch let error as DatabaseError where error.resultCode == .SQLITE_BUSY {
            throw StoreRefusal(
                .conflict, "another program keeps reading \(fileName): end it, then start this one again")
        } catch  where error.isDiskFull {
            // The log itself was synced before there was no space for the pages: what is in it can be read and answered.
        }
    }

    /// Opens the store to look at, beside a process that may be writing it.
    ///
    /// - Throws: ``StoreRefusal`` when the file is of another build; GRDB's errors when it is damaged.
    package init(reading directory: String) throws {
        dialect = .current
        var configuration = Configuration()
        configuration.readonly = true
        configuration.busyMode = .timeout(5)
        pool = Connections(
            reading: try DatabasePool(path: "\(directory)/\(CityStore.fileName)", configuration: configuration))
        let migrator = CityStore.migrator
        guard try pool.read({ try migrator.hasCompletedMigrations($0) && !migrator.hasBeenSuperseded($0) }) else {
            throw StoreRefusal(
                .newerBuild, "the store was written by another build: use that one, or run city-node serve first")
        }
    }

    /// The first write that failed for an error of the disk, when there is one; from then on every write throws it again. For
    /// one reader.
    package var diskFailures: AsyncStream<any Error> { pool.health.failures }

    /// How long the store was used since it was opened, by all together, to see whether the node has anything to do.
    package var timeUsed: Duration { pool.timeUsed }

    /// Gives back the memory that is kept to answer faster: the next uses are a little slower.
    package func releaseMemory() { pool.releaseMemory() }

    /// Closes the file; nothing may be called afterwards.
    package func close() throws { try pool.close() }
}

/// A request that the store refuses, in words for the officer.
package struct StoreRefusal: Error, Hashable, Sendable {
    package struct Code: Hashable, Sendable {
        private enum Raw {
            case newerBuild, unsafeSettings, notJoined, alreadyJoined, notFound, conflict, invalid, damaged, clock
        }
        private let raw: Raw

        package static let newerBuild = Code(raw: .newerBuild)
        package static let unsafeSettings = Code(raw: .unsafeSettings)
        package static let notJoined = Code(raw: .notJoined)
        package static let alreadyJoined = Code(raw: .alreadyJoined)
        package static let notFound = Code(raw: .notFound)
        package static let conflict = Code(raw: .conflict)
        package static let invalid = Code(raw: .invalid)
        package static let damaged = Code(raw: .damaged)
        package static let clock = Code(raw: .clock)
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}

extension Error {
    /// Whether SQLite could not write for want of space.
    package var isDiskFull: Bool {
        guard let error = self as? DatabaseError else { return false }
        // The second is how a full disk shows when the write-ahead log's index is made.
        return error.resultCode == .SQLITE_FULL || error.extendedResultCode == .SQLITE_IOERR_SHMSIZE
    }

    /// Whether SQLite met an error of the disk, after which the process must end and the store be opened anew.
    package var isDiskFailure: Bool {
        guard let code = (self as? DatabaseError)?.resultCode, !SeededBug.corruptionIgnored.isActive else {
            return false
        }
        return code == .SQLITE_IOERR || code == .SQLITE_CORRUPT
    }
}
