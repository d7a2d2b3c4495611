import PostgresClient
import TestSupport
import Testing

@Suite("Bound arrays", .database)
struct ArrayTests {
    private let pool = TestDatabase.current.pool

    @Test(
        "an array of four-byte integers keeps its order and its extremes",
        arguments: [[], [0], [3, 1, 2, 1], [.min, -1, .max]])
    func int4(values: [Int32]) async throws {
        let answer = try await pool.run { session in
            let result = try session.execute("SELECT * FROM unnest($1::int4[])", [.int4Array(values)])
            return (0..<result.count).map { Int32(result.int($0, 0)) }
        }

        #expect(answer == values)
    }

    @Test(
        "an array of eight-byte integers keeps its order and its extremes",
        arguments: [[], [0], [3, 1, 2, 1], [.min, -1, .max]])
    func int8(values: [Int64]) async throws {
        let answer = try await pool.run { session in
            let result = try session.execute("SELECT * FROM unnest($1::int8[])", [.int8Array(values)])
            return (0..<result.count).map { result.int($0, 0) }
        }

        #expect(answer == values)
    }

    @Test("an array of truths keeps its order", arguments: [[], [true], [false, true, true, false]])
    func bool(values: [Bool]) async throws {
        let answer = try await pool.run { session in
            let result = try session.execute("SELECT * FROM unnest($1::bool[])", [.boolArray(values)])
            return (0..<result.count).map { result.bool($0, 0) }
        }

        #expect(answer == values)
    }

    @Test(
        "an array of texts keeps empty ones, separators and composition",
        arguments: [[], [""], ["", "", ""], ["a,b", "{c}", "\"d\"", "NULL", "\\"], ["券", "e\u{301}", "\u{E9}"]])
    func text(values: [String]) async throws {
        let answer = try await pool.run { session in
            let result = try session.execute("SELECT * FROM unnest($1::text[])", [.textArray(values)])
            return (0..<result.count).map { Array(result.text($0, 0).utf8) }
        }

        #expect(answer == values.map { Array($0.utf8) })
    }

    @Test(
        "an array of byte strings keeps empty ones and zeros",
        arguments: [[], [[]], [[], [0], [0, 0]], [Array(0...255)]])
    func bytea(values: [[UInt8]]) async throws {
        let answer = try await pool.run { session in
            let result = try session.execute("SELECT * FROM unnest($1::bytea[])", [.byteaArray(values)])
            return (0..<result.count).map { result.bytes($0, 0) }
        }

        #expect(answer == values)
    }

    @Test("arrays of ten thousand elements keep every one, in order")
    func tenThousand() async throws {
        let numbers = Array(Int32(-5_000)..<5_000)
        let texts = numbers.map { "发票-\($0)" }
        let isEqual = try await pool.run { session in
            let result = try session.execute(
                "SELECT * FROM unnest($1::int4[], $2::int8[], $3::text[], $4::bytea[])",
                [
                    .int4Array(numbers), .int8Array(numbers.map { Int64($0) << 40 }), .textArray(texts),
                    .byteaArray(texts.map { Array($0.utf8) }),
                ])
            #expect(result.count == 10_000)
            return numbers.indices.allSatisfy { row in
                result.int(row, 0) == Int64(numbers[row]) && result.int(row, 1) == Int64(numbers[row]) << 40
                    && result.text(row, 2) == texts[row] && result.bytes(row, 3) == Array(texts[row].utf8)
            }
        }

        #expect(isEqual)
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
