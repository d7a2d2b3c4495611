import Mustache

/// Text within a page's HTML, in elements and in quoted attributes.
///
/// Escapes by unicode scalars: a quote or an angle bracket that a combining mark follows, or a prepended sign precedes, is
/// one `Character` with it, and markup to a browser all the same.
struct PageText: MustacheContentType {
    /// What a template begins with, so that it is rendered with this.
    static let pragma = "{{% CONTENT_TYPE:PAGE}}"

    static let isRegistered: Bool = {
        MustacheContentTypes.register(PageText(), named: "PAGE")
        return true
    }()

    func escapeText(_ text: String) -> String {
        var escaped = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": escaped.append(contentsOf: "&lt;".unicodeScalars)
            case ">": escaped.append(contentsOf: "&gt;".unicodeScalars)
            case "&": escaped.append(contentsOf: "&amp;".unicodeScalars)
            case "\"": escaped.append(contentsOf: "&quot;".unicodeScalars)
            case "'": escaped.append(contentsOf: "&#39;".unicodeScalars)
            default: escaped.append(scalar)
            }
        }
        return String(escaped)
    }
}
