import Foundation
import Testing

@Suite("Refusals in Chinese")
struct RefusalMessageTests {
    /// The English that the consoles have the Chinese of, with `{}` for each placeholder.
    private static var known: Set<String> {
        get throws {
            let file = SourceTree.root.appendingPathComponent("Sources/WebConsole/Resources/messages.json")
            let entries = try JSONDecoder().decode([String: String].self, from: try Data(contentsOf: file))
            return Set(entries.keys.map { $0.replacing(/\{[0-9]+\}/, with: "{}") })
        }
    }

    @Test(
        "the consoles have the Chinese of every refusal that is written in the sources",
        arguments: ["StoreRefusal", "RegistryRefusal"])
    func everyRefusal(type: String) throws {
        let known = try Self.known
        let call = try Regex("\\b\(type)\\(\\s*\\.[A-Za-z]+,\\s*")
        var count = 0
        for folder in ["CityNode", "CityStore", "NationalRegistry", "RegistryStore"] {
            for file in try SourceTree.swiftFiles(in: "Sources/\(folder)") {
                for match in file.text.matches(of: call) {
                    var reader = LiteralReader(file.text[match.range.upperBound...])
                    // Others are told by something else, or have no words of their own around what they quote.
                    guard let message = reader.argument(), message.contains(where: \.isLetter) else { continue }
                    count += 1
                    #expect(known.contains(message), "\(file.path): \(message)")
                }
            }
        }

        #expect(count >= 40)
    }

    @Test("the consoles have the Chinese of every sentence by which the fold refuses an entry or a payment")
    func everyFault() throws {
        let known = try Self.known
        var count = 0
        for file in try SourceTree.swiftFiles(in: "Sources/Arbitration") {
            guard file.path.split(separator: "/").last?.hasPrefix("Fold") ?? false else { continue }
            let lines = file.text.split(separator: "\n").filter { !$0.drop(while: \.isWhitespace).hasPrefix("//") }
            let text = lines.joined(separator: "\n")
            var reader = LiteralReader(text[...])
            // Names and keys have no spaces in them.
            while let sentence = reader.next() {
                guard sentence.contains(" ") else { continue }
                count += 1
                #expect(known.contains(sentence), "\(file.path): \(sentence)")
            }
        }

        #expect(count >= 25)
    }

    private static let sources: [(source: String, text: String?)] = [
        (#""plain")"#, "plain"), (#""one " + "two")"#, "one two"), ("\"one \"\n    + \"two\"\n)", "one two"),
        (#""claim \(number) is \(state ?? "unknown")")"#, "claim {} is {}"),
        (#""cannot write \(path): \(String(cString: strerror(errno)))")"#, "cannot write {}: {}"),
        (#""\(names.map { "\($0)" }.joined(separator: ", ")) of \"all\"")"#, #"{} of "all""#),
        (#"fault.message)"#, nil), (#""one" + two)"#, nil), (#""one".uppercased())"#, nil), (#""open"#, nil),
    ]

    @Test("all literals of a source are read, one after another")
    func literals() {
        var reader = LiteralReader(#"f(a ? "one \(b("x"))" : "two " + "three", [0: "four"]) + 5"#[...])
        var texts: [String] = []
        while let text = reader.next() { texts.append(text) }

        #expect(texts == ["one {}", "two three", "four"])
    }

    @Test("what is written there is read as the compiler reads it", arguments: sources)
    func reading(source: String, text: String?) {
        var reader = LiteralReader(source[...])

        #expect(reader.argument() == text)
    }
}

/// Reads the last argument of a call as it stands in Swift sources, with `{}` in the place of each interpolation.
private struct LiteralReader {
    private var rest: Substring

    init(_ rest: Substring) { self.rest = rest }

    /// The text of an argument that is made of literals; `nil` for every other one.
    mutating func argument() -> String? {
        guard let text = sum() else { return nil }
        return rest.first == ")" ? text : nil
    }

    /// The text of the next literals, wherever they stand; `nil` behind the last ones.
    mutating func next() -> String? {
        while let start = rest.firstIndex(of: "\"") {
            rest = rest[start...]
            if let text = sum() { return text }
            rest = rest.dropFirst()
        }
        return nil
    }

    /// One literal, or several that are put together.
    private mutating func sum() -> String? {
        var text = ""
        repeat {
            skipSpace()
            guard let part = literal() else { return nil }
            text += part
            skipSpace()
        } while skip("+")
        return text
    }

    /// A literal of one line.
    private mutating func literal() -> String? {
        guard !rest.hasPrefix("\"\"\""), skip("\"") else { return nil }
        var text = ""
        while let character = rest.popFirst() {
            switch character {
            case "\"": return text
            case "\n": return nil
            case "\\":
                guard let escaped = rest.popFirst() else { return nil }
                if escaped == "(" {
                    guard skipInterpolation() else { return nil }
                    text += "{}"
                } else {
                    text.append(escaped)
                }
            default: text.append(character)
            }
        }
        return nil
    }

    /// - Returns: Whether it ends.
    private mutating func skipInterpolation() -> Bool {
        var depth = 1
        while depth > 0 {
            if rest.first == "\"" {
                guard literal() != nil else { return false }
                continue
            }
            guard let character = rest.popFirst() else { return false }
            if character == "(" { depth += 1 }
            if character == ")" { depth -= 1 }
        }
        return true
    }

    private mutating func skip(_ character: Character) -> Bool {
        guard rest.first == character else { return false }
        rest.removeFirst()
        return true
    }

    private mutating func skipSpace() { rest = rest.drop(while: \.isWhitespace) }
}
