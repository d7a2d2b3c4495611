package import Hummingbird

/// The languages in which every screen exists.
package enum Language: String, CaseIterable, Sendable {
    case chinese = "zh"
    case english = "en"

    /// As `lang` attributes have it.
    package var tag: String { self == .chinese ? "zh-CN" : "en" }

    package var other: Language { self == .chinese ? .english : .chinese }

    /// The one that was chosen by switch (a cookie), or else the first that the browser prefers (RFC 9110 §12.5.4), or
    /// else Chinese.
    package init(_ request: Request) {
        let chosen = Cookie.values(of: request)[Cookie.language].flatMap(Language.init(rawValue:))
        self = chosen ?? Language.preferred(request.headers[.acceptLanguage] ?? "") ?? .chinese
    }

    static func preferred(_ header: String) -> Language? {
        let ranges = header.split(separator: ",").compactMap { part -> (language: Language, weight: Double)? in
            let pieces = part.split(separator: ";").map { $0.filter { $0 != " " } }
            guard let tag = pieces.first?.lowercased(), let language = Language(rawValue: String(tag.prefix(2))),
                tag.count == 2 || tag.dropFirst(2).first == "-"
            else { return nil }
            let weight = pieces.dropFirst().first { $0.hasPrefix("q=") }.flatMap { Double($0.dropFirst(2)) } ?? 1
            return weight > 0 ? (language, weight) : nil
        }
        let best = ranges.map(\.weight).max()
        return ranges.first { $0.weight == best }?.language
    }
}
