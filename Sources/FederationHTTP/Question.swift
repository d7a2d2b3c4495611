import Foundation
import HTTPTypes
package import Hummingbird

/// What a query asks for, by name. Names that it does not know are refused: a filter with a typo in it must not
/// give more than was asked for.
package struct Question: Hashable, Sendable {
    /// Values that are not empty, by name.
    package let values: [String: String]

    /// - Throws: ``Problem`` for a name that is not among `known`, and for a value with a control character.
    package init(_ values: [String: String], known: [String]) throws {
        for name in values.keys.sorted() where !known.contains(name) {
            throw Problem(
                .badRequest, "query",
                known.isEmpty
                    ? "\(name): nothing can be asked for here"
                    : "\(name): there is no such parameter; there are \(known.joined(separator: ", "))")
        }
        for (name, value) in values where value.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
        {
            throw Problem(.badRequest, "query", "\(name) has a control character in it")
        }
        self.values = values.filter { !$0.value.isEmpty }
    }

    /// - Throws: ``Problem`` also for a name that is given twice, and for a query that is not percent-encoded UTF-8.
    package init(_ request: Request, known: [String]) throws {
        try self.init(try Question.values(of: request), known: known)
    }

    /// Reads what a person has typed or pasted into a form: white space around a value says nothing, and of each run of it
    /// within a value, tabs and line breaks among it, one space is left.
    ///
    /// - Throws: As for a request of a program; other control characters are refused here, too.
    package init(typed request: Request, known: [String]) throws {
        try self.init(try Question.values(of: request).mapValues(Question.folded), known: known)
    }

    /// By scalars: what is put on top of a space is no white space.
    private static func folded(_ text: String) -> String {
        text.unicodeScalars.split { $0.properties.isWhitespace }.map { String($0) }.joined(separator: " ")
    }

    private static func values(of request: Request) throws -> [String: String] {
        var values: [String: String] = [:]
        for part in (request.uri.query ?? "").split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            // As forms encode it: a plus sign is a space.
            let texts = pair.map { $0.replacing("+", with: " ").removingPercentEncoding }
            guard let name = texts.first ?? nil, let value = texts.count == 2 ? texts[1] : "" else {
                throw Problem(.badRequest, "query", "\(part) is not percent-encoded UTF-8")
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw Problem(.badRequest, "query", "\(name) is given twice")
            }
        }
        return values
    }

    package func text(_ name: String) -> String? { values[name] }

    /// What `parse` makes of a value.
    package func value<T>(_ name: String, _ form: String, _ parse: (String) -> T?) throws -> T? {
        guard let text = values[name] else { return nil }
        guard let value = parse(text) else { throw Problem(.badRequest, "query", "\(name): expected \(form)") }
        return value
    }

    package func number(_ name: String, in range: ClosedRange<Int64>) throws -> Int64? {
        try value(name, "a number from \(range.lowerBound) to \(range.upperBound)") { text in
            Int64(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// One of some words.
    package func word(_ name: String, of words: [String]) throws -> String? {
        try value(name, words.joined(separator: ", ")) { words.contains($0) ? $0 : nil }
    }

    /// How many items a page has where the question does not say: as many as the consoles show.
    package static let usualLimit = 50

    /// The most items of a page: 1 to 1,000, and ``usualLimit`` when left out.
    package func limit() throws -> Int {
        try number("limit", in: 1...1_000).map(Int.init) ?? Question.usualLimit
    }

    /// The query that asks for these values, names in order.
    package static func query(_ values: [String: String]) -> String {
        values.sorted { $0.key < $1.key }
            .map { "\($0.key)=\(encoded($0.value))" }.joined(separator: "&")
    }

    /// A text with all but the unreserved characters encoded.
    package static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
    }

    /// RFC 3986 §2.3.
    private static let unreserved = CharacterSet(
        charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~")
}
