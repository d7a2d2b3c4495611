import CLibPQ
import Foundation

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

    /// A statement that goes to the server with the next one that needs an answer.
    private struct Queued {
        let sql: String
        let parameters: [PostgresParameter]
        let answer: (borrowing PostgresResult) throws -> Void
    }
    private var queued: [Queued] = []
    private var queuedBytes = 0

    /// What a connection is made with unless its URL says otherwise: a server that vanishes without a word is
    /// noticed within half a minute, in milliseconds for `tcp_user_timeout` and seconds for the rest. So is a client by
    /// the server: what it has locked is waited for by every other one.
    private static let defaults = [
        ("connect_timeout", "5"), ("tcp_user_timeout", "20000"), ("keepalives_idle", "10"),
        ("keepalives_interval", "5"), ("keepalives_count", "3"),
        // Our statements take arrays of thousands of keys. Planned for the values they are slow to plan, and handed to
        // parallel workers they are slow to copy; an index look-up for each key needs neither.
        (
            "options",
            "-c plan_cache_mode=force_generic_plan -c max_parallel_workers_per_gather=0 -c jit=off "
                + "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3 "
                + "-c tcp_user_timeout=20000"
        ),
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

    /// Whether it keeps more plans than ours are: the texts of questions differ by what is asked, and a server forgets none.
    var isFull: Bool { prepared.count > PostgresSession.mostPrepared }
    private static let mostPrepared = 500

    /// Whether a transaction was left open.
    var isInTransaction: Bool { PQtransactionStatus(connection) != PQTRANS_IDLE }

    // MARK: Statements

    /// Runs one statement with bound values; it is prepared at its first use on this connection. What was queued
    /// before goes first, in the same round trip.
    @discardableResult
    package func execute(_ sql: String, _ parameters: [PostgresParameter] = []) throws -> PostgresResult {
        try add(Queued(sql: sql, parameters: parameters) { _ in })
        guard let result = try send(keepingLast: true) else { throw connectionError() }
        return result
    }

    /// Has one statement sent together with the next ones: at ``flush()``, ``execute(_:_:)`` or the transaction's end.
    ///
    /// Statements that are sent together run in order; the first that fails is what the sending call throws, and those
    /// behind it do not run. Outside of a transaction those that are sent together are one.
    ///
    /// - Parameter answer: Reads the answer; must not use the session. What it throws is thrown by the sending call,
    ///   too late to keep the statements behind it from running.
    package func queue(
        _ sql: String, _ parameters: [PostgresParameter] = [],
        _ answer: @escaping (borrowing PostgresResult) throws -> Void = { _ in }
    ) throws { try add(Queued(sql: sql, parameters: parameters, answer: answer)) }

    /// Queues a query, of which ``PendingAnswer/get()`` gives what `decode` makes of the answer.
    package func ask<Value>(
        _ sql: String, _ parameters: [PostgresParameter] = [],
        _ decode: @escaping (borrowing PostgresResult) throws -> Value
    ) throws -> PendingAnswer<Value> {
        let pending = PendingAnswer<Value>(self)
        try queue(sql, parameters) { result in pending.value = try decode(result) }
        return pending
    }

    /// Sends what is queued and waits for the answers.
    package func flush() throws { _ = try send(keepingLast: false) }

    /// Forgets what is queued and not sent.
    func discardQueued() { (queued, queuedBytes) = ([], 0) }

    /// Runs a script of statements without values, such as a migration.
    package func run(script: String) throws {
        try flush()
        _ = try check(PQexec(connection, script), statement: script)
    }

    /// Runs `body` in a transaction: committed when it returns, rolled back when it throws.
    ///
    /// When the connection breaks inside COMMIT the outcome is unknown; the error says so by
    /// ``PostgresError/isConnectionLoss`` and the caller must look before it repeats.
    ///
    /// - Parameter isSnapshot: Reads only, and all of it from one snapshot.
    package func transaction<T>(isSnapshot: Bool = false, _ body: () throws -> T) throws -> T {
        try queue(isSnapshot ? "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY" : "BEGIN")
        do {
            let value = try body()
            try queue("COMMIT")
            // An interrupted COMMIT would end before the standby has it.
            try interrupt.whileClosed { try flush() }
            return value
        } catch {
            discardQueued()
            // The first error counts; a broken connection has rolled back by itself.
            if isInTransaction { try? run(script: "ROLLBACK") }
            throw error
        }
    }

    /// Runs `body` within the transaction that is open: kept when it returns, undone when it throws.
    package func savepoint<T>(_ body: () throws -> T) throws -> T {
        try run(script: "SAVEPOINT body")
        let value: T
        do {
            value = try body()
            try flush()
        } catch {
            discardQueued()
            // The first error counts; a broken connection has rolled back by itself.
            try? run(script: "ROLLBACK TO SAVEPOINT body; RELEASE SAVEPOINT body")
            throw error
        }
        try run(script: "RELEASE SAVEPOINT body")
        return value
    }

    /// Inserts rows into `table (columns)`; see ``insert(into:_:_:)``.
    package func insert(into target: String, _ rows: CopyRows) throws {
        try insert(into: target, CollectionOfOne(rows)) { rows, buffer in buffer = rows }
    }

    /// Inserts the rows that `encode` makes of each element into `table (columns)`.
    ///
    /// A few rows are queued as an INSERT, so that they cost no round trip of their own. More go by COPY, in pieces:
    /// the server stores one while the next is made. No rows, no statement.
    ///
    /// - Throws: What `encode` throws, or ``PostgresError``, for the queued rows at the time when they are sent; nothing
    ///   is stored then.
    package func insert<Elements: Sequence>(
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
            if !isBegun, let statement = rows.insertStatement(target) {
                return try queue(statement.sql, statement.parameters)
            }
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
        try flush()
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

    /// The most bytes sent before the answers are read: below what two sockets hold, so that neither side waits for
    /// the other to read.
    private static let maximumQueuedBytes = 1 << 16

    private func add(_ statement: Queued) throws {
        let bytes = statement.parameters.reduce(statement.sql.utf8.count) { $0 + ($1.bytes?.count ?? 0) }
        if !queued.isEmpty, queuedBytes + bytes > PostgresSession.maximumQueuedBytes { try flush() }
        queued.append(statement)
        queuedBytes += bytes
    }

    /// Sends what is queued as one pipeline (libpq, "Pipeline Mode") and reads every answer.
    ///
    /// - Parameter keepingLast: Whether the last statement's answer is returned.
    private func send(keepingLast: Bool) throws -> PostgresResult? {
        guard !queued.isEmpty else { return nil }
        let statements = queued
        discardQueued()
        guard PQenterPipelineMode(connection) == 1 else { throw connectionError() }
        // Sent and not yet answered: statements to prepare, and statements to run.
        var preparing: [(statement: Statement, before: Int)] = []
        var names: [Statement: String] = [:]
        for (index, item) in statements.enumerated() {
            let statement = Statement(sql: item.sql, types: item.parameters.map(\.type))
            let name = prepared[statement] ?? names[statement] ?? "s\(prepared.count + names.count)"
            if prepared[statement] == nil, names[statement] == nil {
                names[statement] = name
                preparing.append((statement, index))
                let types = statement.types
                guard PQsendPrepare(connection, name, item.sql, Int32(types.count), types) == 1 else {
                    throw connectionError()
                }
            }
            let isSent = PostgresSession.withValues(item.parameters) { values, lengths, formats in
                PQsendQueryPrepared(connection, name, Int32(item.parameters.count), values, lengths, formats, 1)
            }
            guard isSent == 1 else { throw connectionError() }
        }
        guard PQpipelineSync(connection) == 1 else { throw connectionError() }
        var failure: (any Error)?
        var last: PostgresResult?
        var unanswered = preparing[...]
        for (index, item) in statements.enumerated() {
            if let next = unanswered.first, next.before == index {
                unanswered.removeFirst()
                do {
                    _ = try answer(to: item.sql)
                    prepared[next.statement] = names[next.statement]
                } catch { failure = failure ?? error }
            }
            do {
                let result = try answer(to: item.sql)
                if keepingLast, index == statements.count - 1 { last = consume result } else { try item.answer(result) }
            } catch { failure = failure ?? error }
        }
        PQclear(PQgetResult(connection))
        // Refused only when the connection is lost, which the next use reports.
        PQexitPipelineMode(connection)
        if let failure { throw failure }
        return last
    }

    /// The answer to one statement of a pipeline.
    private func answer(to statement: String) throws(PostgresError) -> PostgresResult {
        let handle = PQgetResult(connection)
        // The end of this statement's answers.
        if handle != nil { PQclear(PQgetResult(connection)) }
        return try check(handle, statement: statement)
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

/// What will be the answer to a queued query.
package final class PendingAnswer<Value> {
    fileprivate(set) var value: Value?
    private let session: PostgresSession

    fileprivate init(_ session: PostgresSession) { self.session = session }

    /// The answer; sends what is queued unless that was done before.
    package func get() throws -> Value {
        if value == nil { try session.flush() }
        guard let value else { throw PostgresError(code: .unexpectedResult, message: "the query was given up") }
        return value
    }
}
