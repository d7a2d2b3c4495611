import PostgresClient
import TestSupport
import Testing

@Suite("COPY", .database)
struct CopyTests {
    private let pool = TestDatabase.current.pool

    private static let table = """
        CREATE TABLE sample (
            number integer PRIMARY KEY, small smallint, large bigint CONSTRAINT large_is_positive CHECK (large > 0),
            flag boolean, day date, bytes bytea, words text, list text[])
        """

    /// A row of eight fields with the given number, and NULL everywhere else.
    private static func nullRow(_ number: Int32, to rows: inout CopyRows) {
        rows.row(fields: 8)
        rows.int4(number)
        for _ in 0..<7 { rows.null() }
    }

    @Test("every type of field arrives, in order")
    func allTypes() async throws {
        let answer = try await pool.run { session in
            try session.run(script: CopyTests.table)
            var rows = CopyRows()
            rows.row(fields: 8)
            rows.int4(.min)
            rows.int2(.min)
            rows.int8(.max)
            rows.bool(true)
            rows.date(daysSince1970: 20_604)
            rows.bytea([0, 255, 0])
            rows.text("深圳\te\u{301}\n\\.")
            rows.textArray(["", "a,b", "券"])
            try session.insert(into: "sample", rows)
            let result = try session.execute(
                "SELECT number, small, large, flag, day, day::text, bytes, words, list[2], cardinality(list) FROM sample"
            )
            #expect(result.count == 1)
            #expect(result.int(0, 0) == Int64(Int32.min))
            #expect(result.int(0, 1) == Int64(Int16.min))
            #expect(result.int(0, 2) == .max)
            #expect(result.bool(0, 3) == true)
            #expect(result.date(0, 4) == 20_604)
            #expect(result.text(0, 5) == "2026-05-31")
            #expect(result.bytes(0, 6) == [0, 255, 0])
            #expect(Array(result.text(0, 7).utf8) == Array("深圳\te\u{301}\n\\.".utf8))
            return "\(result.text(0, 8)) \(result.int(0, 9))"
        }

        #expect(answer == "a,b 3")
    }

    @Test("NULL arrives as NULL in every column")
    func nulls() async throws {
        let answer = try await pool.run { session in
            try session.run(script: CopyTests.table)
            var rows = CopyRows()
            CopyTests.nullRow(1, to: &rows)
            try session.insert(into: "sample", rows)
            let result = try session.execute("SELECT small, large, flag, day, bytes, words, list FROM sample")
            #expect(result.date(0, 3) == nil)
            #expect(result.optionalInt(0, 1) == nil)
            return (0..<7).map { result.isNull(0, $0) }
        }

        #expect(answer == [Bool](repeating: true, count: 7))
    }

    @Test(
        "a date is the same day on both sides",
        arguments: [
            (0, "1970-01-01"), (-1, "1969-12-31"), (10_957, "2000-01-01"), (-25_567, "1900-01-01"),
            (376_199, "2999-12-31"),
        ]
            as [(Int32, String)])
    func dates(days: Int32, text: String) async throws {
        let answer = try await pool.run { session in
            try session.run(script: "CREATE TABLE day (day date)")
            var rows = CopyRows()
            rows.row(fields: 1)
            rows.date(daysSince1970: days)
            try session.insert(into: "day (day)", rows)
            let result = try session.execute("SELECT day, day::text FROM day")
            return (result.date(0, 0), result.text(0, 1))
        }

        #expect(answer == (days, text))
    }

    @Test("a field of five megabytes arrives whole")
    func large() async throws {
        let value = (0..<(5 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 37) }

        let answer = try await pool.run { session in
            try session.run(script: "CREATE TABLE large (bytes bytea)")
            var rows = CopyRows(reserving: 6 << 20)
            rows.row(fields: 1)
            rows.bytea(value)
            try session.insert(into: "large", rows)
            return try session.execute("SELECT bytes FROM large").bytes(0, 0)
        }

        #expect(answer == value)
    }

    @Test("ten thousand rows arrive, none twice")
    func manyRows() async throws {
        let answer = try await pool.run { session in
            try session.run(script: CopyTests.table)
            var rows = CopyRows()
            for number in 1...10_000 { CopyTests.nullRow(Int32(number), to: &rows) }
            #expect(rows.count == 10_000)
            try session.insert(into: "sample", rows)
            let result = try session.execute("SELECT count(*), sum(number)::int8 FROM sample")
            return (result.int(0, 0), result.int(0, 1))
        }

        #expect(answer == (10_000, 50_005_000))
    }

    @Test("no rows are no statement at all")
    func noRows() async throws {
        try await pool.run { try $0.insert(into: "there_is_no_such_table", CopyRows()) }
    }

    @Test("a row that breaks a constraint refuses all of them by name, and the connection goes on")
    func violation() async throws {
        let pool = pool
        try await pool.run { try $0.run(script: CopyTests.table) }
        var rows = CopyRows()
        CopyTests.nullRow(1, to: &rows)
        CopyTests.nullRow(1, to: &rows)
        let repeated = rows

        let error = await #expect(throws: PostgresError.self) {
            try await pool.run { try $0.insert(into: "sample", repeated) }
        }

        #expect(error?.code == .uniqueViolation)
        #expect(error?.constraint == "sample_pkey")
        #expect(try await pool.run { try $0.execute("SELECT count(*) FROM sample").int(0, 0) } == 0)
    }

    @Test("a row with too few fields is refused and stores nothing")
    func missingField() async throws {
        let pool = pool
        try await pool.run { try $0.run(script: CopyTests.table) }
        var rows = CopyRows()
        rows.row(fields: 1)
        rows.int4(1)
        let short = rows

        await #expect(throws: PostgresError.self) {
            try await pool.run { try $0.insert(into: "sample (number, small)", short) }
        }
        #expect(try await pool.run { try $0.execute("SELECT count(*) FROM sample").int(0, 0) } == 0)
    }

    @Test("a table that is not there is an error with its code, and the connection goes on")
    func unknownTable() async throws {
        let pool = pool
        var rows = CopyRows()
        CopyTests.nullRow(1, to: &rows)
        let row = rows

        let error = await #expect(throws: PostgresError.self) {
            try await pool.run { try $0.insert(into: "there_is_no_such_table", row) }
        }

        #expect(error?.code.rawValue == "42P01")
        #expect(try await pool.run { try $0.execute("SELECT 1").int(0, 0) } == 1)
    }

    @Test("rows copied in a transaction that throws are gone")
    func rolledBack() async throws {
        struct Stop: Error {}
        let pool = pool
        try await pool.run { try $0.run(script: CopyTests.table) }

        await #expect(throws: Stop.self) {
            try await pool.transaction { session in
                var rows = CopyRows()
                CopyTests.nullRow(1, to: &rows)
                try session.insert(into: "sample", rows)
                throw Stop()
            }
        }
        #expect(try await pool.run { try $0.execute("SELECT count(*) FROM sample").int(0, 0) } == 0)
    }
}
