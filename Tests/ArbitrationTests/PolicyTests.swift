import Foundation
import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Policies and their faults")
struct PolicyTests {
    private static let allowed = "an id has lower-case letters, digits and hyphens"
    private static let combination = "cap does not know this combination of key, amount and capacity"
    private static let capNeeds = "cap needs one key, amount and capacity"
    private static let overlapNeeds = "overlap needs keys [service] and holder"
    private static let fixedNeeds = "a fixed capacity needs capacity_fen above zero, at most 1000000000000000"

    private static func rule(
        _ primitive: Rule.Primitive, id: String = "a-rule", keys: [KeyKind] = [], holder: Rule.Holder? = nil,
        amount: Rule.Amount? = nil, capacity: Rule.Capacity? = nil, fen: Int64? = nil, permille: Int64? = nil,
        within: [Rule.Window]? = nil
    ) -> Rule {
        Rule(
            id: id, pattern: "D01", primitive: primitive, keys: keys, holder: holder, amount: amount,
            capacity: capacity, capacityFen: fen, permille: permille, within: within, outcome: .block)
    }

    private func policy(_ rules: [Rule], version: UInt32 = 1, programmes: [Policy.Programme] = []) -> Policy {
        Policy(version: version, programmes: programmes, rules: rules)
    }

    @Test("the default policy file says what these tests use, and has no fault")
    func defaultPolicy() throws {
        let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent()
        let file = root.appendingPathComponent("Schemas/policy/default_policy.json")

        let policy = try JSONDecoder().decode(Policy.self, from: Data(contentsOf: file))

        #expect(policy.programmes == Policy.sample().programmes)
        let besides = [
            Rule(id: "programme-rate", pattern: "rate", primitive: .window, within: [.rate], outcome: .block),
            Rule(id: "reversed-invoice", pattern: "D16", primitive: .event, keys: [.invoice], outcome: .hold),
        ]
        let rules = policy.rules.filter { $0.primitive != .detector }
        #expect(rules.filter { !besides.contains($0) } == Policy.sample().rules)
        #expect(rules.filter(besides.contains) == besides)
        #expect(policy.payments == PaymentTerms())
        #expect(Set(policy.rules.filter { $0.primitive == .detector }.map(\.id)) == Set(DetectorCatalogue.ids))
        #expect(policy.faults == [])
    }

    @Test("a policy that is written and read again is the same")
    func roundTrip() throws {
        let policy = Policy.sample(version: 3)

        #expect(try JSONDecoder().decode(Policy.self, from: JSONEncoder().encode(policy)) == policy)
    }

    @Test(
        "a rule that cannot be applied says why",
        arguments: [
            (rule(.holder, id: "", keys: [.invoice], holder: .claim), allowed),
            (rule(.holder, id: "Invoice", keys: [.invoice], holder: .claim), allowed),
            (rule(.holder, id: "invoice once", keys: [.invoice], holder: .claim), allowed),
            (rule(.holder, keys: [.invoice]), "holder needs keys and holder"),
            (rule(.holder, holder: .claim), "holder needs keys and holder"),
            (rule(.overlap, keys: [.service]), overlapNeeds),
            (rule(.overlap, keys: [.invoice], holder: .contract), overlapNeeds),
            (rule(.overlap, keys: [.service, .contract], holder: .contract), overlapNeeds),
            (rule(.window), "window needs within"), (rule(.window, within: []), "window needs within"),
            (rule(.cap, keys: [.voucher], amount: .claimed), capNeeds),
            (rule(.cap, keys: [.voucher], capacity: .faceValue), capNeeds),
            (rule(.cap, keys: [.voucher, .invoice], amount: .claimed, capacity: .faceValue), capNeeds),
            (rule(.cap, amount: .claimed, capacity: .faceValue), capNeeds),
            (rule(.cap, keys: [.invoice], amount: .claimed, capacity: .invoiceAmount), combination),
            (rule(.cap, keys: [.contract], amount: .invoices, capacity: .faceValue), combination),
            (rule(.cap, keys: [.bankReceipt], amount: .claimed, capacity: .fixed, fen: 1), combination),
            (rule(.cap, keys: [.enterpriseYear], amount: .claimed, capacity: .fixed), fixedNeeds),
            (rule(.cap, keys: [.enterpriseYear], amount: .claimed, capacity: .fixed, fen: 0), fixedNeeds),
            (rule(.cap, keys: [.voucher], amount: .claimed, capacity: .fixed, fen: -1), fixedNeeds),
            (
                rule(.cap, keys: [.voucher], amount: .claimed, capacity: .faceValue, permille: 0),
                "permille is 1 to 100000"
            ),
            (
                rule(.cap, keys: [.voucher], amount: .claimed, capacity: .faceValue, permille: 100_001),
                "permille is 1 to 100000"
            ),
        ])
    func ruleFault(rule: Rule, fault: String) {
        #expect(rule.fault == fault)
    }

