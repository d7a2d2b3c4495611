import GRDB

/// The store's connections: one that writes and others that read, or the single one of a store in memory.
struct Connections: Sendable {
    private let writer: any DatabaseWriter
    private let isInMemory: Bool
    let health = DiskHealth()

    init(_ pool: DatabasePool) {
        writer = pool
        isInMemory = false
    }

    init(inMemory queue: DatabaseQueue) {
        writer = queue
        isInMemory = true
    }

    /// Reads one state of the store.
    func read<Value>(_ body: (Database) throws -> Value) throws -> Value {
        // A queue would forbid writing by a pragma, after which SQLite compiles every statement anew. There is one
        // thread, so that nobody writes in between.
        isInMemory ? try writer.unsafeRead(body) : try writer.read(body)
    }

    /// Runs one transaction.
    func write<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try health.write { try writer.write(body) }
    }

    func writeWithoutTransaction<Value>(_ body: (Database) throws -> Value) throws -> Value {
        try health.write { try writer.writeWithoutTransaction(body) }
    }

    func migrate(by migrator: DatabaseMigrator) throws { try migrator.migrate(writer) }

    /// Copies everything into another database.
    func backup(to other: DatabaseQueue) throws { try writer.backup(to: other) }

    /// Copies everything into the database behind other connections.
    func backup(to other: Connections) throws { try writer.backup(to: other.writer) }

    func close() throws { try writer.close() }
}
