import PostgresClient
import TestSupport
import Testing

@Suite("Errors and transactions", .database)
struct SessionTests {
    private let database = TestDatabase.current
    private var pool: PostgresPool { database.pool }

    private struct Stop: Error {}

    private static let tables = """
        CREATE TABLE holder (
            key integer CONSTRAINT one_holder UNIQUE, amount integer CONSTRAINT amount_is_positive CHECK (amount > 0),
            days int4range, CONSTRAINT days_are_disjoint EXCLUDE USING gist (days WITH &&));
        CREATE TABLE late (key integer CONSTRAINT late_key UNIQUE DEFERRABLE INITIALLY DEFERRED);
        INSERT INTO holder VALUES (1, 1, '[0,10)');
        """

    private func count(_ table: String) async throws -> Int64 {
        try await pool.run { try $0.execute("SELECT count(*) FROM \(table)").int(0, 0) }
    }

    @Test(
        "an error carries its SQLSTATE and the constraint that was violated",
        arguments: [
            ("INSERT INTO holder (key) VALUES (1)", "23505", "one_holder"),
            ("INSERT INTO holder (amount) VALUES (0)", "23514", "amount_is_positive"),
            ("INSERT INTO holder (days) VALUES ('[9,11)')", "23P01", "days_are_disjoint"),
            ("SELEC 1", "42601", nil), ("SELECT 1 FROM nowhere", "42P01", nil), ("SELECT 1 / 0", "22012", nil),
        ] as [(String, String, String?)])
    func codes(sql: String, code: String, constraint: String?) async throws {
        try await pool.run { try $0.run(script: SessionTests.tables) }

        let error = await #expect(throws: PostgresError.self) { try await pool.run { _ = try $0.execute(sql) } }

        #expect(error?.code.rawValue == code)
        #expect(error?.constraint == constraint)
        #expect(error?.isConnectionLoss == false)
        #expect(try await count("holder") == 1)
    }

    @Test("the named codes are those of PostgreSQL")
    func namedCodes() {
        #expect(PostgresError.Code.uniqueViolation.rawValue == "23505")
        #expect(PostgresError.Code.exclusionViolation.rawValue == "23P01")
        #expect(PostgresError.Code.checkViolation.rawValue == "23514")
        #expect(PostgresError.Code.diskFull.rawValue == "53100")
    }

    @Test("what a standby gives up to keep up is told from what took too long")
    func replicaConflicts() {
        let conflict = "canceling statement due to conflict with recovery"
        for code in [PostgresError.Code.serializationFailure, .queryCanceled] {
            let error = PostgresError(code: code, message: conflict)
            #expect(error.isReplicaConflict)
            #expect(!error.isInterruption)
        }
        let timeout = PostgresError(code: .queryCanceled, message: "canceling statement due to statement timeout")
        #expect(!timeout.isReplicaConflict)
        #expect(timeout.isInterruption)
    }

    @Test("the server is told to look after a client that says nothing, as the client looks after the server")
    func keepalives() async throws {
        // Over a socket of the file system they do nothing, and a setting reads as 0: what it would be is seen all the same.
        let settings = try await pool.run { session in
            let result = try session.execute(
                "SELECT name, reset_val FROM pg_settings WHERE name LIKE 'tcp\\_%' ORDER BY name COLLATE \"C\"")
            return (0..<result.count).map { "\(result.text($0, 0)) \(result.text($0, 1))" }
        }

        #expect(
            settings == [
                "tcp_keepalives_count 3", "tcp_keepalives_idle 10", "tcp_keepalives_interval 5",
                "tcp_user_timeout 20000",
            ])
    }

    @Test("a database that is not there is a connection failure, and the next try makes a new connection")
    func noDatabase() async throws {
        let pool = PostgresPool(url: database.url.replacing("/p_", with: "/no_such_"), size: 1)
        for _ in 0..<2 {
            let error = await #expect(throws: PostgresError.self) { try await pool.run { _ in } }
            #expect(error?.code == .connectionFailure)
            #expect(error?.isConnectionLoss == true)
        }
    }

    @Test("an insert says how many rows it changed")
    func affected() async throws {
        let affected = try await pool.run { session in
            try session.run(script: SessionTests.tables)
            return try session.execute("INSERT INTO late SELECT generate_series(1, 7)").affected
        }

        #expect(affected == 7)
    }

    @Test("a transaction that returns is committed, with its value")
    func commit() async throws {
        let value = try await pool.transaction { session in
            try session.run(script: SessionTests.tables)
            return try session.execute("INSERT INTO late VALUES (1)").affected
        }

        #expect(value == 1)
        #expect(try await count("late") == 1)
    }

    @Test("a transaction that throws is rolled back, and its error is the one that comes out")
    func rollback() async throws {
        try await pool.run { try $0.run(script: SessionTests.tables) }

        await #expect(throws: Stop.self) {
            try await pool.transaction { session in
                try session.execute("INSERT INTO late VALUES (1)")
                throw Stop()
            }
        }
        #expect(try await count("late") == 0)
    }

    @Test("a failed statement inside a transaction rolls back what came before it")
    func failedStatement() async throws {
        try await pool.run { try $0.run(script: SessionTests.tables) }

        let error = await #expect(throws: PostgresError.self) {
            try await pool.transaction { session in
                try session.execute("INSERT INTO late VALUES (1)")
                try session.execute("INSERT INTO holder (key) VALUES (1)")
            }
        }
        #expect(error?.code == .uniqueViolation)
        #expect(try await count("late") == 0)
    }

    @Test("a constraint that is checked at COMMIT is an error of the transaction, and nothing is stored")
    func failedCommit() async throws {
        try await pool.run { try $0.run(script: SessionTests.tables) }

        let error = await #expect(throws: PostgresError.self) {
            try await pool.transaction {
                try $0.execute("INSERT INTO late VALUES (1), (1)"); return ()
            }
        }
        #expect(error?.code == .uniqueViolation)
        #expect(error?.constraint == "late_key")
        #expect(try await count("late") == 0)
    }

    @Test("a statement that failed to be prepared can be used once it is right")
    func preparedLater() async throws {
        let answer = try await pool.run { session in
            let sql = "SELECT count(*) FROM made_later"
            #expect(throws: PostgresError.self) { try session.execute(sql).count }
            try session.run(script: "CREATE TABLE made_later (n integer)")
            return try session.execute(sql).int(0, 0)
        }

        #expect(answer == 0)
    }

    @Test("a transaction that was left open is not lent to the next user of the pool")
    func leftOpen() async throws {
        let pool = PostgresPool(url: database.url, size: 1)
        try await pool.run { try $0.run(script: SessionTests.tables) }
        try await pool.run { try $0.run(script: "BEGIN; INSERT INTO late VALUES (1)") }

        #expect(try await pool.run { try $0.execute("SELECT count(*) FROM late").int(0, 0) } == 0)
    }
}
