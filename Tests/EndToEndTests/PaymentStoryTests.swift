import Foundation
import Testing

/// One piece of evidence in two cities and a bank that times out, from the filing to the claw-back: real processes over
/// TLS.
@Suite("The whole officer's story", .badInputFederation)
struct PaymentStoryTests {
    private let federation = BadInputFederation.current

    /// The two invoices of the claim that is paid, 500 yuan each; 800 yuan are claimed.
    private static let invoices = (reversed: "24110000000012345678", other: "24110000000087654321")

    @Test("one receipt, two cities: held, ruled on, paid once though the bank times out, clawed back, filed again")
    func story() async throws {
        try await federation.publishQuickPayments()
        let (first, second) = (try await federation.city(), try await federation.city())
        try await first.served { _ in
            try await second.served { _ in
                var bank = FakeBank()
                let id = try await file(first, second)
                try await payTheUndisputed(first, &bank)
                try await contestAndRule(id, first, second)
                let transfer = try await payThroughATimeOut(first, &bank)
                try await payTheOther(second, &bank)
                try await confirmAgain(transfer, first)
                try await refuseToWithdraw(first)
                try await reverseInvoice(first)
                try await payBack(first)
                try await fileAgain(second)
                #expect(bank.transfers.count == 3)
            }
        }
        try await federation.expectSoundJournal()
        for city in [first, second] { try await city.expectSoundLog() }
    }

    /// Two cities show the same bank receipt for claims that resemble each other in nothing else.
    ///
    /// - Returns: The case's id.
    private func file(_ first: TestCity, _ second: TestCity) async throws -> String {
        try await first.file([
            ClaimFile.row(
                1, of: first,
                [
                    "bank_receipt_no": "R-2026-77", "contract_no": "甲-0001", "claimed_yuan": "800.00",
                    "invoice_numbers": "\(Self.invoices.reversed);\(Self.invoices.other)",
                    "invoice_amounts_yuan": "500.00;500.00",
                ])
        ])
        #expect(try await first.show(first.claim(1)).state == "reserved")
        try await second.file([
            ClaimFile.row(
                1, of: second,
                [
                    "bank_receipt_no": "R-2026-77", "contract_no": "乙字第八号",
                    "invoice_numbers": "24310000000098765432",
                ])
        ])
        #expect(try await second.show(second.claim(1)).state == "held")

        struct List: Decodable { let items: [Opened] }
        struct Opened: Decodable { let case_id: String }
        let open = try await federation.registry(["case", "list", "--open", "--json"]).json(List.self).items
        #expect(open.count == 1)
        return try #require(open.first?.case_id)
    }

