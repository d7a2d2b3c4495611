import PostgresClient
import Testing

@Suite("Bound arrays", .database)
struct ArrayTests {
    private let pool = TestDatabase.current.pool

    @Test(
        "an array of four-byte integers keeps its order and its extremes",
        arguments: [[], [0], [3, 1, 2, 1], [.min, -1, .max], Array(-5_000..<5_000)])
    func int4(values: [Int32]) async throws {
        let answer = try await pool.run { session in
            let result = try session.execute("SELECT * FROM unnest($1::int4[])", [.int4Array(values)])
            return (0..<result.count).map { Int32(result.int($0, 0)) }
        }

        #expect(answer == values)
    }

    @Test(
        "an array of eight-byte integers keeps its order and its extremes",
        arguments: [[], [0], [3, 1, 2, 1], [.min, -1, .max], (0..<10_000).map { $0 << 40 }])
    func int8(values: [Int64]) async throws {
        let answer = try await pool.run { session in
            let result = try session.execute("SELECT * FROM unnest($1::int8[])", [.int8Array(values)])
            return (0..<result.count).map { result.int($0, 0) }
        }

        #expect(answer == values)
    }

    @Test(
        "an array of texts keeps empty ones, separators and composition",
        arguments: [
            [], [""], ["", "", ""], ["a,b", "{c}", "\"d\"", "NULL", "\\"], ["券", "e\u{301}", "\u{E9}"],
            (0..<10_000).map { "发票-\($0)" },
        ])
    func text(values: [String]) async throws {
        let answer = try await pool.run { session in
            let result = try session.execute("SELECT * FROM unnest($1::text[])", [.textArray(values)])
            return (0..<result.count).map { Array(result.text($0, 0).utf8) }
        }

        #expect(answer == values.map { Array($0.utf8) })
    }

    @Test(
        "an array of byte strings keeps empty ones and zeros",
        arguments: [[], [[]], [[], [0], [0, 0]], [Array(0...255)], (0..<10_000).map { [UInt8($0 & 255), 0, UInt8($0 >> 8)] }])
    func bytea(values: [[UInt8]]) async throws {
        let answer = try await pool.run { session in
            let result = try session.execute("SELECT * FROM unnest($1::bytea[])", [.byteaArray(values)])
            return (0..<result.count).map { result.bytes($0, 0) }
        }

        #expect(answer == values)
    }

    @Test("an empty array is an array without elements, not NULL")
    func empty() async throws {
        let answer = try await pool.run { session in
            let result = try session.execute(
                "SELECT cardinality($1::int4[]), cardinality($2::int8[]), cardinality($3::text[]), cardinality($4::bytea[])",
                [.int4Array([]), .int8Array([]), .textArray([]), .byteaArray([])])
            return (0..<4).map { result.optionalInt(0, $0) }
        }

        #expect(answer == [0, 0, 0, 0])
    }

    @Test("an array can be looked for with ANY, and arrays of one length can be joined row by row")
    func asRows() async throws {
        let answer = try await pool.run { session in
            let result = try session.execute(
                """
                SELECT n, t FROM unnest($1::int4[], $2::text[]) WITH ORDINALITY AS u(n, t, i)
                WHERE n = ANY($1) ORDER BY i
                """, [.int4Array([2, 1]), .textArray(["two", "one"])])
            return (0..<result.count).map { "\(result.int($0, 0)) \(result.text($0, 1))" }
        }

        #expect(answer == ["2 two", "1 one"])
    }
}
