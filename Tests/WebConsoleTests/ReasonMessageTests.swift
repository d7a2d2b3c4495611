import Arbitration
import GeneratedJournals
import Testing
import VoucherDomain

@testable import WebConsole

/// What the arbiter says of its decisions, made by the very code that says it: whoever adds a finding adds its Chinese.
@Suite("Reasons in either language")
struct ReasonMessageTests {
    private let pages: ConsolePages

    init() throws { pages = try ConsolePages(templates: [:], phrases: [], navigation: []) }

    // Amounts that are told apart wherever they are put.
    private static let one = Money(rawValue: 111_11)
    private static let two = Money(rawValue: 222_22)
    private static let three = Money(rawValue: 333_33)

    private static let ofKeys = KeyKind.allCases.flatMap { kind -> [Reason.Finding] in
        [
            .held(kind), .overCapacity(kind, used: one, adding: two, capacity: three),
            .capacityDiffers(kind, stated: one, standing: two),
        ]
    }
    private static let detected = Detection.allCases.flatMap { detection -> [Reason.Finding] in
        [.detected(detection, []), .detected(detection, [.init(.invoice, .near), .init(.enterprise, .same)])]
    }
    private static let others: [Reason.Finding] = [
        .overlapping(.june), .outsideVoucher(.june), .outsideProgramme(.july), .unknownVoucher, .otherEnterprise,
        .voucherReused, .faultyEntry("policy version 3 is not above 4"), .overRate(claimed: one, limit: two),
        .payment("222.22 yuan came back, no more than 111.11 were out"),
        .invoiceReversed(reversed: one, uncovered: two),
    ]
    private static let findings = ofKeys + detected + others

    /// How many cases ``place(of:)`` knows.
    private static let kinds = 14

    /// A case of its own for each finding: a new one does not compile before it is here, and wants a sample above.
    private static func place(of finding: Reason.Finding) -> Int {
        switch finding {
        case .held: 0
        case .overCapacity: 1
        case .capacityDiffers: 2
        case .overlapping: 3
        case .outsideVoucher: 4
        case .outsideProgramme: 5
        case .unknownVoucher: 6
        case .otherEnterprise: 7
        case .voucherReused: 8
        case .faultyEntry: 9
        case .detected: 10
        case .overRate: 11
        case .payment: 12
        case .invoiceReversed: 13
        }
    }

    private static let names = [
        ClaimName(city: .beijing, number: "BJ-7"), ClaimName(city: .shenzhen, number: "SZ/8"),
        ClaimName(city: .hangzhou, number: "HZ9"), ClaimName(city: .hangzhou, number: "HZ10"),
    ]

    private func said(_ reason: Reason) -> (chinese: String, english: String) {
        (pages.said(reason.message, in: .chinese), pages.said(reason.message, in: .english))
    }

    private static func isChinese(_ character: Character) -> Bool {
        character.unicodeScalars.contains { (0x4E00...0x9FFF).contains($0.value) }
    }

    /// That the Chinese has every name, amount, day and number of the English, and no other word of it.
    private func expectBoth(_ reason: Reason) {
        let (chinese, english) = said(reason)
        let values = english.matches(of: /[0-9]+(?:[.\/-][0-9A-Z]+)*/).map { String($0.output) }
        let lost = values.filter { !chinese.contains($0) }

        #expect(!english.contains(where: Self.isChinese), "\(english)")
        #expect(chinese.contains(where: Self.isChinese), "\(chinese)")
        #expect(chinese.firstMatch(of: /[a-z]{2,}/) == nil, "\(chinese)")
        #expect(lost == [], "\(chinese)")
    }

