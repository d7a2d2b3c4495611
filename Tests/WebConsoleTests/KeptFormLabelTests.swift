import FederationHTTP
import Foundation
import HTTPTypes
import Hummingbird
import Testing

@testable import WebConsole

/// The page that shows what was typed says it as the form does, whose words are each console's own.
@Suite("Labels of a form that came without a session")
struct KeptFormLabelTests {
    private static let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appending(path: "Sources")

    private static let consoles = [
        ("NationalRegistry", "registry_phrases.json"), ("CityNode", "city_phrases.json"),
    ]

    private func pages(_ folder: String, _ file: String) throws -> ConsolePages {
        let phrases = try Data(contentsOf: Self.sources.appending(path: "\(folder)/Resources/\(file)"))
        return try ConsolePages(templates: [:], phrases: [Array(phrases)], navigation: [])
    }

    /// Label and words of each field that is shown, in order.
    private func shown(
        _ fields: [(name: String, value: String)], _ pages: ConsolePages, in language: Language
    ) async throws -> [String] {
        let path = "/console/cases/K/ruling"
        let kept = KeptForm(try await ConsoleForm(.form(path, fields: fields)), sentTo: path)
        let request = Request.form("/console/login", "", [.acceptLanguage: language.rawValue])
        let frame = ConsolePages.Frame(request, session: nil, person: "")
        let page = try await pages.signedIn(frame, next: "/console", kept: kept, cookie: nil).text()
        let rows = page.matches(of: /<th scope="row">([^<]*)<\/th><td class="typed">([^<]*)<\/td>/)
        return rows.map { "\($0.output.1): \($0.output.2)" }
    }

    @Test("a ruling is shown as its form has it: claims, what becomes of them, and the finding")
    func ruling() async throws {
        let pages = try pages("NationalRegistry", "registry_phrases.json")
        let typed = [
            ("claim:600017/A-1", "keep"), ("claim:110000/b:2", "out"), ("code", "false-positive"), ("reason", "keep"),
        ].map { (name: $0.0, value: $0.1) }

        #expect(
            try await shown(typed, pages, in: .chinese) == [
                "600017/A-1: 保留", "110000/b:2: 拒绝", "结论: 误报", "理由: keep",
            ])
        #expect(
            try await shown(typed, pages, in: .english) == [
                "600017/A-1: Keep", "110000/b:2: Rule out", "Finding: False alarm", "Reason: keep",
            ])
    }

    @Test("an answer is shown as its form has it, and so is the button that was pressed")
    func answer() async throws {
        let pages = try pages("CityNode", "city_phrases.json")
        let typed = [
            ("answer", "not-a-duplicate"), ("evidence", "ab"), ("act", "check"), ("again", "1"),
            ("failure", "rejected"),
        ].map { (name: $0.0, value: $0.1) }

        #expect(
            try await shown(typed, pages, in: .chinese) == [
                "答复意见: 并非重复", "SHA-256 摘要: ab", "操作: 先查重",
                "\(pages.phrases.text("exportAgain", in: .chinese)): 是", "结果: 银行拒付",
            ])
    }

    @Test("a choice that no form of ours has is shown as it came")
    func unknownChoice() async throws {
        let pages = try pages("NationalRegistry", "registry_phrases.json")
        let typed = [("claim:600017/A-1", "perhaps"), ("code", "x"), ("odd", "y")].map { (name: $0.0, value: $0.1) }

        #expect(
            try await shown(typed, pages, in: .english) == ["600017/A-1: perhaps", "Finding: x", "odd: y"])
    }

    @Test("every field of every form has a label", arguments: consoles)
    func everyField(folder: String, file: String) async throws {
        let pages = try pages(folder, file)
        let resources = Self.sources.appending(path: "\(folder)/Resources")
        var names: Set<String> = []
        for name in try FileManager.default.contentsOfDirectory(atPath: resources.path)
        where name.hasSuffix(".mustache") {
            let text = try String(contentsOf: resources.appending(path: name), encoding: .utf8)
            let forms = text.matches(of: /<form[^>]*method="post".*?<\/form>/.dotMatchesNewlines())
            for form in forms {
                names.formUnion(form.output.matches(of: /\sname="([a-z_]+)"/).map { String($0.output.1) })
            }
        }
        // What proves a form to be ours is not kept, and a file is sent by a script that keeps it.
        names.subtract(["form_token", "kind", "file"])
        #expect(names.count >= 3)
        for name in names.sorted() {
            for language in Language.allCases {
                let row = try await shown([(name: name, value: "1")], pages, in: language).first

                #expect(row?.hasPrefix("\(name): ") == false, "\(name)")
            }
        }
    }
}
