import Foundation
import Testing

/// The words of a console in one language, by their keys: tests look them up in the phrase files and spell none, so that
/// they do not hang on how something is said.
struct ConsoleWords {
    /// As browsers ask for it and as `lang` attributes have it.
    let language: String
    private let texts: [String: String]

    /// Every language that the consoles speak.
    static let languages = ["zh-CN", "en"]

    /// The words of the registry's console.
    static func registry(_ language: String) throws -> ConsoleWords {
        try ConsoleWords(language, "NationalRegistry/Resources/registry_phrases.json")
    }

    /// The words of a city's console.
    static func city(_ language: String) throws -> ConsoleWords {
        try ConsoleWords(language, "CityNode/Resources/city_phrases.json")
    }

    private init(_ language: String, _ own: String) throws {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent()
        var texts: [String: String] = [:]
        for file in ["WebConsole/Resources/phrases.json", own] {
            let bytes = try Data(contentsOf: root.appending(path: "Sources/\(file)"))
            // The Chinese comes first.
            for (key, both) in try JSONDecoder().decode([String: [String]].self, from: bytes) {
                texts[key] = language == "en" ? both.last : both.first
            }
        }
        self.language = language
        self.texts = texts
    }

    /// A phrase; it is an error when there is none of that key.
    func text(_ key: String) throws -> String { try #require(texts[key], "no phrase has the key \(key)") }

    /// Whether a sentence is in this language: the Chinese ones have Chinese characters in them.
    func isLanguage(of sentence: String) -> Bool {
        sentence.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) } == (language != "en")
    }

    /// Whether a text says a message that the rule book writes in both languages in this one: the English half or none of it.
    func isSaid(_ message: String, in text: String) throws -> Bool {
        let english = try #require(message.components(separatedBy: " / ").last)
        try #require(english != message, "\(message) is in one language")
        return text.contains(english) == (language == "en")
    }
}
