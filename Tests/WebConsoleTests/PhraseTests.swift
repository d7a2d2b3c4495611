import Foundation
import Testing

@testable import WebConsole

/// Every screen exists in both languages.
@Suite("Words of the consoles")
struct PhraseTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private struct Console {
        let phrases: [String: [String]]
        let templates: String
        let sources: String
    }

    private func console(_ folder: String, _ file: String) throws -> Console {
        var phrases: [String: [String]] = [:]
        var (templates, sources) = ("", "")
        for folder in ["WebConsole", folder] {
            let path = Self.root.appending(path: "Sources/\(folder)")
            for case let name as String in try #require(FileManager.default.enumerator(atPath: path.path)) {
                let file = path.appending(path: name)
                if name.hasSuffix(".mustache") { templates += try String(contentsOf: file, encoding: .utf8) }
                if name.hasSuffix(".swift") { sources += try String(contentsOf: file, encoding: .utf8) }
            }
        }
        for file in ["WebConsole/Resources/phrases.json", "\(folder)/Resources/\(file)"] {
            let data = try Data(contentsOf: Self.root.appending(path: "Sources/\(file)"))
            phrases.merge(try JSONDecoder().decode([String: [String]].self, from: data)) { own, _ in own }
        }
        return Console(phrases: phrases, templates: templates, sources: sources)
    }

    private static let consoles = [
        ("NationalRegistry", "registry_phrases.json"), ("CityNode", "city_phrases.json"),
    ]

    @Test("every word that a page shows is there, in Chinese and in English", arguments: consoles)
    func complete(folder: String, file: String) throws {
        let console = try console(folder, file)
        let used = Set(console.templates.matches(of: /{{t\.([A-Za-z_-]+)}}/).map { String($0.1) })
        #expect(used.count > 50)
        #expect(used.subtracting(console.phrases.keys).sorted() == [])
        for (key, texts) in console.phrases {
            #expect(texts.count == 2 && texts.allSatisfy { !$0.isEmpty }, "\(key)")
            let isChinese = texts[0].unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) }
            #expect(isChinese || texts[0] == texts[1] || key == "otherLanguage", "\(key): \(texts[0])")
        }
    }

    @Test("no word is left that no page shows", arguments: consoles)
    func needed(folder: String, file: String) throws {
        let console = try console(folder, file)
        let data = try Data(contentsOf: Self.root.appending(path: "Sources/\(folder)/Resources/\(file)"))
        for key in try JSONDecoder().decode([String: [String]].self, from: data).keys {
            // Some keys are put together, such as `state_` and the state's name.
            let family = key.split(separator: "_").first.map { "\"\($0)_\\(" } ?? ""
            let isUsed =
                console.templates.contains("{{t.\(key)}}") || console.sources.contains("\"\(key)\"")
                || console.sources.contains(family)
            #expect(isUsed, "\(key)")
        }
    }

    /// What begins the keys of words for states: of claims, payments, cases, cities, and of what happens to them.
    private static let stateFamilies = [
        "state_", "stage_", "case_", "city_", "event_", "answer_", "code_", "outcome_", "import_", "expiry_", "phase_",
        "note",
    ]

    /// The keys of the other words for states.
    private static let stateWords: Set = [
        "undecided", "toAnswer", "answerPending", "overdue", "withdrawing", "stopped", "barred", "gaveUp", "automatic",
        "waitsForSecond", "connected", "notConnected", "notYet", "notYetReceived", "notYetDecided", "agrees", "differs",
        "allWell", "absent", "allIsBack", "givingBack", "waitedFor",
    ]

    @Test("no two states go by one Chinese word")
    func statesApart() throws {
        var known: Set<String> = []
        for (folder, file) in Self.consoles {
            let phrases = try console(folder, file).phrases.filter { key, _ in
                Self.stateWords.contains(key) || Self.stateFamilies.contains { key.hasPrefix($0) }
            }
            known.formUnion(phrases.keys)
            for (word, things) in Dictionary(grouping: phrases, by: { $0.value[0] }) {
                // Two that are one in English as well are one thing, such as a claim and a payment that are paid.
                let meanings = Set(things.map { $0.value[1].lowercased() })
                #expect(meanings.count == 1, "\(word): \(things.map(\.key).sorted())")
            }
        }

        #expect(Self.stateWords.subtracting(known).sorted() == [])
    }

    @Test("a claim's state goes by one word on pages and in messages")
    func statesAlike() throws {
        let resources = Self.root.appending(path: "Sources/WebConsole/Resources")
        let phrases = try JSONDecoder().decode(
            [String: [String]].self, from: try Data(contentsOf: resources.appending(path: "phrases.json")))
        let messages = try JSONDecoder().decode(
            [String: String].self, from: try Data(contentsOf: resources.appending(path: "messages.json")))
        let states = phrases.filter { $0.key.hasPrefix("state_") }
        #expect(states.count == 10)
        for (key, texts) in states {
            #expect(messages[String(key.dropFirst("state_".count))] == texts[0], "\(key)")
        }
    }

    @Test("nothing is put into a page without being escaped")
    func escaped() throws {
        for (folder, file) in Self.consoles {
            let templates = try console(folder, file).templates
            #expect(!templates.contains("{{{") && !templates.contains("{{&"))
            #expect(!templates.contains("style=") && !templates.contains("onclick"))
        }
    }

    @Test(
        "markup is text, whatever stands around it",
        arguments: [
            ("<b>", "&lt;b&gt;"), ("\"\u{301}", "&quot;\u{301}"), ("\u{600}<", "\u{600}&lt;"),
            ("'&\r\n", "&#39;&amp;\r\n"),
            ("中文", "中文"),
        ])
    func escapes(text: String, escaped: String) {
        #expect(PageText().escapeText(text).utf8.elementsEqual(escaped.utf8))
    }

    @Test(
        "the browser's preference chooses the language",
        arguments: [
            ("en", "en"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh"), ("en-GB;q=0.5, zh-TW;q=0.9", "zh"), ("fr, en;q=0.1", "en"),
            ("fr", "zh"), ("", "zh"), ("en;q=0", "zh"), ("enx", "zh"), ("en;q=abc", "en"),
        ])
    func preference(header: String, language: String) {
        #expect((Language.preferred(header) ?? .chinese).rawValue == language)
    }
}