    @Test("there is a sample of every kind of finding")
    func everyKind() { #expect(Set(Self.findings.map(Self.place)) == Set(0..<Self.kinds)) }

    @Test("a page in Chinese has all that a finding says, a page in English nothing but English", arguments: findings)
    func both(finding: Reason.Finding) {
        expectBoth(Reason(rule: "r", outcome: .hold, finding: finding))
        for count in [1, 3, 4] {
            expectBoth(
                Reason(rule: "r", outcome: .hold, finding: finding, blocking: Array(Self.names.prefix(count))))
        }
        expectBoth(Reason(rule: "r", outcome: .hold, finding: finding, blocking: Self.names, unnamed: 205))
    }

    @Test("claims are named whatever their numbers look like", arguments: Detection.allCases)
    func oddNames(detection: Detection) {
        let names = ["A / B", "甲 / B", "甲: 1", "A (1)"].map { ClaimName(city: .beijing, number: $0) }
        for name in names {
            for finding in [Reason.Finding.held(.invoice), .overlapping(.june), .detected(detection, [])] {
                let (chinese, english) = said(Reason(rule: "r", outcome: .hold, finding: finding, blocking: [name]))

                #expect(chinese.hasSuffix(name.description), "\(chinese)")
                #expect(english.hasSuffix(name.description), "\(english)")
                #expect(chinese.firstMatch(of: /[a-z]{2,}/) == nil, "\(chinese)")
            }
        }
    }

    @Test("the fields that speak for a finding are named as forms name them", arguments: FieldMatch.Field.allCases)
    func fields(field: FieldMatch.Field) {
        let words: [(FieldMatch.Relation, chinese: String, english: String)] = [
            (.same, "相同", "same"), (.near, "相近", "similar"), (.differs, "不同", "different"),
        ]
        let key = "field_\(field.rawValue)"
        let (chinese, english) = (pages.phrases.text(key, in: .chinese), pages.phrases.text(key, in: .english))
        #expect(chinese != key && english != key)
        #expect(Set(words.map(\.0)) == Set(FieldMatch.Relation.allCases))
        for (relation, inChinese, inEnglish) in words {
            let finding = Reason.Finding.detected(.relatedParties, [FieldMatch(field, relation)])
            let page = said(Reason(rule: "r", outcome: .hold, finding: finding))

            #expect(page.chinese == "买卖双方为关联方（\(inChinese)：\(chinese)）")
            #expect(page.english == "buyer and supplier are related (\(inEnglish): \(english))")
        }
    }

    @Test("several fields are told by what they are to each other, behind the claims")
    func manyFields() {
        let finding = Reason.Finding.detected(
            .sharedWorkload, [.init(.usageProof, .same), .init(.invoice, .near), .init(.provider, .same)])
        let page = said(
            Reason(rule: "r", outcome: .hold, finding: finding, blocking: Array(Self.names.prefix(2))))

        #expect(
            page.chinese == "关联企业申领同一笔算力服务，涉及 110000/BJ-7, 440300/SZ/8（相同：使用证明摘要、服务商信用代码；相近：发票号码）")
        #expect(
            page.english == "a related buyer claims the same work: 110000/BJ-7, 440300/SZ/8 "
                + "(same: Usage proof digest, Provider's code; similar: Invoice numbers)")
    }

    @Test("what is no list of fields at a sentence's end stays as it is")
    func noFields() {
        for sentence in [
            "held by A (1)", "held by A (相同/same)", "held by A (same contract_no)", "held by A (相同/same a, b)", "(",
            ")", "",
        ] {
            let (rest, evidence) = FieldEvidence.parted(sentence)

            #expect(rest == sentence)
            #expect(evidence.groups == [])
        }
    }

    @Test("whatever a generated journal is decided by is said in either language")
    func journals() {
        var rules: Set<String> = []
        for seed in UInt64(1)...6 {
            var generator = JournalGenerator(
                seed: seed, statesOtherAmounts: true, policy: .sample(yearCap: JournalGenerator.yearCap))
            let journals = [generator.journal(length: 250), PaymentWalk.journal(seed: seed, length: 250)]
            for journal in journals {
                var fold = Fold()
                for entry in journal {
                    let reasons = fold.apply(entry).reasons
                    // What the journal itself has written of a faulty entry is nobody's message.
                    if case .faulty = entry.content { continue }
                    for reason in reasons {
                        rules.insert(reason.rule)
                        expectBoth(reason)
                    }
                }
            }
        }

        #expect(rules.isSuperset(of: ["entry", "payment", "invoice-once", "service-overlap", "evidence-once"]))
    }
}
