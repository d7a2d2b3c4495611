import Foundation
import Testing

/// One piece of evidence in two cities, from the filing to the appeal: real processes over TLS.
@Suite("The story of a case", .badInputFederation)
struct CaseStoryTests {
    private let federation = BadInputFederation.current

    private struct CaseInCity: Decodable {
        struct Claim: Decodable {
            let city_code, claim_no: String
            let live: Bool
        }
        struct Finding: Decodable { let rule: String }
        struct Step: Decodable { let event: String, city_code: String?, answer: String?, text: String }
        let case_id, state: String
        let claims: [Claim]
        let reasons: [Finding]
        let steps: [Step]
    }

    private struct CaseAtRegistry: Decodable {
        struct Claim: Decodable { let city_code, claim_no, state: String }
        struct Step: Decodable { let event: String, by: String? }
        let case_id, state: String
        let claims: [Claim]
        let steps: [Step]
    }

    private func theCase(_ id: String, in city: TestCity) async throws -> CaseInCity {
        try await city.run(["case", "show", id, "--json"]).json(CaseInCity.self)
    }

    /// A claim that shows the same bank receipt as the other city's, and resembles it in nothing else.
    private func file(_ city: TestCity, invoice: String, contract: String) async throws {
        let row = ClaimFile.row(
            1, of: city,
            ["bank_receipt_no": "R-2026-77", "invoice_numbers": invoice, "contract_no": contract, "card_hours": ""])
        let filed = try await city.importClaims(ClaimFile.file([row]))
        try #require(filed.status == 0, "\(filed.errors)")
        try await city.settle()
    }

    @Test("it is held, contested, ruled on by two persons, appealed, and ends with a withdrawal")
    func story() async throws {
        try await federation.publishTwoPersons()
        let (first, second) = (try await federation.city(), try await federation.city())
        try await first.served { _ in
            try await second.served { _ in
                try await file(first, invoice: "24110000000012345678", contract: "甲-0001")
                try await file(second, invoice: "24310000000098765432", contract: "乙字第八号")
                #expect(try await second.show(second.claim(1)).state == "held")

                // Both cities are told, each of the other's claim by name alone.
                let list = try await federation.registry(["case", "list", "--open", "--json"])
                struct List: Decodable { let items: [Opened] }
                struct Opened: Decodable { let case_id: String }
                let id = try #require(try list.json(List.self).items.first?.case_id)
                for city in [first, second] {
                    try await expectEventually { try await city.run(["case", "show", id]).status == 0 }
                    let told = try await theCase(id, in: city)
                    #expect(told.state == "open")
                    #expect(told.claims.map(\.claim_no) == [second.claim(1), first.claim(1)])
                    #expect(told.reasons.map(\.rule) == ["evidence-once"])
                }

                try await answer(id, first, second)
                try await rule(id, first, second)
                try await appeal(id, first, second)
            }
        }
        try await federation.expectSoundJournal()
        for city in [first, second] { try await city.expectSoundLog() }
    }

    private func answer(_ id: String, _ first: TestCity, _ second: TestCity) async throws {
        let document = try second.write(Array("银行回单".utf8), "receipt.pdf")
        let answered = try await second.run([
            "case", "answer", id, "contest", "--reason", "回单为两份合同合并支付", "--evidence", document,
        ])
        #expect(answered.status == 0, "\(answered.errors)")
        try await expectEventually { try await theCase(id, in: first).steps.contains { $0.answer == "contest" } }
        let stranger = try await first.run(["case", "answer", "22222-2", "contest", "--reason", "?"])
        #expect(stranger.status == 1)
        stranger.expectSaid("no case 22222-2")
    }

    private func rule(_ id: String, _ first: TestCity, _ second: TestCity) async throws {
        let both = ["--keep", "\(first.code)/\(first.claim(1))", "--keep", "\(second.code)/\(second.claim(1))"]
        let ruling = ["case", "rule", id, "--code", "false-positive", "--reason", "合并支付属实"]
        let incomplete = try await federation.registry(ruling + Array(both.prefix(2)) + ["--by", "李娜"])
        #expect(incomplete.status == 1)
        incomplete.expectSaid("does not name")

        let proposed = try await federation.registry(ruling + both + ["--by", "李娜"])
        #expect(proposed.output.contains("another operator"), "\(proposed.errors)")
        try await expectEventually {
            try await federation.registry(["case", "show", id, "--json"]).json(CaseAtRegistry.self).steps.last?.event
                == "proposed"
        }
        let alone = try await federation.registry(["case", "confirm", id, "--reason", "同意", "--by", "李娜"])
        #expect(alone.output.contains("another operator"))
        #expect(try await second.show(second.claim(1)).state == "held")

        try await expectEventually {
            try await federation.registry(["case", "confirm", id, "--reason", "同意", "--by", "王伟"]).status == 0
        }
        try await expectEventually { try await second.show(second.claim(1)).state == "reserved" }
        #expect(try await first.show(first.claim(1)).state == "reserved")
        let closed = try await federation.registry(["case", "show", id, "--json"]).json(CaseAtRegistry.self)
        #expect(closed.state == "closed")
        #expect(closed.claims.allSatisfy { $0.state == "reserved" })
        #expect(closed.steps.last?.by == "王伟")
    }

    private func appeal(_ id: String, _ first: TestCity, _ second: TestCity) async throws {
        let late = try await first.run(["case", "answer", id, "contest", "--reason", "不同意"])
        #expect(late.status == 1)
        late.expectSaid("only an appeal is left")

        let appealed = try await first.run(["case", "answer", id, "appeal", "--reason", "发现新的对账单"])
        #expect(appealed.status == 0, "\(appealed.errors)")
        try await expectEventually { try await theCase(id, in: second).state == "open" }

        // The second city gives in: its claim goes, and with it the case.
        let withdrawn = try await second.run(["case", "answer", id, "withdraw", "--reason", "重复付款"])
        #expect(withdrawn.status == 0, "\(withdrawn.errors)")
        try await expectEventually { try await second.show(second.claim(1)).state == "withdrawn" }
        try await expectEventually { try await theCase(id, in: first).state == "closed" }
        let again = try await first.run(["case", "answer", id, "appeal", "--reason", "再次"])
        #expect(again.status == 1)
        again.expectSaid("appealed before")
    }
}

extension BadInputFederation {
    /// Publishes the policy in force once more, under which every ruling needs two persons.
    func publishTwoPersons() async throws {
        let inForce = try await registry(["policy", "show", "--json"]).output
        let stricter = inForce.replacing("\"version\": 1,", with: "\"version\": 2,")
            .replacing("\"two_person_fen\": 100000000", with: "\"two_person_fen\": 0")
        let file = freshPath("policy.json")
        try Data(stricter.utf8).write(to: URL(fileURLWithPath: file))
        let published = try await registry(["policy", "publish", file])
        try #require(published.status == 0, "\(published.errors)")
    }
}
