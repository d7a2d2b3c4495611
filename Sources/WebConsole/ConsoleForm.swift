import FederationHTTP
import Foundation
package import Hummingbird

/// The fields of a form that a browser sent (`application/x-www-form-urlencoded`).
package struct ConsoleForm: Sendable {
    private let fields: [(name: String, value: String)]

    /// - Throws: `Problem` when the body is over `limit` bytes or no form.
    package init(_ request: Request, upTo limit: Int = 64 << 10) async throws {
        let body = String(decoding: try await request.bytes(upTo: limit), as: UTF8.self)
        var parts = URLComponents()
        guard body.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }) else { throw ConsoleForm.malformed }
        // URLComponents stops the process at what is no encoding.
        guard body.replacing("+", with: " ").removingPercentEncoding != nil else { throw ConsoleForm.malformed }
        let allowed = CharacterSet.urlQueryAllowed.union(CharacterSet(charactersIn: "%"))
        guard body.unicodeScalars.allSatisfy(allowed.contains) else { throw ConsoleForm.malformed }
        parts.percentEncodedQuery = body.replacing("+", with: "%20")
        fields = (parts.queryItems ?? []).map { ($0.name, $0.value ?? "") }
    }

    private static let malformed = Problem(.badRequest, "malformed", "expected the fields of a form")

    /// The last value of a field, without white space around it; `nil` where it is not given or empty.
    package func text(_ name: String) -> String? {
        let text = fields.last { $0.name == name }?.value.trimmingCharacters(in: .whitespacesAndNewlines)
        return text.flatMap { $0.isEmpty ? nil : $0 }
    }

    /// The same in one line: what goes into a log has no line breaks and tabs in it.
    package func line(_ name: String) -> String? {
        text(name)?.split { $0.isNewline || $0 == "\t" }.joined(separator: " ")
    }

    /// All fields whose names begin with `prefix`, by the rest of the name.
    package func values(prefix: String) -> [(name: String, value: String)] {
        fields.filter { $0.name.hasPrefix(prefix) }.map { (String($0.name.dropFirst(prefix.count)), $0.value) }
    }

    /// All fields that are not empty, by name.
    package var all: [String: String] {
        Dictionary(fields.filter { !$0.value.isEmpty }, uniquingKeysWith: { $1 })
    }
}
