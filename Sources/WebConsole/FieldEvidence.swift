import Foundation

/// The fields that speak for a detector's finding, as they stand in brackets at the end of its English half, the
/// relation in both languages and the field by its name in files: `(相同/same contract_no, 相近/similar invoice_numbers)`.
///
/// Pages name fields as their forms do, and each relation once.
struct FieldEvidence: Equatable {
    struct Group: Equatable {
        /// The phrase's key.
        let relation: String
        /// Names of fields as they came.
        var fields: [String]
    }

    /// In the order in which the relations came; empty for a sentence that names no fields.
    let groups: [Group]

    /// The phrase's key by what a finding says.
    private static let relations = [
        "相同/same": "match_same", "相近/similar": "match_similar", "不同/other": "match_other",
    ]

    /// Parts a sentence from the fields that it ends with.
    ///
    /// - Returns: All of it and no fields, where it does not end with fields and nothing else in brackets.
    static func parted(_ sentence: String) -> (sentence: String, evidence: FieldEvidence) {
        let none = (sentence, FieldEvidence(groups: []))
        guard sentence.hasSuffix(")"), let bracket = sentence.range(of: " (", options: .backwards) else { return none }
        var groups: [Group] = []
        for part in sentence[bracket.upperBound...].dropLast().components(separatedBy: ", ") {
            let words = part.components(separatedBy: " ")
            guard words.count == 2, let relation = relations[words[0]], !words[1].isEmpty else { return none }
            if let index = groups.firstIndex(where: { $0.relation == relation }) {
                groups[index].fields.append(words[1])
            } else {
                groups.append(Group(relation: relation, fields: [words[1]]))
            }
        }
        return (String(sentence[..<bracket.lowerBound]), FieldEvidence(groups: groups))
    }

    /// What a page says of them, to be put behind the sentence; empty for no fields.
    func text(_ phrases: Phrasebook, in language: Language) -> String {
        guard !groups.isEmpty else { return "" }
        let isChinese = language == .chinese
        let texts = groups.map { group in
            let fields = group.fields.map { phrases.text("field_\($0)", in: language) }
            return phrases.text(group.relation, in: language) + (isChinese ? "：" : ": ")
                + fields.joined(separator: isChinese ? "、" : ", ")
        }
        return isChinese ? "（\(texts.joined(separator: "；"))）" : " (\(texts.joined(separator: "; ")))"
    }
}
