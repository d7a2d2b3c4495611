import Arbitration
import FederationWire
import GRDB
import Replication
import Testing
import VoucherDomain

@testable import CityStore

@Suite("Red letters")
struct RedLetterTests {
    private let desk: PaymentDesk
    private var node: TestNode { desk.node }
    private var registry: TestRegistry { desk.registry }

    init() throws { desk = try PaymentDesk() }

    /// Takes 40,000 of the 50,000 yuan of SZ-1's invoice back, unless told otherwise.
    private func letter(
        on invoice: Int = 1, number: Int = 50, _ fen: Int64 = 4_000_000, issuedOn day: Int32 = 20_610
    ) throws -> RedLetter {
        RedLetter(
            invoice: try InvoiceNumber(Form.invoice(invoice)), number: try InvoiceNumber(Form.invoice(number)),
            amount: Money(rawValue: fen), issuedOn: CalendarDate(rawValue: day))
    }

    private func record(_ letter: RedLetter, now: UInt64 = .noon) throws {
        try node.store.record(letter, now: now)
    }

    private func problem() throws -> String? {
        try #require(try node.rows("SELECT problem FROM red_letter").first)["problem"]
    }

    @Test(
        "a red letter is an entry that says it, whether or not this city has a claim on its invoice", arguments: [1, 9])
    func entry(invoice: Int) throws {
        let letter = try letter(on: invoice)
        #expect(try desk.entries { try record(letter) } == [.invoiceReversed])

        #expect(try PayloadCoding.redLetter(try #require(try node.log().last).payload) == letter)
        try node.sync(with: registry)
        #expect(registry.outcomes.last?.decision == .noted)
        #expect(try problem() == nil)
        #expect(try node.store.verifyLog() == 3)
    }

    @Test("they are listed in the order of telling or the newest first, page by page, each with whether it waits")
    func listed() throws {
        try record(try letter(number: 50, 100))
        try node.sync(with: registry)
        for number in [52, 51] { try record(try letter(number: number, 100)) }
        let told = try [50, 52, 51].map { try InvoiceNumber(Form.invoice($0)) }

        let oldest = try node.store.redLetters(limit: 10)
        #expect(oldest.map(\.letter.number) == told)
        #expect(oldest.map(\.isPending) == [false, true, true])
        let newest = try node.store.redLetters(isNewestFirst: true, limit: 2)
        #expect(newest == Array(oldest.reversed().prefix(2)))
        let last = try #require(newest.last).id
        #expect(try node.store.redLetters(after: last, isNewestFirst: true, limit: 2) == [oldest[0]])
    }

    @Test("the same red letter again is no other entry, be it answered or not, also after a restart")
    func again() throws {
        try record(try letter())
        let before = try desk.everything()
        try record(try letter())
        #expect(try desk.everything() == before)
        try node.sync(with: registry)
        try node.reopen()
        let answered = try desk.everything()
        try record(try letter())

        #expect(try desk.everything() == answered)
    }

    @Test("several red letters on one invoice are as many entries")
    func several() throws {
        let kinds = try desk.entries {
            for number in 50...52 { try record(try letter(number: number, 100)) }
        }

        #expect(kinds == [.invoiceReversed, .invoiceReversed, .invoiceReversed])
    }

    @Test("other content under a number that was told is refused")
    func conflict() throws {
        try record(try letter())

        for other in [try letter(on: 2), try letter(3_999_999), try letter(issuedOn: 20_611)] {
            try desk.refused(.conflict) { try record(other) }
        }
    }

    @Test("what is no red letter is refused before it is an entry")
    func faults() throws {
        let year3000 = try #require(CalendarDate(year: 3000, month: 1, day: 1)).rawValue
        let letters = [
            try letter(0), try letter(-1), try letter(Money.maximum.rawValue + 1), try letter(number: 1),
            try letter(issuedOn: year3000), try letter(issuedOn: .min),
        ]

        for letter in letters { try desk.refused(.invalid) { try record(letter) } }
    }

    @Test("a red letter under a clock beyond the year 2999 is refused")
    func clock() throws {
        try desk.refused(.clock) { try record(try letter(), now: PushReview.latestTime + 1) }
    }

    @Test("what the registry says is wrong with a red letter is kept")
    func problemIsKept() throws {
        try record(try letter())
        try node.push(to: registry)
        let answer = registry.answer(try #require(try node.log().last), .invalid)
        try node.store.apply([answer], sealed: answer.head, detailKey: TestNode.identity.detailKey, now: .noon)

        #expect(try problem() != nil)
    }

    @Test("a city without a claim on the invoice is not believed against one that has one")
    func stranger() throws {
        try desk.reach(.paid)
        try registry.append(.invoiceReversed, PayloadCoding.encode(try letter(1)), by: .beijing)
        try node.pull(from: registry)
        #expect(try desk.view().clawback == .zero)

        try record(try letter())
        try node.sync(with: registry)
        #expect(registry.outcomes.last?.decision == .noted)
        #expect(try desk.view().clawback == Money(rawValue: 1_000_000))
    }

    @Test("a red letter that another city has told, too, has no problem")
    func toldBefore() throws {
        try registry.append(.invoiceReversed, PayloadCoding.encode(try letter()), by: .beijing)
        try record(try letter())
        try node.sync(with: registry)

        #expect(registry.outcomes.last?.decision == .noted)
        #expect(try problem() == nil)
    }

    @Test("a red letter on the invoice of a paid claim shows what is to be paid back")
    func clawback() throws {
        try desk.reach(.paid)
        try record(try letter())
        try node.sync(with: registry)

        // 10,000 of the 50,000 yuan are left for a claim of 20,000.
        #expect(try desk.view().clawback == Money(rawValue: 1_000_000))
        #expect(try desk.view().stage == "paid")
        #expect(try desk.view().problem == nil)
        #expect(try desk.agrees())
        #expect(try node.state("SZ-1") == "paid")
    }

    @Test("a red letter on the invoice of an unpaid claim opens a case, and its request waits")
    func unpaid() throws {
        try desk.reach(.requested)
        try record(try letter())
        try node.sync(with: registry)
        try desk.hear([.beijing])

        #expect(try node.store.cases(limit: 10).flatMap(\.parties).map(\.claim.number) == ["SZ-1"])
        #expect(try desk.view().stage == "requested")
        #expect(try desk.agrees())
    }
}
