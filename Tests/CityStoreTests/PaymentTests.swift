import Arbitration
import FederationWire
import GRDB
import Replication
import Testing
import VoucherDomain

@testable import CityStore

@Suite("Payments of this city's claims")
struct PaymentTests {
    typealias Place = PaymentDesk.Place

    let desk: PaymentDesk
    var node: TestNode { desk.node }
    var registry: TestRegistry { desk.registry }

    init() throws { desk = try PaymentDesk() }

    // MARK: The way to the bank

    /// What officers see of a payment in order, with what the registry alone knows beforehand.
    func expected(
        _ stage: String, isSubmissionReceived: Bool = false, pending kind: EntryKind? = nil
    ) throws -> CityStore.PaymentView {
        let authorization = registry.payment(ofClaim: "SZ-1")?.authorization
        return CityStore.PaymentView(
            id: try #require(try node.store.claim("SZ-1")).id, claimNumber: "SZ-1", stage: stage,
            reference: authorization?.reference, amount: authorization?.amount ?? .zero, refunded: .zero,
            clawback: .zero, isStopped: false, isSubmissionReceived: isSubmissionReceived, problem: nil,
            pendingKind: kind)
    }

    @Test("a payment is asked for, and goes on as the feed tells; its city reads the reference and the amount")
    func way() throws {
        #expect(try node.store.payment(ofClaim: "SZ-1") == nil)
        #expect(try desk.entries { try desk.take(.request) } == [.paymentRequested])
        #expect(try desk.view() == expected("asked", pending: .paymentRequested))
        try node.sync(with: registry)
        #expect(try desk.view() == expected("requested"))
        #expect(try desk.view().reference == nil)
        try desk.hear([.beijing])
        #expect(try desk.view() == expected("authorized"))
        #expect(try desk.view().reference != nil)
        #expect(try desk.view().amount == Money(rawValue: 2_000_000))
        try desk.hear([.shenzhen, .beijing])
        #expect(try desk.view() == expected("released"))
        try desk.takeAndSync(.submit)
        #expect(try desk.view() == expected("submitted", isSubmissionReceived: true))
        try desk.takeAndSync(.confirm(PaymentDesk.bank))

        #expect(try desk.view() == expected("paid", isSubmissionReceived: true))
        #expect(try node.store.payments(limit: 10) == [desk.view()])
        #expect(try desk.agrees())
        #expect(try node.store.verifyLog() == 5)
    }

    @Test(
        "a claim is reserved until its payment is authorised, and again when that has failed",
        arguments: [
            (.reserved, "reserved"), (.asked, "reserved"), (.requested, "reserved"), (.authorized, "authorized"),
            (.released, "authorized"), (.submitted, "authorized"), (.paid, "paid"), (.failed, "reserved"),
            (.reversed, "reversed"),
        ] as [(PaymentDesk.Place, String)])
    func claimState(place: PaymentDesk.Place, state: String) throws {
        try desk.reach(place)

        #expect(try node.state("SZ-1") == state)
        #expect(try node.store.claims(.init(state: state), limit: 10).map(\.number) == ["SZ-1"])
    }

    @Test(
        "wherever a payment stands, the city sees it as the registry does",
        arguments: PaymentDesk.Place.allCases.dropFirst(2))
    func agreement(place: PaymentDesk.Place) throws {
        try desk.reach(place)

        #expect(try desk.agrees())
        #expect(try desk.view().problem == nil)
    }

