import Foundation
import Replication
import Testing

@testable import CityStore

/// How the store keeps a form's fields.
@Suite("Stored fields")
struct StoredFieldsTests {
    @Test("a form is read as it was typed, whatever was typed, and is the same text for the same fields")
    func readAsTyped() throws {
        var generator = SeededGenerator(seed: 7)
        let pieces = [
            "", "算力券", "\"", "\\", "\n", "\u{0}", "\u{1f}", "é", "e\u{301}", "👩🏽‍💻", "/", "a b", "\u{2028}", "}",
        ]
        for _ in 0..<300 {
            func piece() -> String {
                (0..<Int.random(in: 0...4, using: &generator)).map { _ in pieces.randomElement(using: &generator) ?? ""
                }
                .joined()
            }
            let fields = Dictionary(
                (0..<Int.random(in: 0...5, using: &generator)).map { ("\($0)\(piece())", piece()) },
                uniquingKeysWith: { $1 })

            let text = StoredJSON.text(fields)

            #expect(try StoredJSON.fields(text).mapValues { Array($0.utf8) } == fields.mapValues { Array($0.utf8) })
            let object = try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: String]
            #expect(object == fields)
            #expect(StoredJSON.text(Dictionary(uniqueKeysWithValues: Array(fields).reversed())) == text)
        }
    }
}
