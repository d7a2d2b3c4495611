import CLibPQ
import Foundation
import Synchronization

/// One open connection, used from one thread at a time: plain blocking calls.
///
/// ``PostgresPool`` hands it to a closure on the connection's own queue, so that everything inside one closure
/// is synchronous and a transaction reads like one. Not `Sendable`: it must not leave the closure.
package final class PostgresSession {
    private let connection: OpaquePointer
    /// Lets other threads interrupt the statement that runs here, but never a COMMIT.
    let interrupt: StatementInterrupt
    private struct Statement: Hashable {
        let sql: String
        let types: [Oid]
    }

    /// The names of prepared statements; a text with parameters of the same types is planned once a connection.
    private var prepared: [Statement: String] = [:]

    /// What a connection is made with unless its URL says otherwise: a server that vanishes without a word is
    /// noticed within half a minute, in milliseconds for `tcp_user_timeout` and seconds for the rest.
    private static let defaults = [
        ("connect_timeout", "5"), ("tcp_user_timeout", "20000"), ("keepalives_idle", "10"),
        ("keepalives_interval", "5"), ("keepalives_count", "3"),
        // Our statements take arrays of thousands of keys. Planned for the values they are slow to plan, and handed to
        // parallel workers they are slow to copy; an index look-up for each key needs neither.
        ("options", "-c plan_cache_mode=force_generic_plan -c max_parallel_workers_per_gather=0 -c jit=off"),
    ]

    /// Connects.
    ///
    /// - Throws: ``PostgresError`` with ``PostgresError/Code/connectionFailure``.
    package init(url: String) throws {
        // Later names win; `dbname` may be a whole URL (libpq, PQconnectdbParams with expand_dbname).
        let settings = PostgresSession.defaults + [("dbname", url)]
        let keywords = settings.map { strdup($0.0) } + [nil]
        let values = settings.map { strdup($0.1) } + [nil]
        defer { for pointer in keywords + values { free(pointer) } }
        let connection = PQconnectdbParams(
            keywords.map { UnsafePointer($0) }, values.map { UnsafePointer($0) }, 1)
        guard let connection else { throw PostgresError(code: .connectionFailure, message: "out of memory") }
        self.connection = connection
        interrupt = StatementInterrupt(connection)
        guard PQstatus(connection) == CONNECTION_OK else {
            // `deinit` finishes the connection: every property has its value.
            throw PostgresError(
                code: .connectionFailure, message: PostgresSession.trimmed(PQerrorMessage(connection)))
        }
        PQsetNoticeProcessor(connection, { _, _ in }, nil)
    }

    deinit { PQfinish(connection) }

    /// Whether the connection still works, as far as the last call could tell.
    package var isUsable: Bool {
        PQstatus(connection) == CONNECTION_OK && PQtransactionStatus(connection) != PQTRANS_UNKNOWN
    }

    /// Whether a transaction was left open.
    var isInTransaction: Bool { PQtransactionStatus(connection) != PQTRANS_IDLE }

    // MARK: Statements

    /// Runs one statement with bound values; it is prepared at its first use on this connection.
    @discardableResult
    package func execute(_ sql: String, _ parameters: [PostgresParameter] = []) throws -> PostgresResult {
        let name = try prepare(sql, parameters)
        let handle = PostgresSession.withValues(parameters) { values, lengths, formats in
            PQexecPrepared(connection, name, Int32(parameters.count), values, lengths, formats, 1)
        }
        return try check(handle, statement: sql)
    }

    /// Runs a script of statements without values, such as a migration.
    package func run(script: String) throws { _ = try check(PQexec(connection, script), statement: script) }

    /// Runs `body` in a transaction: committed when it returns, rolled back when it throws.
    ///
    /// When the connection breaks inside COMMIT the outcome is unknown; the error says so by
    /// ``PostgresError/isConnectionLoss`` and the caller must look before it repeats.
    ///
    /// - Parameter isSnapshot: Reads only, and all of it from one snapshot.
    package func transaction<T>(isSnapshot: Bool = false, _ body: () throws -> T) throws -> T {
        try run(script: isSnapshot ? "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY" : "BEGIN")
        let value: T
        do {
            value = try body()
        } catch {
            // The first error counts; a broken connection has rolled back by itself.
            try? run(script: "ROLLBACK")
            throw error
        }
        // An interrupted COMMIT would end before the standby has it.
        try interrupt.whileClosed { try run(script: "COMMIT") }
        return value
    }

    /// Runs `body` within the transaction that is open: kept when it returns, undone when it throws.
    package func savepoint<T>(_ body: () throws -> T) throws -> T {
        try run(script: "SAVEPOINT body")
        let value: T
        do {
            value = try body()
        } catch {
            // The first error counts; a broken connection has rolled back by itself.
            try? run(script: "ROLLBACK TO SAVEPOINT body; RELEASE SAVEPOINT body")
            throw error
        }
        try run(script: "RELEASE SAVEPOINT body")
        return value
    }

    /// Sends rows by `COPY table (columns) FROM STDIN (FORMAT binary)`; no rows, no COPY.
    package func copy(into target: String, _ rows: CopyRows) throws {
        try copy(into: target, CollectionOfOne(rows)) { rows, buffer in buffer = rows }
    }

    /// Sends the rows that `encode` makes of each element, in pieces: the server stores one while the next is made.
    ///
    /// - Throws: What `encode` throws, or ``PostgresError``; nothing is stored then.
    package func copy<Elements: Sequence>(
        into target: String, _ elements: Elements, _ encode: (Elements.Element, inout CopyRows) throws -> Void
    ) throws {
        let sql = "COPY \(target) FROM STDIN (FORMAT binary)"
        var rows = CopyRows(reserving: 2 * PostgresSession.pieceBytes)
        var isBegun = false
        do {
            for element in elements {
                try encode(element, &rows)
                guard rows.bytes.count > PostgresSession.pieceBytes, rows.count > 0 else { continue }
                if !isBegun { try beginCopy(sql) }
                isBegun = true
                try put(rows.bytes)
                rows.clear()
            }
            guard rows.count > 0 else { return }
            if !isBegun { try beginCopy(sql) }
            isBegun = true
            try put(rows.bytes)
            try put(CopyRows.trailer)
        } catch {
            // The server's own reason, if it has one, says more.
            if isBegun { try endCopy(sql, error: "given up") }
            throw error
        }
        try endCopy(sql, error: nil)
    }

    private static let pieceBytes = 1 << 16

    private func beginCopy(_ sql: String) throws {
        let handle = PQexec(connection, sql)
        guard PQresultStatus(handle) == PGRES_COPY_IN else {
            _ = try check(handle, statement: sql)
            throw PostgresError(code: .unexpectedResult, message: "COPY was not accepted")
        }
        PQclear(handle)
    }

    /// - Parameter error: Why the rows are not all there; the server then refuses them.
    private func endCopy(_ sql: String, error: String?) throws {
        guard PQputCopyEnd(connection, error) == 1 else { throw connectionError() }
        var failure: PostgresError?
        while let handle = PQgetResult(connection) {
            do throws(PostgresError) { _ = try check(handle, statement: sql) } catch { failure = error }
        }
        // What we gave up ourselves is not the server's failure.
        if let failure, error == nil || failure.code != .queryCanceled { throw failure }
    }

    // MARK: Notifications

    /// Waits until another session notifies one of the channels listened to, or the time is over.
    ///
    /// - Returns: Whether there was a notification.
    package func waitForNotification(milliseconds: Int32) throws -> Bool {
        if takeNotifications() { return true }
        var descriptor = pollfd(fd: PQsocket(connection), events: Int16(POLLIN), revents: 0)
        guard descriptor.fd >= 0 else { throw connectionError() }
        let ready = poll(&descriptor, 1, milliseconds)
        guard ready > 0 else { return false }
        guard PQconsumeInput(connection) == 1 else { throw connectionError() }
        return takeNotifications()
    }

    private func takeNotifications() -> Bool {
        var found = false
        while let notification = PQnotifies(connection) {
            PQfreemem(notification)
            found = true
        }
        return found
    }

    // MARK: Plumbing

    private func prepare(_ sql: String, _ parameters: [PostgresParameter]) throws -> String {
        let statement = Statement(sql: sql, types: parameters.map(\.type))
        if let name = prepared[statement] { return name }
        let name = "s\(prepared.count)"
        _ = try check(
            PQprepare(connection, name, sql, Int32(statement.types.count), statement.types), statement: sql)
        prepared[statement] = name
        return name
    }

    private func put(_ bytes: [UInt8]) throws {
        try bytes.withUnsafeBytes { buffer in
            var offset = 0
            while offset < buffer.count {
                let length = min(1 << 16, buffer.count - offset)
                let start = buffer.baseAddress?.advanced(by: offset).assumingMemoryBound(to: CChar.self)
                guard PQputCopyData(connection, start, Int32(length)) == 1 else { throw connectionError() }
                offset += length
            }
        }
    }

    private func check(_ handle: OpaquePointer?, statement: String) throws(PostgresError) -> PostgresResult {
        guard let handle else { throw connectionError() }
        switch PQresultStatus(handle) {
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY: return PostgresResult(handle)
        default:
            defer { PQclear(handle) }
            guard let state = PQresultErrorField(handle, Int32(UInt8(ascii: "C"))) else { throw connectionError() }
            let message = PQresultErrorField(handle, Int32(UInt8(ascii: "M"))).map { String(cString: $0) } ?? ""
            let constraint = PQresultErrorField(handle, Int32(UInt8(ascii: "n"))).map { String(cString: $0) }
            throw PostgresError(
                code: .init(rawValue: String(cString: state)), message: message, constraint: constraint)
        }
    }

    private func connectionError() -> PostgresError {
        PostgresError(code: .connectionFailure, message: PostgresSession.trimmed(PQerrorMessage(connection)))
    }

    private static func trimmed(_ message: UnsafeMutablePointer<CChar>?) -> String {
        guard let message else { return "the connection is lost" }
        let text = String(cString: message).trimmingCharacters(in: .whitespacesAndNewlines)
        return text.isEmpty ? "the connection is lost" : text
    }

    /// Lends the parameters, without copying them, as the parallel C arrays that libpq wants.
    private static func withValues<T>(
        _ parameters: [PostgresParameter],
        _ body: (UnsafePointer<UnsafePointer<CChar>?>?, UnsafePointer<Int32>?, UnsafePointer<Int32>?) -> T
    ) -> T {
        let lengths = parameters.map { Int32($0.bytes?.count ?? 0) }
        let formats = parameters.map { _ in Int32(1) }
        var pointers: [UnsafePointer<CChar>?] = []
        func lend(_ rest: ArraySlice<PostgresParameter>) -> T {
            guard let parameter = rest.first else { return body(pointers, lengths, formats) }
            guard let bytes = parameter.bytes else {
                pointers.append(nil)
                return lend(rest.dropFirst())
            }
            // A pointer to an empty value must still not be NULL.
            return (bytes.isEmpty ? [0] : bytes).withUnsafeBytes { buffer in
                pointers.append(buffer.baseAddress?.assumingMemoryBound(to: CChar.self))
                return lend(rest.dropFirst())
            }
        }
        return lend(parameters[...])
    }
}

/// Interrupts the statement that runs on a connection, from another thread; only while it is open.
///
/// `@unchecked Sendable`: libpq documents `PGcancel` as immutable and `PQcancel` as safe from any thread.
final class StatementInterrupt: @unchecked Sendable {
    private let handle: OpaquePointer?
    private let isOpen = Mutex(false)

    fileprivate init(_ connection: OpaquePointer) { handle = PQgetCancel(connection) }

    deinit { PQfreeCancel(handle) }

    /// Opens or closes it. Once closed, no request is on its way: it can hit no later statement.
    func set(isOpen value: Bool) { isOpen.withLock { $0 = value } }

    func whileClosed<T>(_ body: () throws -> T) rethrows -> T {
        let wasOpen = isOpen.withLock { isOpen in
            defer { isOpen = false }
            return isOpen
        }
        defer { set(isOpen: wasOpen) }
        return try body()
    }

    func send() {
        isOpen.withLock { isOpen in
            guard isOpen, let handle else { return }
            var reason = [CChar](repeating: 0, count: 256)
            PQcancel(handle, &reason, 256)
        }
    }
}