    @Test("an entry says what the officer said, under the reference of the authorisation")
    func contents() throws {
        let bank = PaymentDesk.bank
        try desk.reach(.reversed)
        let reference = try #require(registry.payment(ofClaim: "SZ-1")?.authorization?.reference)

        let steps: [PaymentAct.Step] = [
            .requested, .submitted(reference), .confirmed(reference, bank),
            .reversed(reference, PaymentDesk.record("工行2026-0002", 2_000_000), reason: "红冲"),
        ]
        let entries = try node.log().dropFirst(2)
        #expect(entries.map(\.kind) == steps.map(\.kind))
        #expect(
            try entries.map { try PayloadCoding.payment($0.payload, $0.kind) }
                == steps.map { PaymentAct(claimNumber: "SZ-1", step: $0) })
    }

    @Test("a failure is said with its kind and reason", arguments: PaymentAct.Failure.allCases)
    func failure(failure: PaymentAct.Failure) throws {
        try desk.reach(.submitted)
        let reference = try #require(try desk.view().reference)
        try desk.take(.fail(failure, reason: "账号不符"))

        let entry = try #require(try node.log().last)
        #expect(
            try PayloadCoding.payment(entry.payload, entry.kind)
                == PaymentAct(claimNumber: "SZ-1", step: .failed(reference, failure, reason: "账号不符")))
    }

    // MARK: Which step is taken where

    /// A step that nobody has said before.
    enum Step: CaseIterable {
        case request, submit, confirm, fail, reverse

        var said: CityStore.PaymentStep {
            switch self {
            case .request: .request
            case .submit: .submit
            case .confirm: .confirm(PaymentDesk.record("招行-7", 2_000_000))
            case .fail: .fail(.rejected, reason: "账号不符")
            case .reverse: .reverse(PaymentDesk.record("招行-8", 500_000), reason: "部分红冲")
            }
        }

        var kind: EntryKind {
            switch self {
            case .request: .paymentRequested
            case .submit: .paymentSubmitted
            case .confirm: .paymentConfirmed
            case .fail: .paymentFailed
            case .reverse: .paymentReversed
            }
        }
    }

    private enum Answer { case appended, unchanged, refused }

    private func answer(to step: Step, at place: Place) -> Answer {
        switch (step, place) {
        case (.request, .reserved), (.request, .failed): .appended
        case (.request, .reversed): .refused
        case (.request, _): .unchanged
        case (.submit, .released): .appended
        case (.submit, .submitted), (.submit, .paid): .unchanged
        case (.confirm, .released), (.confirm, .submitted), (.confirm, .paid): .appended
        case (.fail, .authorized), (.fail, .released), (.fail, .submitted): .appended
        case (.reverse, .paid): .appended
        default: .refused
        }
    }

    @Test(
        "a step is an entry where the payment takes it, and is refused where it does not",
        arguments: PaymentDesk.Place.allCases, Step.allCases)
    func steps(place: PaymentDesk.Place, step: Step) throws {
        try desk.reach(place)

        switch answer(to: step, at: place) {
        case .appended:
            #expect(try desk.entries { try desk.take(step.said) } == [step.kind])
            try node.sync(with: registry)
            #expect(try desk.agrees())
        case .unchanged: #expect(try desk.entries { try desk.take(step.said) } == [])
        case .refused: try desk.refused(.conflict) { try desk.take(step.said) }
        }
    }

    /// Where each step is said first, and what is said.
    private static let said: [(Place, CityStore.PaymentStep)] = [
        (.reserved, .request), (.released, .submit), (.submitted, .confirm(PaymentDesk.bank)),
        (.submitted, PaymentDesk.cancelled),
        (.paid, .reverse(PaymentDesk.record("招行-8", 500_000), reason: "部分红冲")), (.paid, PaymentDesk.refunded),
    ]

    @Test("a step that is said again while the first waits is one entry, also once it is received", arguments: 0..<6)
    func again(index: Int) throws {
        let (place, step) = Self.said[index]
        try desk.reach(place)
        try desk.take(step)
        let before = try desk.everything()
        try desk.take(step)
        #expect(try desk.everything() == before)
        try node.push(to: registry)
        let received = try desk.everything()
        try desk.take(step)

        #expect(try desk.everything() == received)
    }

    @Test("a step that is said again once it is answered changes nothing", arguments: 0..<6)
    func againAfterAnswer(index: Int) throws {
        let (place, step) = Self.said[index]
        try desk.reach(place)
        try desk.takeAndSync(step)
        let before = try desk.everything()

        #expect(throws: Never.self) { try desk.take(step) }
        #expect(try desk.everything() == before)
    }

    @Test("another bank record or reason is another entry, though the first waits")
    func otherContent() throws {
        try desk.reach(.submitted)

        let kinds = try desk.entries {
            try desk.take(.confirm(PaymentDesk.bank))
            try desk.take(.confirm(PaymentDesk.record("工行2026-0001", 2_000_000, on: 20_601)))
            try desk.take(.fail(.rejected, reason: "一"))
            try desk.take(.fail(.rejected, reason: "二"))
            try desk.take(.fail(.cancelled, reason: "二"))
        }
        #expect(kinds == [.paymentConfirmed, .paymentConfirmed, .paymentFailed, .paymentFailed, .paymentFailed])
    }

    @Test("whoever asks for it is kept from a second word of one kind until the registry has answered the first")
    func onlyIfAnswered() throws {
        try desk.reach(.submitted)
        let confirmed = CityStore.PaymentStep.confirm(PaymentDesk.bank)
        #expect(try desk.view().pendingKind == nil)
        #expect(try desk.entries { try takeIfAnswered(confirmed) } == [.paymentConfirmed])
        #expect(try desk.view().pendingKind == .paymentConfirmed)
        #expect(try desk.entries { try takeIfAnswered(confirmed) } == [])
        try desk.refused(.conflict) { try takeIfAnswered(.confirm(PaymentDesk.record("工行2026-0009", 2_000_000))) }
        let received = try node.push(to: registry)
        try desk.refused(.conflict) { try takeIfAnswered(.confirm(PaymentDesk.record("工行2026-0009", 2_000_000))) }
        for entry in received { try registry.decide(entry) }
        try node.pull(from: registry)

        #expect(try desk.view().pendingKind == nil)
        let parts = [1, 2].map { PaymentDesk.record("退-\($0)", 500_000) }
        #expect(try desk.entries { try takeIfAnswered(.reverse(parts[0], reason: "部分红冲")) } == [.paymentReversed])
        try desk.refused(.conflict) { try takeIfAnswered(.reverse(parts[1], reason: "部分红冲")) }
        try node.sync(with: registry)
        #expect(try desk.entries { try takeIfAnswered(.reverse(parts[1], reason: "部分红冲")) } == [.paymentReversed])
    }

    private func takeIfAnswered(_ step: CityStore.PaymentStep) throws {
        try node.store.take(step, ofClaim: "SZ-1", onlyIfAnswered: true, now: .noon)
    }

    @Test("a word of another kind in between lets no second one of the first kind through")
    func onlyIfAllAnswered() throws {
        try desk.reach(.paid)
        let parts = [1, 2].map {
            CityStore.PaymentStep.reverse(PaymentDesk.record("退-\($0)", 500_000), reason: "部分红冲")
        }
        try takeIfAnswered(parts[0])
        // A program says the payment otherwise, which is recorded in any case.
        try desk.take(.confirm(PaymentDesk.record("工行2026-0009", 2_000_000)))
        #expect(try desk.view().pendingKind == .paymentConfirmed)
        #expect(try node.store.pendingKinds(ofClaim: "SZ-1") == [.paymentReversed, .paymentConfirmed])
        #expect(try node.store.pendingKinds(ofClaim: "SZ-2") == [])
        try desk.refused(.conflict) { try takeIfAnswered(parts[1]) }

        try node.sync(with: registry)
        #expect(try node.store.pendingKinds(ofClaim: "SZ-1") == [])
        #expect(try desk.entries { try takeIfAnswered(parts[1]) } == [.paymentReversed])
        try node.sync(with: registry)
        #expect(try desk.view().refunded == Money(rawValue: 1_000_000))
    }

    @Test("a submission is not said again behind what the bank has answered", arguments: [true, false])
    func submittedBefore(isPaid: Bool) throws {
        try desk.reach(.released)
        try desk.take(.submit)
        try desk.take(isPaid ? .confirm(PaymentDesk.bank) : PaymentDesk.cancelled)

        // Refused or unchanged: the officer must not be told that it may go to the bank.
        #expect(try desk.entries { try? desk.take(.submit) } == [])
    }

    @Test("what is said to have failed is not submitted, though the feed has not answered yet")
    func failedBefore() throws {
        try desk.reach(.released)
        try desk.take(PaymentDesk.cancelled)

        try desk.refused(.conflict) { try desk.take(.submit) }
    }

    // MARK: What is refused

    @Test("a payment is asked for a reserved claim only")
    func reservedOnly() throws {
        try registry.fileInBeijing(3)
        try registry.fileInBeijing(4, PaymentDesk.receipt)
        try node.file(Form.claim(3), Form.claim(5, PaymentDesk.receipt), Form.claim(6, ["claimed_yuan": ""]))
        try node.file(Form.claim(7))
        try node.store.withdraw(claimNumber: "SZ-7", reason: "改正", now: .noon)
        try node.sync(with: registry)
        try node.file(Form.claim(8))
        try node.push(to: registry)
        try node.file(Form.claim(9))

        let states = ["refused", "held", "invalid", "withdrawn", "received", "recorded"]
        for (number, state) in zip([3, 5, 6, 7, 8, 9], states) {
            #expect(try node.state("SZ-\(number)") == state)
            try desk.refused(.conflict) { try desk.take(.request, ofClaim: "SZ-\(number)") }
        }
        #expect(try node.store.payments(limit: 10) == [])
    }

    @Test(
        "a claim that this city does not have is not found",
        arguments: ["", "SZ-2", "BJ-2", "sz-1", "SZ-1 ", "SZ-1\u{0}", "SZ-1\u{0}2"], Step.allCases)
    func unknown(number: String, step: Step) throws {
        try desk.reach(.released)

        try desk.refused(.notFound) { try desk.take(step.said, ofClaim: number) }
        #expect(try node.store.payment(ofClaim: number) == nil)
    }

    @Test("what no bank states is refused before it is an entry")
    func bankRecords() throws {
        let year3000 = try #require(CalendarDate(year: 3000, month: 1, day: 1)).rawValue
        let year1899 = try #require(CalendarDate(year: 1899, month: 12, day: 31)).rawValue
        let records = [
            PaymentDesk.record("1", 0), PaymentDesk.record("1", -1),
            PaymentDesk.record("1", Money.maximum.rawValue + 1), PaymentDesk.record("1", .max),
            PaymentDesk.record("", 2_000_000), PaymentDesk.record(String(repeating: "工", count: 65), 2_000_000),
            PaymentDesk.record("1\n2", 2_000_000), PaymentDesk.record("1\u{0}", 2_000_000),
            PaymentDesk.record("\u{85}", 2_000_000), PaymentDesk.record("1", 2_000_000, on: year3000),
            PaymentDesk.record("1", 2_000_000, on: year1899), PaymentDesk.record("1", 2_000_000, on: .max),
        ]
        try desk.reach(.paid)

        for record in records {
            try desk.refused(.invalid) { try desk.take(.confirm(record)) }
            try desk.refused(.invalid) { try desk.take(.reverse(record, reason: "红冲")) }
        }
    }

    @Test(
        "a reason is given, of at most 500 characters and without control characters",
        arguments: ["", String(repeating: "因", count: 501), "a\u{0}b", "a\u{7}"])
    func reasons(reason: String) throws {
        try desk.reach(.submitted)
        try desk.refused(.invalid) { try desk.take(.fail(.rejected, reason: reason)) }
        try desk.takeAndSync(.confirm(PaymentDesk.bank))

        try desk.refused(.invalid) { try desk.take(.reverse(PaymentDesk.bank, reason: reason)) }
    }

    @Test("a step under a clock beyond the year 2999 is refused")
    func clock() throws {
        try desk.refused(.clock) { try desk.take(.request, now: PushReview.latestTime + 1) }
    }
}