    /// Of two payments that are asked for together only the one without a case goes on. The other's gate is looked at
    /// by the same ticks.
    private func payTheUndisputed(_ city: TestCity, _ bank: inout FakeBank) async throws {
        let (disputed, undisputed) = (city.claim(1), city.claim(2))
        try await city.file([
            ClaimFile.row(2, of: city, ["contract_no": "丙-2026-15", "invoice_numbers": "24110000000055512127"])
        ])
        try await city.does(["payment", "request", disputed, undisputed])
        let released = try await city.expectPayment(of: undisputed, at: "released")
        #expect(try await city.payment(of: disputed)?.stage == "requested")

        let exported = try await city.exported()
        #expect(
            exported == [
                FakeBank.Instruction(reference: released.reference ?? "", amount: "100.00", claim: undisputed)
            ])
        let instruction = try #require(exported.first)
        bank.expect(instruction.reference, .confirmsTwice)
        let answers = bank.pay(instruction)
        #expect(answers.count == 2)
        try await city.confirm(try #require(answers.first?.transfer), of: undisputed)
        let logHead = try await city.sync().log_head
        try await city.confirm(try #require(answers.last?.transfer), of: undisputed)
        #expect(try await city.sync().log_head == logHead)
        try await city.expectPayment(of: undisputed, at: "paid")
        #expect(try await city.payment(of: disputed)?.stage == "requested")
    }

    private func contestAndRule(_ id: String, _ first: TestCity, _ second: TestCity) async throws {
        try await expectEventually { try await second.run(["case", "show", id]).status == 0 }
        try await second.does(["case", "answer", id, "contest", "--reason", "回单为两份合同合并支付"])
        #expect(try await first.payment(of: first.claim(1))?.stage == "requested")

        let both = ["--keep", "\(first.code)/\(first.claim(1))", "--keep", "\(second.code)/\(second.claim(1))"]
        let ruled = try await federation.registry(
            ["case", "rule", id, "--code", "false-positive", "--reason", "合并支付属实", "--by", "李娜"] + both)
        try #require(ruled.status == 0, "\(ruled.errors)")
        #expect(ruled.output.contains("ruled"), "\(ruled.output)")
        try await expectEventually { try await second.show(second.claim(1)).state == "reserved" }
    }

    /// The bank pays and is not heard: asked again under the same reference, it says so.
    private func payThroughATimeOut(_ city: TestCity, _ bank: inout FakeBank) async throws -> FakeBank.Transfer {
        let number = city.claim(1)
        let released = try await city.expectPayment(of: number, at: "released")
        #expect(released.amount_yuan == "800.00")
        let exported = try await city.exported()
        let instruction = FakeBank.Instruction(
            reference: try #require(released.reference), amount: "800.00", claim: number)
        #expect(exported == [instruction])
        bank.expect(instruction.reference, .timesOutAfterPaying)
        let heard = bank.pay(instruction)
        #expect(heard.isEmpty)

        try await city.expectPayment(of: number, at: "submitted")
        #expect(try await city.show(number).state == "authorized")
        #expect(try await city.exported().isEmpty)
        #expect(try await city.exported(["--again"]) == [instruction])
        let asked = bank.pay(instruction)
        let transfer = try #require(asked.first?.transfer)
        try await city.confirm(transfer, of: number)

        try await city.expectPayment(of: number, at: "paid")
        #expect(try await city.show(number).state == "paid")
        #expect(try await federation.claimState(city, number) == "paid")
        let paid = try await federation.payments()
        #expect(paid.first { $0.claim.claim_no == number }?.payment.reference == instruction.reference)
        #expect(bank.transfers.count { $0.reference == instruction.reference } == 1)
        return transfer
    }

    /// The ruling let both claims show the receipt: the second is paid, too.
    private func payTheOther(_ city: TestCity, _ bank: inout FakeBank) async throws {
        let number = city.claim(1)
        try await city.does(["payment", "request", number])
        try await city.expectPayment(of: number, at: "released")
        let exported = try await city.exported()
        #expect(exported.map(\.claim) == [number])
        let answers = bank.pay(try #require(exported.first))
        try await city.confirm(try #require(answers.first?.transfer), of: number)
        try await city.expectPayment(of: number, at: "paid")
    }

    private func confirmAgain(_ transfer: FakeBank.Transfer, _ city: TestCity) async throws {
        let number = city.claim(1)
        let logHead = try await city.sync().log_head
        try await city.confirm(transfer, of: number)
        #expect(try await city.sync().log_head == logHead)
        #expect(try await city.payment(of: number)?.problem == nil)

        let other = FakeBank.Transfer(
            reference: transfer.reference, transaction: "YH-999", amount: transfer.amount, day: transfer.day)
        try await city.confirm(other, of: number)
        let doubted = try #require(try await city.payment(of: number))
        #expect(doubted.stage == "paid")
        #expect(doubted.problem?.contains("paid before under the bank's number \(transfer.transaction)") == true)
        let list = try await city.run(["payment", "list"])
        #expect(list.output.contains("paid before under the bank's number"), "\(list.output)")

        try await city.confirm(transfer, of: number)
        #expect(try await city.payment(of: number)?.problem == nil)
        #expect(try await federation.claimState(city, number) == "paid")
    }

    private func refuseToWithdraw(_ city: TestCity) async throws {
        let logHead = try await city.sync().log_head
        let withdrawn = try await city.run(["claim", "withdraw", city.claim(1), "--reason", "误报"])
        #expect(withdrawn.status == 1)
        withdrawn.expectSaid("claim \(city.claim(1)) is paid")
        withdrawn.expectSaid("paid back")
        #expect(try await city.sync().log_head == logHead)
        #expect(try await city.show(city.claim(1)).state == "paid")
    }

    /// Half of an invoice goes: of the 400 yuan that were claimed on it, 250 are covered.
    private func reverseInvoice(_ city: TestCity) async throws {
        let letter = [
            "payment", "red-letter", Self.invoices.reversed, "--number", "24110000000066600019", "--amount", "250.00",
            "--issued-on", "2026-02-20",
        ]
        try await city.does(letter)
        let told = try await city.run(["payment", "red-letters", "--json"])
        #expect(told.output.contains(Self.invoices.reversed), "\(told)")
        let payment = try #require(try await city.payment(of: city.claim(1)))
        #expect(payment.stage == "paid")
        #expect(payment.clawback_yuan == "150.00")
        #expect(try await federation.payments().map(\.payment.clawback_yuan).contains("150.00"))

        let logHead = try await city.sync().log_head
        try await city.does(letter)
        #expect(try await city.sync().log_head == logHead)
    }

    private func payBack(_ city: TestCity) async throws {
        let number = city.claim(1)
        let part = [
            "payment", "reverse", number, "--transaction", "TH-1", "--amount", "150.00", "--on", "2026-03-02",
            "--reason", "红字发票",
        ]
        try await city.does(part)
        let partly = try #require(try await city.payment(of: number))
        #expect(partly.stage == "paid")
        #expect(partly.refunded_yuan == "150.00")
        let logHead = try await city.sync().log_head
        try await city.does(part)
        #expect(try await city.sync().log_head == logHead)

        try await city.does([
            "payment", "reverse", number, "--transaction", "TH-2", "--amount", "650.00", "--on", "2026-03-09",
            "--reason", "企业全额退回",
        ])
        let wholly = try await city.expectPayment(of: number, at: "reversed")
        #expect(wholly.refunded_yuan == "800.00")
        #expect(try await city.show(number).state == "reversed")
        #expect(try await federation.claimState(city, number) == "reversed")
    }

    /// The invoice that no red letter touched is free again.
    private func fileAgain(_ city: TestCity) async throws {
        try await city.file([
            ClaimFile.row(2, of: city, ["contract_no": "丁-77", "invoice_numbers": Self.invoices.other])
        ])
        let claim = try await city.show(city.claim(2))
        #expect(claim.state == "reserved", "\(claim.reasons)")
    }
}

@Suite("A bank that refuses a week later", .badInputFederation)
struct LateRefusalTests {
    private let federation = BadInputFederation.current

    @Test("nothing is known until the bank has refused; then the same reference is asked for again, and paid once")
    func lateRefusal() async throws {
        try await federation.publishQuickPayments()
        let (city, other) = (try await federation.city(), try await federation.city())
        let number = city.claim(1)
        try await city.served { _ in
            try await other.served { _ in
                var bank = FakeBank()
                try await city.file([ClaimFile.row(1, of: city)])
                try await city.does(["payment", "request", number])
                try await city.expectPayment(of: number, at: "released")
                let instruction = try #require(try await city.exported().first)
                bank.expect(instruction.reference, .refusesAWeekLater)
                let heard = bank.pay(instruction)
                #expect(heard.isEmpty)

                try await expectUnknown(city, instruction, &bank)
                try await fail(city, instruction, &bank)
                try await payAfterAll(city, instruction, &bank)
            }
        }
        try await federation.expectSoundJournal()
        for city in [city, other] { try await city.expectSoundLog() }
    }

    /// While the bank is silent, the claim stays bound whatever the officer tries.
    private func expectUnknown(
        _ city: TestCity, _ instruction: FakeBank.Instruction, _ bank: inout FakeBank
    ) async throws {
        let number = city.claim(1)
        try await city.expectPayment(of: number, at: "submitted")
        let logHead = try await city.sync().log_head
        try await city.does(["payment", "request", number])
        let withdrawn = try await city.run(["claim", "withdraw", number, "--reason", "银行无回音"])
        #expect(withdrawn.status == 1)
        withdrawn.expectSaid("claim \(number) is authorized")
        #expect(try await city.sync().log_head == logHead)

        #expect(try await city.exported(["--again"]) == [instruction])
        let heard = bank.pay(instruction)
        #expect(heard.isEmpty)
        #expect(try await city.payment(of: number)?.stage == "submitted")
        #expect(try await federation.claimState(city, number) == "authorized")
    }

    private func fail(_ city: TestCity, _ instruction: FakeBank.Instruction, _ bank: inout FakeBank) async throws {
        let number = city.claim(1)
        let timeOut = try await city.run(["payment", "fail", number, "--failure", "timeout", "--reason", "?"])
        #expect(timeOut.status == 64)

        let late = bank.aWeekLater()
        #expect(late == [instruction.reference: .refused("the account is closed")])
        try await city.does(["payment", "fail", number, "--failure", "rejected", "--reason", "账户已销户"])
        try await city.expectPayment(of: number, at: "failed")
        #expect(try await city.show(number).state == "reserved")
        #expect(try await federation.claimState(city, number) == "reserved")
        #expect(try await city.exported(["--again"]).isEmpty)
    }

    private func payAfterAll(
        _ city: TestCity, _ instruction: FakeBank.Instruction, _ bank: inout FakeBank
    ) async throws {
        let number = city.claim(1)
        try await city.does(["payment", "request", number])
        let released = try await city.expectPayment(of: number, at: "released")
        #expect(released.reference == instruction.reference)
        #expect(try await city.exported() == [instruction])
        let answers = bank.pay(instruction)
        let transfer = try #require(answers.first?.transfer)
        try await city.confirm(transfer, of: number)
        try await city.expectPayment(of: number, at: "paid")
        #expect(try await federation.claimState(city, number) == "paid")
        #expect(bank.transfers == [transfer])
    }
}

@Suite("Payments and cities that are away", .badInputFederation)
struct AwayPaymentTests {
    private let federation = BadInputFederation.current

    @Test("a city that is away delays a payment by one dwell, and a city that is offline itself submits nothing")
    func away() async throws {
        try await federation.publishQuickPayments()
        let (city, other) = (try await federation.city(), try await federation.city())
        try await city.served { _ in
            try await waitForTheDwell(city)
            try await expectNotReleased(city)
            try await other.served { _ in
                for number in [1, 2] { try await city.expectPayment(of: city.claim(number), at: "released") }
            }
        }
        try await expectNothingSubmitted(city)
        try await city.served(isOffline: true) { _ in try await expectNothingSubmitted(city) }
        try await city.served { _ in try await pay(city) }
        try await federation.expectSoundJournal()
        for city in [city, other] { try await city.expectSoundLog() }
    }

    /// The other city was never heard, so that the dwell has to run: two seconds from the decision on.
    private func waitForTheDwell(_ city: TestCity) async throws {
        let start = ContinuousClock.now
        try await city.file([ClaimFile.row(1, of: city)])
        try await city.does(["payment", "request", city.claim(1)])
        try await city.expectPayment(of: city.claim(1), at: "authorized")
        #expect(start.duration(to: .now) >= .seconds(2))
    }

    /// No tick releases what no other city has: the ticks that a second claim's dwell takes do not either.
    private func expectNotReleased(_ city: TestCity) async throws {
        try await city.file([ClaimFile.row(2, of: city)])
        try await city.does(["payment", "request", city.claim(2)])
        try await city.expectPayment(of: city.claim(2), at: "authorized")
        #expect(try await city.payment(of: city.claim(1))?.stage == "authorized")

        let logHead = try await city.sync().log_head
        #expect(try await city.exported().isEmpty)
        #expect(try await city.exported(["--again"]).isEmpty)
        let submitted = try await city.run(["payment", "submit", city.claim(1)])
        #expect(submitted.status == 1)
        submitted.expectSaid("its payment is authorized")
        #expect(try await city.sync().log_head == logHead)
    }

    /// Both payments are released, and the registry is out of reach.
    private func expectNothingSubmitted(_ city: TestCity) async throws {
        let logHead = try await city.sync().log_head
        let submitted = try await city.run(["payment", "submit", city.claim(1)])
        #expect(submitted.status == 1)
        submitted.expectSaid("offline")
        #expect(submitted.output.isEmpty)

        let file = "\(city.data).offline.csv"
        let exported = try await city.run(["payment", "export", file])
        #expect(exported.status == 1)
        exported.expectSaid("offline")
        #expect(!FileManager.default.fileExists(atPath: file))
        #expect(try await city.sync().log_head == logHead)
        #expect(try await city.payment(of: city.claim(1))?.stage == "released")
    }

    private func pay(_ city: TestCity) async throws {
        var bank = FakeBank()
        let reference = try #require(try await city.payment(of: city.claim(1))?.reference)
        try await expectEventually {
            let submitted = try await city.run(["payment", "submit", city.claim(1)])
            return submitted.status == 0 && submitted.output.contains(reference)
        }
        try await city.expectPayment(of: city.claim(1), at: "submitted")
        let exported = try await city.exported(["--again"])
        #expect(Set(exported.map(\.claim)) == [city.claim(1), city.claim(2)])
        #expect(exported.count == 2)
        for instruction in exported {
            let answers = bank.pay(instruction)
            try await city.confirm(try #require(answers.first?.transfer), of: instruction.claim)
            try await city.expectPayment(of: instruction.claim, at: "paid")
        }
        #expect(bank.transfers.count == 2)
    }
}
