import Dispatch
import PostgresClient
import Synchronization
import TestSupport
import Testing

@Suite("Connection pool", .database)
struct PoolTests {
    private let database = TestDatabase.current

    private func pool(_ size: Int) -> PostgresPool { PostgresPool(url: database.url, size: size) }

    private func backend(_ pool: PostgresPool) async throws -> Int64 {
        try await pool.run { try $0.execute("SELECT pg_backend_pid()").int(0, 0) }
    }

    // MARK: Plans

    @Test("a connection that has got very many plans is given up, and the next one begins without them")
    func plans() async throws {
        let pool = pool(1)
        let first = try await backend(pool)
        var most: Int64 = 0
        for number in 0..<700 {
            try await pool.run { try $0.execute("SELECT \(number)") }
            most = max(
                most, try await pool.run { try $0.execute("SELECT count(*) FROM pg_prepared_statements").int(0, 0) })
        }

        #expect(most < 600)
        #expect(try await backend(pool) != first)
    }

    // MARK: Lost connections

    @Test("a connection that was killed while idle is a connection loss once, and the pool makes a new one")
    func killedIdle() async throws {
        let pool = pool(1)
        let first = try await backend(pool)
        try await database.terminate(first)

        let error = await #expect(throws: PostgresError.self) { try await backend(pool) }

        #expect(error?.isConnectionLoss == true)
        #expect(try await backend(pool) != first)
    }

    @Test("a connection is looked at before it is lent, and so is the next one; where that fails, nothing is done")
    func opened() async throws {
        let seen = Mutex<[Int64]>([])
        let pool = PostgresPool(url: database.url, size: 1) { session in
            let backend = try session.execute("SELECT pg_backend_pid()").int(0, 0)
            try seen.withLock { seen in
                if seen.count == 2 { throw PostgresError(code: .unexpectedResult, message: "another server") }
                seen.append(backend)
            }
        }
        var lent: [Int64] = []
        for _ in 0..<2 {
            lent.append(try await backend(pool))
            #expect(try await backend(pool) == lent.last)
            try await database.terminate(try #require(lent.last))
            await #expect(throws: PostgresError.self) { try await backend(pool) }
        }

        #expect(seen.withLock { $0 } == lent)
        let error = await #expect(throws: PostgresError.self) { try await backend(pool) }
        #expect(error?.message == "another server")
    }

    @Test("a connection that is killed during a statement is a connection loss, and nothing is committed")
    func killedInTransaction() async throws {
        let pool = pool(1)
        try await pool.run { try $0.run(script: "CREATE TABLE kept (n integer)") }

        let error = await #expect(throws: PostgresError.self) {
            try await pool.transaction { session in
                try session.execute("INSERT INTO kept VALUES (1)")
                try session.execute("SELECT pg_terminate_backend(pg_backend_pid())")
            }
        }

        #expect(error?.isConnectionLoss == true)
        #expect(try await pool.run { try $0.execute("SELECT count(*) FROM kept").int(0, 0) } == 0)
    }

    @Test("a connection that is killed during COPY is a connection loss, and the pool recovers")
    func killedInCopy() async throws {
        let pool = pool(1)
        try await pool.run { session in
            try session.run(
                script: """
                    CREATE TABLE target (n integer);
                    CREATE FUNCTION die() RETURNS trigger LANGUAGE plpgsql AS
                        $$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NEW; END $$;
                    CREATE TRIGGER die BEFORE INSERT ON target FOR EACH ROW EXECUTE FUNCTION die();
                    """)
        }
        var rows = CopyRows()
        rows.row(fields: 1)
        rows.int4(1)
        let row = rows

        let error = await #expect(throws: PostgresError.self) {
            try await pool.run { try $0.insert(into: "target", row) }
        }

