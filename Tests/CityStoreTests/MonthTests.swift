import Testing
import VoucherDomain

@testable import CityStore

@Suite("Month's end")
struct MonthTests {
    /// Filed on the last day of March in China.
    private let desk: PaymentDesk
    private var store: CityStore { desk.node.store }

    init() throws { desk = try PaymentDesk(["filed_at": "2026-03-31T23:30:00+08:00"]) }

    private func payment(_ transaction: String, _ fen: Int64, _ day: String) throws -> CityStore.PaymentStep {
        let date = try #require(CalendarDate(day))
        return .confirm(PaymentDesk.record(transaction, fen, on: date.rawValue))
    }

    private func refund(
        _ transaction: String, _ fen: Int64, _ day: String, reason: String = "红冲"
    ) throws -> CityStore.PaymentStep {
        let date = try #require(CalendarDate(day))
        return .reverse(PaymentDesk.record(transaction, fen, on: date.rawValue), reason: reason)
    }

    private func total(isPaidBack: Bool = false, _ count: Int, _ fen: Int64) -> CityStore.BankTotal {
        CityStore.BankTotal(isPaidBack: isPaidBack, count: count, amount: Money(rawValue: fen))
    }

    @Test("a payment counts in the month of the bank's day, a refund in that of its own, a claim in that of its filing")
    func bankDays() throws {
        try desk.reach(.submitted)
        try desk.takeAndSync(payment("P1", 2_000_000, "2026-05-31"))
        try desk.takeAndSync(refund("R1", 500_000, "2026-06-01"))
        try desk.takeAndSync(refund("R2", 1_500_000, "2026-07-31"))

        #expect(try store.months() == ["2026-07", "2026-06", "2026-05", "2026-03"])
        #expect(try store.bankTotals(month: "2026-03") == [])
        #expect(try store.bankTotals(month: "2026-05") == [total(1, 2_000_000)])
        #expect(try store.bankTotals(month: "2026-06") == [total(isPaidBack: true, 1, 500_000)])
        #expect(try store.bankTotals(month: "2026-07") == [total(isPaidBack: true, 1, 1_500_000)])
        #expect(try store.bankTotals() == [total(1, 2_000_000), total(isPaidBack: true, 2, 2_000_000)])
        #expect(try store.claimTotals(month: "2026-03").map(\.count) == [1])
        #expect(try store.claimTotals(month: "2026-05") == [])
        #expect(try store.paymentTotals().map(\.state) == ["reversed"])
    }

    @Test("what the registry has not answered, or has refused, does not count: the payment is not settled")
    func notNoted() throws {
        try desk.reach(.submitted)
        try desk.take(payment("P1", 1_999_999, "2026-05-31"))
        #expect(try store.bankTotals() == [])
        try desk.node.sync(with: desk.registry)
        #expect(try desk.view().problem != nil)
        #expect(try store.bankTotals() == [])
        #expect(try store.months() == ["2026-03"])
        #expect(try desk.view().stage == "submitted")
        try desk.takeAndSync(payment("P1", 2_000_000, "2026-05-31"))

        #expect(try store.bankTotals() == [total(1, 2_000_000)])
    }

    @Test("a refund that was told twice counts once")
    func toldTwice() throws {
        try desk.reach(.paid)
        try desk.takeAndSync(refund("R1", 500_000, "2026-06-01"))
        try desk.takeAndSync(refund("R1", 500_000, "2026-07-01", reason: "退款"))

        #expect(try store.bankTotals().last == total(isPaidBack: true, 1, 500_000))
        #expect(try store.bankTotals(month: "2026-07") == [])
    }

    @Test("a store of an older build learns from its log what the bank did")
    func migrated() throws {
        try desk.reach(.reversed)
        let before = try desk.everything()
        #expect(try desk.node.rows("SELECT * FROM bank_movement").count == 2)
        try desk.node.execute(
            """
            DROP TABLE bank_movement;
            DELETE FROM grdb_migrations WHERE identifier = 'city_v010_bank_movements';
            """)
        try desk.node.reopen()

        #expect(try desk.everything() == before)
    }
}
