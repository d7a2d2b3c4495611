import PostgresClient
import TestSupport
import Testing

@Suite("Bound values", .database)
struct ParameterTests {
    private let pool = TestDatabase.current.pool

    @Test("a boolean comes back as it was sent", arguments: [true, false])
    func bool(value: Bool) async throws {
        let answer = try await pool.run { session in
            let result = try session.execute("SELECT $1::bool, $1::bool::text", [.bool(value)])
            return (result.bool(0, 0), result.text(0, 1))
        }

        #expect(answer == (value, "\(value)"))
    }

    @Test("an integer of four bytes comes back as it was sent", arguments: [0, 1, -1, 255, -256, .min, .max, nil])
    func int4(value: Int32?) async throws {
        let answer = try await pool.run { session in
            let result = try session.execute("SELECT $1::int4, $1::int4::text", [.int4(value)])
            return (result.optionalInt(0, 0), result.text(0, 1))
        }

        #expect(answer == (value.map(Int64.init), value.map { "\($0)" } ?? ""))
    }

    @Test("an integer of eight bytes comes back as it was sent", arguments: [0, 1, -1, 1 << 32, .min, .max, nil])
    func int8(value: Int64?) async throws {
        let answer = try await pool.run { session in
            let result = try session.execute("SELECT $1::int8, $1::int8::text", [.int8(value)])
            return (result.optionalInt(0, 0), result.text(0, 1))
        }

        #expect(answer == (value, value.map { "\($0)" } ?? ""))
    }

    @Test("a smallint is read with its sign", arguments: [0, -1, Int64(Int16.min), Int64(Int16.max)])
    func int2(value: Int64) async throws {
        let answer = try await pool.run { try $0.execute("SELECT $1::int8::int2", [.int8(value)]).int(0, 0) }

        #expect(answer == value)
    }

    @Test(
        "a text comes back byte for byte",
        arguments: ["", " ", "a'b\"c\\", "深圳市算力券", "e\u{301}", "\u{E9}", "👩‍👩‍👧"])
    func text(value: String) async throws {
        let answer = try await pool.run { session in
            let result = try session.execute("SELECT $1::text, octet_length($1::text)", [.text(value)])
            return (Array(result.text(0, 0).utf8), Int(result.int(0, 1)), result.isNull(0, 0))
        }

        #expect(answer == (Array(value.utf8), value.utf8.count, false))
    }

    @Test("bytes come back as they were sent", arguments: [[], [0], [0, 0, 0], Array(0...255)])
    func bytea(value: [UInt8]) async throws {
        let answer = try await pool.run { session in
            let result = try session.execute("SELECT $1::bytea, octet_length($1::bytea)", [.bytea(value)])
            return (result.bytes(0, 0), Int(result.int(0, 1)), result.isNull(0, 0))
        }

        #expect(answer == (value, value.count, false))
    }

    @Test("NULL is told apart from an empty text and from empty bytes")
    func null() async throws {
        let answer = try await pool.run { session in
            let result = try session.execute(
                "SELECT $1::text, $2::bytea, $3::text, $4::bytea", [.text(nil), .bytea(nil), .text(""), .bytea([])])
            return (0..<4).map { result.isNull(0, $0) }
        }

        #expect(answer == [true, true, false, false])
    }

    @Test("values of several types, NULL among them, reach their own places")
    func several() async throws {
        let answer = try await pool.run { session in
            let result = try session.execute(
                "SELECT $5::text, $4::bytea, $3::int8, $2::text, $1::int4",
                [.int4(-7), .text(nil), .int8(.max), .bytea([]), .text("券")])
            return (
                result.text(0, 0), result.bytes(0, 1), result.int(0, 2), result.isNull(0, 3), result.int(0, 4)
            )
        }

        #expect(answer == ("券", [], .max, true, -7))
    }

    @Test("five megabytes go there and come back")
    func large() async throws {
        let value = (0..<(5 << 20)).map { UInt8(truncatingIfNeeded: $0 &* 31) }

        let answer = try await pool.run { try $0.execute("SELECT $1::bytea", [.bytea(value)]).bytes(0, 0) }

        #expect(answer == value)
    }

    @Test("a text with a zero byte is refused by PostgreSQL, and the connection goes on")
    func zeroByte() async throws {
        await #expect(throws: PostgresError.self) {
            try await pool.run { _ = try $0.execute("SELECT $1::text", [.text("a\u{0}b")]) }
        }

        #expect(try await pool.run { try $0.execute("SELECT 1").int(0, 0) } == 1)
    }

    @Test("one statement's text may be used with values of another type")
    func otherTypes() async throws {
        let answer = try await pool.run { session in
            let number = try session.execute("SELECT $1", [.int8(7)]).int(0, 0)
            return (number, try session.execute("SELECT $1", [.text("seventh")]).text(0, 0))
        }

        #expect(answer == (7, "seventh"))
    }
}