        #expect(error?.isConnectionLoss == true)
        #expect(try await pool.run { try $0.execute("SELECT count(*) FROM target").int(0, 0) } == 0)
    }

    // MARK: Cancellation

    @Test("cancelling the task interrupts its statement, and the connection is used again")
    func cancelled() async throws {
        let pool = pool(1)
        let first = try await backend(pool)
        let sleeper = Task { try await pool.run { _ = try $0.execute("SELECT pg_sleep(600)") } }
        try await waitUntilSleeping(first)
        sleeper.cancel()

        let error = await #expect(throws: PostgresError.self) { try await sleeper.value }

        #expect(error?.code == .queryCanceled)
        #expect(try await backend(pool) == first)
    }

    @Test("cancelling the task rolls its transaction back")
    func cancelledTransaction() async throws {
        let pool = pool(1)
        try await pool.run { try $0.run(script: "CREATE TABLE kept (n integer)") }
        let first = try await backend(pool)
        let sleeper = Task {
            try await pool.transaction { session in
                try session.execute("INSERT INTO kept VALUES (1)")
                try session.execute("SELECT pg_sleep(600)")
                return ()
            }
        }
        try await waitUntilSleeping(first)
        sleeper.cancel()

        await #expect(throws: PostgresError.self) { try await sleeper.value }
        #expect(try await pool.run { try $0.execute("SELECT count(*) FROM kept").int(0, 0) } == 0)
    }

    @Test("cancelling a task that waits for a connection takes nobody's place")
    func cancelledWaiter() async throws {
        let pool = pool(1)
        let (entered, hasEntered) = AsyncStream<Void>.makeStream()
        let gate = DispatchSemaphore(value: 0)
        let holder = Task {
            try await pool.run { _ in
                hasEntered.finish()
                gate.wait()
            }
        }
        for await _ in entered {}
        let waiter = Task { try await pool.run { _ in } }
        waiter.cancel()

        await #expect(throws: CancellationError.self) { try await waiter.value }
        gate.signal()
        try await holder.value
        #expect(try await backend(pool) > 0)
    }

    /// Asks until the server says that the connection is in `pg_sleep`.
    private func waitUntilSleeping(_ backend: Int64) async throws {
        for _ in 0..<100_000 {
            let isSleeping = try await database.pool.run { session in
                try session.execute(
                    "SELECT 1 FROM pg_stat_activity WHERE pid = $1::int8 AND wait_event = 'PgSleep'", [.int8(backend)]
                ).count > 0
            }
            if isSleeping { return }
        }
        Issue.record("the statement did not start")
    }

    // MARK: Bounds

    @Test("as many connections as the bound are used at a time, and never one more")
    func bounds() async throws {
        let pool = pool(3)
        let barrier = Barrier(3)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<30 {
                group.addTask { try await pool.run { _ in barrier.meet() } }
            }
            try await group.waitForAll()
        }
        let open = try await pool.run { session in
            try session.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()").int(0, 0)
        }

        #expect(barrier.mostInside == 3)
        #expect(open <= 3)
    }

    @Test("connections are kept and used again")
    func reuse() async throws {
        let pool = pool(4)
        let first = try await backend(pool)

        for _ in 0..<20 { #expect(try await backend(pool) == first) }
    }

    @Test("an error of the caller's own leaves the connection in the pool")
    func ownError() async throws {
        struct Stop: Error {}
        let pool = pool(1)
        let first = try await backend(pool)

        await #expect(throws: Stop.self) { try await pool.run { _ in throw Stop() } }
        #expect(try await backend(pool) == first)
    }

    @Test("a dedicated connection is apart from the pool and takes none of its places")
    func dedicated() async throws {
        let pool = pool(1)
        let connection = pool.dedicated()
        let own = try await connection.run { try $0.execute("SELECT pg_backend_pid()").int(0, 0) }.get()

        #expect(try await backend(pool) != own)
    }

    @Test("five hundred tasks on four connections each do their work once")
    func manyTasks() async throws {
        let pool = pool(4)
        try await pool.run { try $0.run(script: "CREATE TABLE work (n integer PRIMARY KEY)") }
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...500 {
                group.addTask {
                    try await pool.transaction { session in
                        try session.execute("INSERT INTO work VALUES ($1)", [.int4(Int32(number))])
                        return ()
                    }
                }
            }
            try await group.waitForAll()
        }
        let sums = try await pool.run { session in
            let result = try session.execute("SELECT count(*), sum(n)::int8 FROM work")
            return (result.int(0, 0), result.int(0, 1))
        }

        #expect(sums == (500, 125_250))
    }
}

/// Lets threads pass in groups of a fixed size, and counts how many were between its doors at most.
private final class Barrier: Sendable {
    private struct State { var inside = 0, most = 0, waiting: [DispatchSemaphore] = [] }
    private let size: Int
    private let state = Mutex(State())

    init(_ size: Int) { self.size = size }

    var mostInside: Int { state.withLock(\.most) }

    func meet() {
        let own = DispatchSemaphore(value: 0)
        let complete = state.withLock { state -> [DispatchSemaphore] in
            state.inside += 1
            state.most = max(state.most, state.inside)
            state.waiting.append(own)
            guard state.waiting.count == size else { return [] }
            defer { state.waiting = [] }
            return state.waiting
        }
        for semaphore in complete { semaphore.signal() }
        own.wait()
        state.withLock { $0.inside -= 1 }
    }
}
