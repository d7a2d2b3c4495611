import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Policy preview")
struct PolicyPreviewTests {
    private func preview(_ policy: Policy, _ entries: [JournalEntry]) -> PolicyPreview {
        var preview = PolicyPreview(policy)
        for entry in entries { preview.apply(entry) }
        return preview
    }

    @Test("the policy that was in force changes nothing, whatever the journal", arguments: 1...8 as ClosedRange<UInt64>)
    func same(seed: UInt64) {
        let policy = Policy.sample(yearCap: JournalGenerator.yearCap)
        var generator = JournalGenerator(seed: seed, statesOtherAmounts: true, policy: policy)
        let preview = preview(policy, generator.journal(length: 300))

        #expect(preview.compared > 100)
        #expect(preview.changes == [])
    }

    @Test("a lower cap refuses the claims that no longer fit, by name, amount and rule")
    func lowerCap() {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1)], claimed: .yuan(60)), in: .hangzhou)
        journal.file(.sample("B", invoices: [.serial(2)], claimed: .yuan(60)), in: .hangzhou)
        let preview = preview(.sample(version: 2, yearCap: .yuan(100)), journal.entries)

        #expect(preview.compared == 2)
        #expect(
            preview.changes == [
                .init(
                    claim: .hangzhou("B"), claimed: .yuan(60), before: .reserved, after: .refused,
                    rules: ["enterprise-year-cap"])
            ])
    }

    @Test("a claim that a milder policy lets in takes its keys there, and those after it are judged by that")
    func milder() {
        var journal = Journal()
        journal.publish(.sample(version: 2, yearCap: .yuan(100)))
        journal.file(.sample("A", invoices: [.serial(1)], claimed: .yuan(60)), in: .hangzhou)
        journal.file(.sample("B", invoices: [.serial(2)], claimed: .yuan(60)), in: .hangzhou)
        journal.file(.sample("C", invoices: [.serial(2)], claimed: .yuan(10)), in: .hangzhou)
        let preview = preview(.sample(version: 3), journal.entries)

        #expect(
            preview.changes.map { [$0.claim.number, "\($0.before)", "\($0.after)", $0.rules.joined(separator: " ")] }
                == [
                    ["B", "refused", "reserved", "enterprise-year-cap"],
                    ["C", "reserved", "refused", "invoice-once"],
                ])
    }

    @Test("a withdrawal frees its keys on both sides")
    func withdrawal() {
        var journal = Journal()
        journal.file(.sample("A", invoices: [.serial(1)], claimed: .yuan(60)), in: .hangzhou)
        journal.withdraw("A", in: .hangzhou)
        journal.file(.sample("B", invoices: [.serial(1)], claimed: .yuan(60)), in: .hangzhou)

        #expect(preview(.sample(version: 2, yearCap: .yuan(100)), journal.entries).changes == [])
    }
}
