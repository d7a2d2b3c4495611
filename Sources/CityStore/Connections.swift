import GRDB
import Synchronization

/// The store's connections: one that writes, others that read, and one of these for checks alone; or the single one of a
/// store in memory.
struct Connections: Sendable {
    private let writer: any DatabaseWriter
    private let checker: any DatabaseReader
    private let isInMemory: Bool
    private let time = UsedTime()
    let health = DiskHealth()
    /// Kept because the writer calls it after each commit.
    private let checkpoints: AutomaticCheckpoints?

    /// - Parameters:
    ///   - checker: Answers checks beside the pool: they neither wait for other readers nor share their pages.
    ///   - checkpointPages: After how many pages of write-ahead log a commit moves it into the store.
    init(_ pool: DatabasePool, checker: DatabaseQueue, checkpointPages: Int) {
        let checkpoints = AutomaticCheckpoints(every: checkpointPages, checker: checker, health: health)
        writer = pool
        self.checker = checker
        isInMemory = false
        self.checkpoints = checkpoints
        pool.writeWithoutTransaction { checkpoints.watch($0) }
    }

    /// Of a store that is only looked at.
    init(reading pool: DatabasePool) {
        writer = pool
        checker = pool
        isInMemory = false
        checkpoints = nil
    }

    init(inMemory queue: DatabaseQueue) {
        writer = queue
        checker = queue
        isInMemory = true
        checkpoints = nil
    }

    /// How long the store was used, by all together.
    var timeUsed: Duration { time.current }

    /// Reads one state of the store.
    func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        let start = ContinuousClock.now
        defer { time.add(since: start) }
        // A queue would forbid writing by a pragma, after which SQLite compiles every statement anew. There is one
        // thread, so that nobody writes in between.
        return isInMemory ? try writer.unsafeRead(body) : try writer.read(body)
    }

    /// Reads one state of the store for a check, with little more work than the body's own.
    func check<Value>(_ body: (Database) throws -> Value) throws -> Value {
        let start = ContinuousClock.now
        defer { time.add(since: start) }
        // GRDB's own read asks the schema's version and compiles two statements each time, which takes as long as a check.
        return try checker.unsafeRead { try $0.compiledTransaction("DEFERRED", body) }
    }

    /// Runs one transaction.
    func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
        let start = ContinuousClock.now
        defer { time.add(since: start) }
        return try health.write {
            guard isInMemory else { return try writer.write(body) }
            // Where no disk is waited for, GRDB's compiling of both ends of the transaction is a good part of it.
            return try writer.writeWithoutTransaction { try $0.compiledTransaction("IMMEDIATE", body) }
        }
    }

    func writeWithoutTransaction<Value>(_ body: (Database) throws -> Value) throws -> Value {
        let start = ContinuousClock.now
        defer { time.add(since: start) }
        return try health.write { try writer.writeWithoutTransaction(body) }
    }

    func migrate(by migrator: DatabaseMigrator) throws { try migrator.migrate(writer) }

    /// Copies everything into another database.
    func backup(to other: DatabaseQueue) throws { try writer.backup(to: other) }

    /// Copies everything into the database behind other connections.
    func backup(to other: Connections) throws { try writer.backup(to: other.writer) }

    /// Closes the pool's readers, and forgets the pages and statements that the other connections keep; all are made anew
    /// when they are needed. It waits for what is being written.
    func releaseMemory() {
        (writer as? DatabasePool)?.releaseMemoryEventually()
        // The pool frees the writer's only some time: after the caller has looked at what is free.
        writer.writeWithoutTransaction { $0.releaseMemory() }
        (checker as? DatabaseQueue)?.releaseMemory()
    }

    func close() throws {
        try checker.close()
        try writer.close()
    }
}

extension Database {
    /// Runs a transaction of that kind, both ends of which are compiled once on this connection.
    fileprivate func compiledTransaction<Value>(_ kind: String, _ body: (Database) throws -> Value) throws -> Value {
        try run(sql: "BEGIN \(kind) TRANSACTION")
        do {
            let value = try body(self)
            try run(sql: "COMMIT TRANSACTION")
            return value
        } catch {
            try? rollback()
            throw error
        }
    }
}

/// Adds up from any thread.
private final class UsedTime: Sendable {
    private let microseconds = Atomic<Int>(0)

    var current: Duration { .microseconds(microseconds.load(ordering: .relaxed)) }

    func add(since start: ContinuousClock.Instant) {
        microseconds.add(Int(start.duration(to: .now) / .microseconds(1)), ordering: .relaxed)
    }
}