    @Test("the rule's fault is told with its id")
    func namesRule() {
        #expect(policy([Self.rule(.window, id: "dates")]).faults == ["rule dates: window needs within"])
    }

    @Test("versions start at 1")
    func versionZero() {
        #expect(policy([], version: 0).faults == ["version starts at 1"])
    }

    @Test("a rule id is used once")
    func repeatedID() {
        let rules = [Self.rule(.window, within: [.voucher]), Self.rule(.window, within: [.programme])]

        #expect(policy(rules).faults == ["rule a-rule is there twice"])
    }

    @Test("a key has one rule that says who its holder is")
    func twoHolders() {
        let rules = [
            Self.rule(.holder, id: "one", keys: [.invoice, .contract], holder: .claim),
            Self.rule(.holder, id: "two", keys: [.contract], holder: .city),
        ]

        #expect(policy(rules).faults == ["key contract has two rules that name a holder"])
    }

    @Test("a key has one cap, since one capacity is kept for it")
    func twoCaps() {
        let rules = [
            Self.rule(.cap, id: "one", keys: [.voucher], amount: .claimed, capacity: .faceValue),
            Self.rule(.cap, id: "two", keys: [.voucher], amount: .claimed, capacity: .fixed, fen: 1),
        ]

        #expect(policy(rules).faults.count == 1)
    }

    @Test("a programme ends after it begins", arguments: ["2026-01-01", "2025-12-31"])
    func programmeDates(until: String) throws {
        let programme = Policy.Programme(
            name: "算力券", from: try #require(CalendarDate("2026-01-01")), until: try #require(CalendarDate(until)))

        #expect(policy([], programmes: [programme]).faults == ["programme 算力券: until must be after from"])
    }

    @Test("all faults are told at once, in the order of the file")
    func allFaults() {
        let rules = [Self.rule(.window, id: "dates"), Self.rule(.holder, id: "holder", keys: [.invoice])]

        let expected = [
            "version starts at 1", "rule dates: window needs within", "rule holder: holder needs keys and holder",
        ]
        #expect(policy(rules, version: 0).faults == expected)
    }

    @Test(
        "an unknown key, outcome or date in a file is refused",
        arguments: [
            #"{"version":1,"programmes":[],"rules":[{"id":"a","pattern":"D01","primitive":"holder","keys":["phone"],"#
                + #""holder":"claim","outcome":"block"}]}"#,
            #"{"version":1,"programmes":[],"rules":[{"id":"a","pattern":"D01","primitive":"holder","keys":["invoice"],"#
                + #""holder":"claim","outcome":"warn"}]}"#,
            #"{"version":1,"programmes":[{"name":"a","from":"2026-02-30","until":"2027-01-01"}],"rules":[]}"#,
        ])
    func unreadable(document: String) {
        #expect(throws: DecodingError.self) {
            try JSONDecoder().decode(Policy.self, from: Data(document.utf8))
        }
    }
}
