import Foundation
import Testing

extension BadInputTests {
    @Suite("Encodings of a file")
    struct EncodingTests {
        private let federation = BadInputFederation.current

        /// The names in ``ClaimFile`` and one rare character, as GB18030 writes them.
        private static let gb18030: [(text: String, bytes: [UInt8])] = [
            (
                "银达深智能科技有限公司",
                [
                    0xD2, 0xF8, 0xB4, 0xEF, 0xC9, 0xEE, 0xD6, 0xC7, 0xC4, 0xDC, 0xBF, 0xC6, 0xBC, 0xBC, 0xD3, 0xD0,
                    0xCF, 0xDE,
                    0xB9, 0xAB, 0xCB, 0xBE,
                ]
            ),
            (
                "舟辰天算力中心有限公司",
                [
                    0xD6, 0xDB, 0xB3, 0xBD, 0xCC, 0xEC, 0xCB, 0xE3, 0xC1, 0xA6, 0xD6, 0xD0, 0xD0, 0xC4, 0xD3, 0xD0,
                    0xCF, 0xDE,
                    0xB9, 0xAB, 0xCB, 0xBE,
                ]
            ),
            // Four bytes, which GBK does not have.
            ("𠮷", [0x95, 0x34, 0xB2, 0x35]),
        ]

        @Test("a file in GB18030 is read as it was written")
        func gb18030File() async throws {
            let city = try await federation.city()
            var file = Data(
                ClaimFile.file([ClaimFile.row(1, of: city), ClaimFile.row(2, of: city, ["enterprise_name": "𠮷"])]))
            for (text, bytes) in Self.gb18030 {
                while let range = file.range(of: Data(text.utf8)) { file.replaceSubrange(range, with: bytes) }
            }

            let result = try await city.importClaims(file)

            #expect(result.status == 0, "\(result.errors)")
            #expect(try await city.show(city.claim(1)).enterprise_name == "银达深智能科技有限公司")
            #expect(try await city.show(city.claim(2)).enterprise_name == "𠮷")
        }

        @Test("a byte order mark is no part of the first column's name")
        func byteOrderMark() async throws {
            let city = try await federation.city()

            let result = try await city.importClaims([0xEF, 0xBB, 0xBF] + ClaimFile.file(1, of: city))

            #expect(result.status == 0, "\(result.errors)")
            #expect(try await city.states() == [city.claim(1): "recorded"])
        }

        @Test("the same file in UTF-8, with a mark and in GB18030 is the same file")
        func sameInEveryEncoding() async throws {
            let city = try await federation.city()
            let utf8 = ClaimFile.file(1, of: city)
            var other = Data(utf8)
            for (text, bytes) in Self.gb18030 {
                while let range = other.range(of: Data(text.utf8)) { other.replaceSubrange(range, with: bytes) }
            }
            _ = try await city.importClaims(utf8)

            for file in [[0xEF, 0xBB, 0xBF] + utf8, Array(other)] {
                #expect(try await city.importClaims(file).summary.contains("1 rows, 0 recorded, 1 unchanged"))
            }
        }

        @Test("bytes that are no text are refused by row and column, and the rows around them are taken over")
        func invalidBytes() async throws {
            let city = try await federation.city()

            let result = try await city.importClaims(try Self.fileWithInvalidBytes(of: city))

            #expect(result.status == 1)
            result.expectSaid("claims.csv, row 3")
            result.expectSaid("enterprise_name: these bytes are no UTF-8")
            #expect(result.summary.contains("3 rows, 2 recorded, 0 unchanged, 1 invalid"), "\(result.summary)")
            let states = try await city.states()
            #expect(states[city.claim(1)] == "recorded")
            #expect(states[city.claim(3)] == "recorded")
            #expect(try await city.sync().log_head == 3)
        }

        /// Design page, §8: a row that fails validation is kept with its reasons, row number and column.
        @Test("a row with bytes that are no text is kept as invalid, and may be corrected under its number")
        func invalidBytesAreKept() async throws {
            let city = try await federation.city()
            _ = try await city.importClaims(try Self.fileWithInvalidBytes(of: city))
            #expect(try await city.states()[city.claim(2)] == "invalid")

            let corrected = try await city.importClaims(ClaimFile.file(3, of: city))

            #expect(corrected.status == 0)
            #expect(corrected.summary.contains("3 rows, 1 recorded, 2 unchanged"), "\(corrected.summary)")
            #expect(Set(try await city.states().values) == ["recorded"])
        }

        /// Three rows of UTF-8, of which the second has two bytes that no encoding has in a name.
        private static func fileWithInvalidBytes(of city: TestCity) throws -> Data {
            let second = ClaimFile.row(2, of: city, ["enterprise_name": "MARK"])
            var file = Data(ClaimFile.file([ClaimFile.row(1, of: city), second, ClaimFile.row(3, of: city)]))
            let mark = try #require(file.range(of: Data("MARK".utf8)))
            file.replaceSubrange(mark, with: [0xFF, 0xFE])
            return file
        }
    }
}
