import Foundation

/// The words of all screens, in both languages.
package struct Phrasebook: Sendable {
    package struct Failure: Error, CustomStringConvertible { package let description: String }

    /// By key; the Chinese first.
    private let phrases: [String: [String]]

    /// - Parameter files: JSON objects of two texts a key, Chinese and English.
    /// - Throws: ``Failure`` when a key is there twice, or has not two texts.
    package init(_ files: [[UInt8]]) throws {
        var all: [String: [String]] = [:]
        for file in files {
            for (key, texts) in try JSONDecoder().decode([String: [String]].self, from: Data(file)) {
                guard texts.count == 2, all.updateValue(texts, forKey: key) == nil else {
                    throw Failure(description: "the phrase \(key) is there twice, or has not two texts")
                }
            }
        }
        phrases = all
    }

    /// All phrases by key, for templates.
    package func texts(in language: Language) -> [String: String] {
        phrases.compactMapValues { $0[language == .chinese ? 0 : 1] }
    }

    /// One phrase; its key where there is none.
    package func text(_ key: String, in language: Language) -> String {
        phrases[key]?[language == .chinese ? 0 : 1] ?? key
    }

    /// The half of a sentence that is written in both languages, Chinese first, parted by " / ".
    package static func half(of sentence: String, in language: Language) -> String {
        guard let bar = sentence.range(of: " / ") else { return sentence }
        return String(language == .chinese ? sentence[..<bar.lowerBound] : sentence[bar.upperBound...])
    }
}
