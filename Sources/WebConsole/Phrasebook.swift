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
    package func text(_ key: String, in language: Language) -> String { known(key, in: language) ?? key }

    /// One phrase; `nil` where there is none.
    package func known(_ key: String, in language: Language) -> String? {
        phrases[key]?[language == .chinese ? 0 : 1]
    }

    /// What a rule is called; its id where a policy has one that nobody has named.
    package func ruleName(_ id: String, in language: Language) -> String { known("rule_\(id)", in: language) ?? id }

    /// A sentence that is written in both languages, Chinese first, parted by " / ".
    struct Halves {
        /// What stands in English before both, ended by ": "; empty for most.
        let lead: String
        let chinese: String
        let english: String
    }

    /// - Returns: `nil` for a sentence in one language.
    static func halves(of sentence: String) -> Halves? {
        guard let first = sentence.firstIndex(where: isChinese) else { return nil }
        let start = sentence[..<first].range(of: ": ", options: .backwards)?.upperBound ?? sentence.startIndex
        // English with a Chinese name in it.
        guard !sentence[start..<first].contains(where: \.isLetter) else { return nil }
        let parts = sentence[start...].components(separatedBy: " / ")
        guard parts.count > 1 else { return nil }
        // The Chinese half may have a bar of its own, and the English one bars and Chinese names behind its first word.
        let bar = parts.indices.dropFirst().first { beginsInEnglish(parts[$0]) } ?? 1
        return Halves(
            lead: String(sentence[..<start]), chinese: parts[..<bar].joined(separator: " / "),
            english: parts[bar...].joined(separator: " / "))
    }

    private static func beginsInEnglish(_ text: String) -> Bool {
        text.first(where: \.isLetter).map { !isChinese($0) } ?? false
    }

    private static func isChinese(_ character: Character) -> Bool {
        character.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) }
    }
}
