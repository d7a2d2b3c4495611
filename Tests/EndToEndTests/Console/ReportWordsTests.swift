import Arbitration
import DefaultPolicy
import FederationWire
import RegistryStore
import Testing
import WebConsole

@testable import NationalRegistry

/// Phrases whose keys are put together from what is shown: no look at the sources finds one that is missing.
@Suite("Words of reports")
struct ReportWordsTests {
    private let phrases: Phrasebook

    init() throws {
        phrases = try ConsolePages(
            templates: ConsoleRoutes.templates, phrases: ConsoleRoutes.phrases, navigation: ConsoleRoutes.navigation
        ).phrases
    }

    private static var policy: Policy { get throws { try PolicyCoding.decode(DefaultPolicy.document) } }

    /// Every value that a column can show, of the columns that show names of something.
    private static var names: [String: [String]] {
        get throws {
            let stages = Payment.Stage.allCases.map(\.name)
            let claims: [Outcome.Decision] = [
                .reserved, .refused, .held, .withdrawn, .authorized, .paid, .reversed,
            ]
            return [
                "rule": try policy.rules.map(\.id), "stage": stages, "other_stage": stages,
                "state": [ConflictCase.State.open, .escalated, .closed].map(\.rawValue),
                "event": [CaseEvent.Kind.proposed, .ruled, .reopened].map(\.name),
                "code": Ruling.Code.allCases.map(\.name),
                "key": KeyKind.allCases.map { Key($0, fields: ["440300", "V1"]).readable },
                "what": claims.map(\.name) + ["confirmation refused", "confirmation invalid"],
            ]
        }
    }

    /// Columns of numbers, days, names of claims and cities, and what people write.
    private static let plain: Set = [
        "position", "city_code", "other_city_code", "claim", "other_claim", "claims", "case_id", "log_entry",
        "deadline", "days_over", "by", "reason", "used_percent", "used_yuan", "capacity_yuan", "claimed_yuan",
    ]

    private func words(_ language: Language) -> ReportWords { ReportWords(phrases: phrases, language: language) }

    private static func isChinese(_ text: String) -> Bool {
        text.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) }
    }

    @Test(
        "every column of a report has a heading in both languages, and shows what is said below",
        arguments: RegistryStore.Report.Name.allCases)
    func headings(report: RegistryStore.Report.Name) throws {
        let names = try Self.names
        for column in report.columns {
            #expect(Self.isChinese(words(.chinese).heading(column)), "\(column)")
            #expect(!words(.english).heading(column).contains("_"), "\(column)")
            #expect((names[column] != nil) != Self.plain.contains(column), "\(column)")
        }
    }

    @Test("every name that a report can show is said in both languages")
    func values() throws {
        for (column, values) in try Self.names {
            for value in values {
                #expect(Self.isChinese(words(.chinese).cell(value, in: column)), "\(column) \(value)")
                let english = words(.english).cell(value, in: column)
                #expect(english != value && !Self.isChinese(english), "\(column) \(value)")
            }
        }
    }

    @Test("a key keeps what it is made of, and a confirmation says what became of it")
    func composed() {
        #expect(words(.chinese).cell("voucher 440300 V 1", in: "key") == "算力券 440300 V 1")
        #expect(words(.english).cell("confirmation refused", in: "what") == "Bank's confirmation · Refused")
        #expect(words(.english).cell("confirmation", in: "reason") == "confirmation")
        #expect(words(.english).cell("", in: "code") == "")
    }

    @Test("everything else that pages name by its place in the rule book is said in both languages")
    func pages() throws {
        let policy = try Self.policy
        let keys =
            CaseEvent.Kind.allCases.map { "event_\($0.name)" } + CaseAnswer.Kind.allCases.map { "answer_\($0.name)" }
            + policy.rules.map { "outcome_\($0.outcome.rawValue)" }
            + policy.rules.map { "primitive_\($0.primitive.rawValue)" }
        for key in Set(keys).sorted() {
            #expect(phrases.known(key, in: .chinese).map(Self.isChinese) == true, "\(key)")
            #expect(phrases.known(key, in: .english).map(Self.isChinese) == false, "\(key)")
        }
    }
}
