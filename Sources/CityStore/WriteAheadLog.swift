import GRDB
import GRDBSQLite

/// The file in which SQLite keeps transactions until they are in the store's own file, as a process finds it that starts.
///
/// What can be read there need not be on the disk. After a failed fsync the system may count as clean what it never wrote:
/// it can be read for as long as it is in the system's memory, and no later fsync writes it. SQLite trusts what it reads.
/// It would move such transactions into the store's file, and a power failure in between would leave a part of them there,
/// and no log to mend it from.
///
/// So every byte is written once more over itself, and synced, before SQLite looks at it. A crash in between changes nothing:
/// the same bytes come to the same, whether the disk had them or not. What SQLite makes of the rest is as after any crash,
/// since only what was synced was ever acknowledged.
///
/// The store's own file needs nothing of the kind. SQLite counts a page as moved once the file was synced, keeps that count
/// in shared memory, and begins at nothing where the first connection finds a log: every page of it is written again.
enum WriteAheadLog {
    /// How much is in memory at a time, in bytes: 64 KiB, the largest page and so the most that SQLite itself ever writes at
    /// once. Its VFS for Unix takes no more than 128 KiB less one, and nothing at all of twice as much.
    private static let pieceBytes: sqlite3_int64 = 1 << 16

    /// Writes the log of a store anew, and makes it and its name in the directory durable; does nothing where there is none,
    /// as after every end in good order, or beside an empty store, where SQLite removes it unread.
    ///
    /// Nobody else may have the store open to write. It goes by way of the VFS that SQLite opens the store with.
    ///
    /// - Throws: `DatabaseError` where the log cannot be read, written or synced; what is in it is then not to be relied on.
    static func writeAnew(ofStore path: String) throws {
        guard let vfs = sqlite3_vfs_find(nil) else { throw failure(SQLITE_ERROR) }
        let store = try fullPath(path, vfs)
        let log = "\(store)-wal"
        guard try hasContent(store, vfs), try hasContent(log, vfs) else { return }
        // The form of name that a VFS is given; it keeps it until the file is closed.
        guard let name = sqlite3_create_filename(store, "\(store)-journal", log, 0, nil) else {
            throw failure(SQLITE_NOMEM)
        }
        defer { sqlite3_free_filename(name) }
        try withFile(sqlite3_filename_wal(name), vfs, rewrite)
    }

    private static func rewrite(
        _ file: UnsafeMutablePointer<sqlite3_file>, _ methods: sqlite3_io_methods
    ) throws {
        var size: sqlite3_int64 = 0
        try check(methods.xFileSize(file, &size))
        let piece = UnsafeMutableRawPointer.allocate(byteCount: Int(pieceBytes), alignment: 16)
        defer { piece.deallocate() }
        var offset: sqlite3_int64 = 0
        while offset < size {
            let count = min(pieceBytes, size - offset)
            try check(methods.xRead(file, piece, CInt(count), offset))
            try check(methods.xWrite(file, piece, CInt(count), offset))
            offset += count
        }
        try check(methods.xSync(file, SQLITE_SYNC_NORMAL))
    }

    /// Opens a log as SQLite does: through a handle that may make one, so that the first sync is of the directory, too.
    private static func withFile(
        _ name: UnsafePointer<CChar>?, _ vfs: UnsafeMutablePointer<sqlite3_vfs>,
        _ body: (UnsafeMutablePointer<sqlite3_file>, sqlite3_io_methods) throws -> Void
    ) throws {
        // What the VFS keeps of a file follows the methods in memory.
        let bytes = Int(vfs.pointee.szOsFile)
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 16)
        defer { memory.deallocate() }
        memory.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
        let file = memory.bindMemory(to: sqlite3_file.self, capacity: 1)
        let code = vfs.pointee.xOpen(vfs, name, file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_WAL, nil)
        // Whatever has methods is to be closed, even after a failure.
        defer { if let methods = file.pointee.pMethods { _ = methods.pointee.xClose(file) } }
        try check(code)
        guard let methods = file.pointee.pMethods else { throw failure(SQLITE_CANTOPEN) }
        try body(file, methods.pointee)
    }

    /// The path without symbolic links: beside that one SQLite keeps the log.
    private static func fullPath(_ path: String, _ vfs: UnsafeMutablePointer<sqlite3_vfs>) throws -> String {
        let capacity = Int(vfs.pointee.mxPathname) + 1
        var bytes = [CChar](repeating: 0, count: capacity)
        try check(vfs.pointee.xFullPathname(vfs, path, CInt(capacity), &bytes))
        return String(decoding: bytes.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Whether a file is there and has anything in it: SQLite's VFS for Unix answers that an empty file does not exist.
    private static func hasContent(_ path: String, _ vfs: UnsafeMutablePointer<sqlite3_vfs>) throws -> Bool {
        var answer: CInt = 0
        try check(vfs.pointee.xAccess(vfs, path, SQLITE_ACCESS_EXISTS, &answer))
        return answer != 0
    }

    private static func check(_ code: CInt) throws {
        // One extended code says that all is well and that a symbolic link was followed.
        guard code & 0xFF == SQLITE_OK else { throw failure(code) }
    }

    private static func failure(_ code: CInt) -> DatabaseError {
        DatabaseError(
            resultCode: ResultCode(rawValue: code),
            message: "the write-ahead log cannot be written once more, so what is in it may not be on the disk")
    }
}
