import GRDB
import GRDBSQLite

/// Moves the write-ahead log into the store's file whenever a commit has made it long, as SQLite would by itself; but SQLite
/// passes over a failure.
///
/// When the file's sync has failed, nothing that was moved need be on the disk. What readers had kept from being moved with the
/// rest SQLite would move alone the next time, sync the file, which then writes nothing else, and begin the log anew. So nothing
/// is written after a failure, and the log stays when the process ends: the next one moves all of it once more.
final class AutomaticCheckpoints: Sendable {
    private let pages: Int
    private let checker: DatabaseQueue
    private let health: DiskHealth

    /// - Parameters:
    ///   - pages: How long the log becomes.
    ///   - checker: The other connection that may be the last one to be closed, and would then move the log.
    ///   - health: Is told of a failure.
    init(every pages: Int, checker: DatabaseQueue, health: DiskHealth) {
        self.pages = pages
        self.checker = checker
        self.health = health
    }

    /// Takes the place of SQLite's own on the connection that writes. Must be kept for as long as that one may commit.
    func watch(_ writer: Database) {
        sqlite3_wal_hook(
            writer.sqliteConnection,
            { context, connection, name, pages in
                guard let context else { return SQLITE_OK }
                let checkpoints = Unmanaged<AutomaticCheckpoints>.fromOpaque(context).takeUnretainedValue()
                if pages >= checkpoints.pages { checkpoints.moveLog(connection, name) }
                // The commit is on the disk, whatever has become of this.
                return SQLITE_OK
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private func moveLog(_ connection: OpaquePointer?, _ name: UnsafePointer<CChar>?) {
        let code = sqlite3_wal_checkpoint_v2(connection, name, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
        let error = DatabaseError(
            resultCode: ResultCode(rawValue: code), message: "the write-ahead log cannot be moved into the store")
        // What a reader or a full disk keeps from being moved is moved later.
        guard error.isDiskFailure else { return }
        AutomaticCheckpoints.keepLog(connection)
        checker.unsafeRead { AutomaticCheckpoints.keepLog($0.sqliteConnection) }
        health.note(error)
    }

    /// Lets the log stay where it is when the connection is closed as the last one.
    private static func keepLog(_ connection: OpaquePointer?) {
        var isKept: CInt = 1
        sqlite3_file_control(connection, "main", SQLITE_FCNTL_PERSIST_WAL, &isKept)
    }
}
