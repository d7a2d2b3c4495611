import Arbitration
import GRDB
import Replication
import Testing
import VoucherDomain

@testable import CityStore

/// Shenzhen's claim SZ-1, reserved, on its way to the bank; Beijing is the federation's other city.
struct PaymentDesk {
    let node: TestNode
    let registry: TestRegistry

    /// - Parameter changes: To the claim's form.
    init(_ changes: [String: String?] = [:]) throws {
        node = try TestNode()
        registry = try TestRegistry()
        try registry.join([.shenzhen, .beijing])
        try node.issueVoucher()
        try node.file(Form.claim(1, changes))
        try node.sync(with: registry)
    }

    /// Where a payment can stand.
    enum Place: CaseIterable {
        case reserved, asked, requested, authorized, released, submitted, paid, failed, reversed
    }

    /// What the claim is paid in full by.
    static let bank = record("工行2026-0001", 2_000_000)
    static let cancelled = CityStore.PaymentStep.fail(.cancelled, reason: "撤单")
    static let refunded = CityStore.PaymentStep.reverse(record("工行2026-0002", 2_000_000), reason: "红冲")

    static func record(_ transaction: String, _ fen: Int64, on day: Int32 = 20_600) -> PaymentAct.BankRecord {
        PaymentAct.BankRecord(
            transaction: transaction, amount: Money(rawValue: fen), day: CalendarDate(rawValue: day))
    }

    // MARK: Going on

    /// Goes the usual way from the reserved claim: a failed payment was released, a reversed one was paid.
    func reach(_ place: Place) throws {
        switch place {
        case .reserved: break
        case .asked: try take(.request)
        case .requested:
            try reach(.asked)
            try node.sync(with: registry)
        case .authorized:
            try reach(.requested)
            try hear([.beijing])
        case .released:
            try reach(.authorized)
            try hear([.shenzhen, .beijing])
        case .submitted:
            try reach(.released)
            try takeAndSync(.submit)
        case .paid:
            try reach(.submitted)
            try takeAndSync(.confirm(Self.bank))
        case .failed:
            try reach(.released)
            try takeAndSync(Self.cancelled)
        case .reversed:
            try reach(.paid)
            try takeAndSync(Self.refunded)
        }
    }

    func take(_ step: CityStore.PaymentStep, ofClaim number: String = "SZ-1", now: UInt64 = .noon) throws {
        try node.store.take(step, ofClaim: number, now: now)
    }

    func takeAndSync(_ step: CityStore.PaymentStep) throws {
        try take(step)
        try node.sync(with: registry)
    }

    /// The registry hears cities, and the node what comes of it.
    func hear(_ cities: [CityCode]) throws {
        try registry.hear(cities)
        try node.pull(from: registry)
    }

    func withdraw() throws { try node.store.withdraw(claimNumber: "SZ-1", reason: "改正", now: .noon) }

    /// Beijing files BJ-2 over the same bank receipt, and the registry rules that SZ-1 was wrong; the node is told of
    /// both.
    func ruleOut() throws {
        try registry.fileInBeijing(2, Self.receipt)
        let id = try #require(registry.outcomes.last?.caseID)
        let ruling = Ruling(
            caseID: id, kept: [ClaimName(city: .beijing, number: "BJ-2")],
            ruledOut: [ClaimName(city: .shenzhen, number: "SZ-1")], code: .falsePositive, reason: "一笔服务", by: "王芳")
        try registry.rule(ruling)
        try node.pull(from: registry)
    }

    static let receipt: [String: String?] = ["bank_receipt_no": "BR-77"]

    // MARK: Looking

    func view() throws -> CityStore.PaymentView { try #require(try node.store.payment(ofClaim: "SZ-1")) }

    /// The city sees the payment as the registry knows it.
    func agrees() throws -> Bool {
        let (seen, known) = (try view(), try #require(registry.payment(ofClaim: "SZ-1")))
        return seen.stage == "\(known.stage)" && seen.reference == known.authorization?.reference
            && seen.amount == known.authorization?.amount ?? .zero && seen.refunded == known.refunded
            && seen.clawback == known.owed && seen.isStopped == known.isBarred
    }

    /// Every row of every table.
    func everything() throws -> [[Row]] {
        let tables = ["bank_movement", "city_case", "city_case_step", "payment", "red_letter"]
        return try node.everything() + tables.map { try node.rows("SELECT * FROM \($0) ORDER BY 1, 2, 3") }
    }

    /// The kinds of the entries that `body` appends.
    func entries(of body: () throws -> Void) throws -> [EntryKind] {
        let before = try node.log().count
        try body()
        return try node.log().dropFirst(before).map(\.kind)
    }

    /// `body` is refused, and changes nothing.
    @discardableResult
    func refused(_ code: StoreRefusal.Code, _ body: () throws -> Void) throws -> StoreRefusal? {
        let before = try everything()
        let refusal = #expect(throws: StoreRefusal.self) { try body() }
        #expect(refusal?.code == code)
        #expect(try everything() == before)
        return refusal
    }
}
