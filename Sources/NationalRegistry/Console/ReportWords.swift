import WebConsole

/// What a report says to people in their language: its headings, and the values that are names of something. Programs get
/// the names themselves.
struct ReportWords {
    let phrases: Phrasebook
    let language: Language

    func heading(_ column: String) -> String { phrases.text("column_\(column)", in: language) }

    /// What a cell shows; the value itself where it names nothing, or nothing that has a phrase.
    func cell(_ value: String, in column: String) -> String {
        switch column {
        case "rule": phrases.ruleName(value, in: language)
        case "state": known("case_\(value)") ?? value
        case "stage", "other_stage": known("stage_\(value)") ?? value
        case "event": known("event_\(value)") ?? value
        case "code": known("code_\(value)") ?? value
        case "key": key(value)
        case "what": finding(value)
        default: value
        }
    }

    /// A key as people read it: its kind, and what it is made of.
    private func key(_ value: String) -> String {
        let words = value.split(separator: " ", maxSplits: 1).map(String.init)
        guard let kind = words.first, let name = known("key_\(kind)") else { return value }
        return ([name] + words.dropFirst()).joined(separator: " ")
    }

    /// How a claim stands that was paid, or what became of a bank's confirmation.
    private func finding(_ value: String) -> String {
        let words = value.split(separator: " ", maxSplits: 1).map(String.init)
        guard words.count == 2, words[0] == "confirmation", let state = known("state_\(words[1])") else {
            return known("state_\(value)") ?? value
        }
        return "\(phrases.text("what_confirmation", in: language)) · \(state)"
    }

    private func known(_ key: String) -> String? { phrases.known(key, in: language) }
}
