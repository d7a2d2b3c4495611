import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("The part of the invoices that a programme pays")
struct ProgrammeRateTests {
    /// What becomes of a claim of that many yuan on two invoices of 100 yuan each.
    private func decide(_ claimed: Money, ratePermille: Int64?) -> Outcome {
        let programme = Policy.Programme(
            name: "算力券", from: valid(CalendarDate("2025-01-01")), until: valid(CalendarDate("2028-01-01")),
            ratePermille: ratePermille)
        let rule = Rule(id: "programme-rate", pattern: "rate", primitive: .window, within: [.rate], outcome: .block)
        var fold = Fold()
        let contents: [JournalEntry.Content] = [
            .policyPublished(Policy(version: 1, programmes: [programme], rules: [rule])),
            .voucherIssued(.sample("V1")),
            .claimFiled(.sample("C", invoices: [.serial(1), .serial(2)], claimed: claimed)),
        ]
        let outcomes = contents.enumerated().map {
            fold.apply(.sample(position: Int64($0) + 1, city: .shenzhen, $1))
        }
        return outcomes[2]
    }

    @Test("a claim of just that part is reserved, one fen more is refused with both amounts")
    func atTheLimit() {
        #expect(decide(.yuan(60), ratePermille: 300).decision == .reserved)
        let over = decide(.yuan(60, fen: 1), ratePermille: 300)

        #expect(over.decision == .refused)
        #expect(over.reasons.map(\.finding) == [.overRate(claimed: .yuan(60, fen: 1), limit: .yuan(60))])
    }

    @Test("a programme without a rate pays all of the invoices, as far as this rule goes")
    func without() { #expect(decide(.yuan(500), ratePermille: nil).decision == .reserved) }

    @Test("a rate is 1 to 1000 thousandths", arguments: [0, -1, 1_001])
    func bounds(rate: Int64) {
        let programme = Policy.Programme(
            name: "算力券", from: valid(CalendarDate("2025-01-01")), until: valid(CalendarDate("2028-01-01")),
            ratePermille: rate)

        let faults = Policy(version: 1, programmes: [programme], rules: []).faults
        #expect(faults == ["programme 算力券: rate_permille is 1 to 1000"])
    }
}
