import Foundation
import Testing

/// Checks with their receipts, from the question to the proof: real processes over TLS.
@Suite("The story of a check's receipt", .badInputFederation)
struct CheckReceiptStoryTests {
    private let federation = BadInputFederation.current

    private struct Answer: Decodable {
        struct Reason: Decodable { let rule: String }
        struct Receipt: Decodable { let id, body, signature, signed_by: String }
        struct Position: Decodable, Hashable { let position: Int, hash: String }
        let answer: String
        let reasons: [Reason]
        let receipt: Receipt?
        let position: Position
        let policy_version: Int
    }

    private struct Answers: Decodable {
        let items: [Answer]
        let next: String?
    }

    private struct Verdicts: Decodable {
        struct Verdict: Decodable {
            let valid: Bool
            let id, answer, problem: String?
        }
        let items: [Verdict]
    }

    /// The question that would be asked before a claim is filed.
    private func question(_ number: Int, of city: TestCity) -> String {
        let fields = ClaimFile.fields(number, of: city)
        func field(_ name: String) -> String { fields[name] ?? "" }
        return """
            {"enterprise_uscc": "\(field("enterprise_uscc"))", "provider_uscc": "\(field("provider_uscc"))", \
            "contract_no": "\(field("contract_no"))", "invoices": ["\(field("invoice_numbers"))"]}
            """
    }

    private func write(_ text: String, _ name: String) throws -> String {
        let path = federation.freshPath(name)
        try Data(text.utf8).write(to: URL(fileURLWithPath: path))
        return path
    }

    /// A city whose claim 1 is decided, lent while its node is served.
    private func withClaim(_ body: (TestCity, Daemon) async throws -> Void) async throws {
        let city = try await federation.city()
        try await city.served { node in
            let filed = try await city.importClaims(ClaimFile.file(1, of: city))
            try #require(filed.status == 0, "\(filed.errors)")
            try await city.settle()
            try await body(city, node)
        }
    }

    /// Both sides say whether a kept answer is valid, and what is wrong with it.
    private func expect(
        _ kept: String, isValid: Bool, saying text: String, _ city: TestCity,
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let file = try write(kept, "answer")
        for result in [
            try await federation.registry(["check-receipt", file]), try await city.run(["check-receipt", file]),
        ] {
            #expect(result.status == (isValid ? 0 : 1), "\(result.errors)", sourceLocation: sourceLocation)
            #expect(result.output.contains(text), "\(result.output)", sourceLocation: sourceLocation)
            #expect(result.output.hasPrefix("NOT VALID") == !isValid, sourceLocation: sourceLocation)
        }
    }

    @Test("the registry's answer is verified at the registry and in a city, and nothing of it can be changed")
    func single() async throws {
        try await withClaim { city, _ in
            let asked = try write(question(1, of: city), "question")
            let other = try write(question(2, of: city), "question")
            let checked = try await federation.registry(["check", "--file", asked, "--json"])
            #expect(checked.status == 0, "\(checked.errors)")
            let answer = try checked.json(Answer.self)
            #expect(answer.answer == "HIT")
            #expect(answer.reasons.map(\.rule) == ["invoice-once", "contract-one-city"])
            let receipt = try #require(answer.receipt)

            try await expect(checked.output, isValid: true, saying: "\(receipt.id)  HIT", city)
            try await expect(
                checked.output.replacing(#""HIT""#, with: #""CLEAR""#), isValid: false, saying: "answer was changed",
                city)
            let body = String(decoding: Data(base64Encoded: receipt.body) ?? Data(), as: UTF8.self)
            let changed = Data(body.replacing("answer HIT", with: "answer CLEAR").utf8).base64EncodedString()
            try await expect(
                checked.output.replacing(receipt.body, with: changed), isValid: false,
                saying: "signature is not its signer's", city)

            let kept = try write(checked.output, "answer")
            for (file, isAnswered) in [(asked, true), (other, false)] {
                let arguments = ["check-receipt", kept, "--question", file, "--json"]
                for result in [try await federation.registry(arguments), try await city.run(arguments)] {
                    #expect(result.status == (isAnswered ? 0 : 1), "\(result.errors)")
                    #expect(try result.json(Verdicts.self).items.map(\.valid) == [isAnswered])
                }
            }
        }
    }

    @Test("a batch is answered in its order as of one position, at the registry and in the city, with receipts of each")
    func batch() async throws {
        try await withClaim { city, _ in
            let items = "\(question(1, of: city)), \(question(2, of: city))"
            let asked = try write(#"{"items": [\#(items)]}"#, "question")

            let checked = try await federation.registry(["check", "--file", asked, "--json"])
            let answers = try checked.json(Answers.self)
            #expect(answers.items.map(\.answer) == ["HIT", "CLEAR"])
            #expect(Set(answers.items.map(\.position)).count == 1)
            #expect(Set(answers.items.compactMap(\.receipt?.id)).count == 2)
            try await expect(checked.output, isValid: true, saying: "CLEAR", city)
            let table = try await federation.registry(["check", "--file", asked])
            #expect(table.output.contains("contract-one-city"), "\(table.errors)")

            // A busy machine may let the registry's word come too late for once.
            var inCity = checked
            var passedOn: [Answer] = []
            try await expectEventually {
                inCity = try await city.run(["check", "--file", asked, "--json"])
                passedOn = try inCity.json(Answers.self).items
                return passedOn.allSatisfy { $0.receipt?.signed_by == "000000" }
            }
            #expect(passedOn.map(\.answer) == ["HIT", "CLEAR"])
            #expect(passedOn[0].reasons.map(\.rule) == ["invoice-once"])
            #expect(Set(passedOn.map(\.position)).count == 1)
            try await expect(inCity.output, isValid: true, saying: "CLEAR", city)
            let kept = try write(inCity.output, "answer")
            let verified = try await city.run(["check-receipt", kept, "--question", asked])
            #expect(verified.status == 0, "\(verified.output)")
        }
    }

    @Test("without the registry a city answers from the national index as it has it, never CLEAR, and signs that")
    func withoutRegistry() async throws {
        let city = try await federation.city()
        try await city.served { _ in try await city.file([ClaimFile.row(1, of: city)]) }
        let items = "\(question(1, of: city)), \(question(2, of: city))"
        let asked = try write(#"{"items": [\#(items)]}"#, "question")
        try await city.served(isOffline: true) { _ in
            let inCity = try await city.run(["check", "--file", asked, "--json"])

            let own = try inCity.json(Answers.self)
            #expect(own.items.map(\.answer) == ["HIT", "UNKNOWN"])
            #expect(own.items[0].reasons.map(\.rule) == ["invoice-once"])
            #expect(own.items.map { $0.receipt?.signed_by } == [city.code, city.code])
            let kept = try write(inCity.output, "answer")
            let verified = try await city.run(["check-receipt", kept, "--question", asked])
            #expect(verified.status == 0, "\(verified.output)")
            let table = try await city.run(["check", "--file", asked])
            #expect(table.output.contains("UNKNOWN"), "\(table.errors)")
        }
    }

    @Test("what is asked for another city the registry does not answer, and this one signs by itself")
    func forAnotherCity() async throws {
        let other = try await federation.city(withVoucher: false)
        try await withClaim { city, _ in
            let named = question(2, of: city).replacing("{", with: #"{"city_code": "\#(other.code)", "#)
            let asked = try write(named, "question")

            let answer = try await city.run(["check", "--file", asked, "--json"]).json(Answer.self)
            #expect(answer.answer == "UNKNOWN")
            #expect(answer.receipt?.signed_by == city.code)
        }
    }

    @Test("both APIs take batches, CLEAR among their answers, and refuse one with a faulty question by its place")
    func overHTTP() async throws {
        let made = try await federation.registry(["token", "create", "--role", "auditor"])
        let bearer = ("Authorization", "Bearer \(made.output.trimmingCharacters(in: .whitespacesAndNewlines))")
        try await withClaim { city, node in
            let token = try String(contentsOfFile: "\(city.data)/api-token", encoding: .utf8)
            try await HTTPProbe.with(node.url) { probe in
                try await expectBatches(probe, ("Authorization", "Bearer \(token)"), ["HIT", "CLEAR"], city)
            }
            try await HTTPProbe.with(try federation.registryURL, authority: federation.authority) { probe in
                try await expectBatches(probe, bearer, ["HIT", "CLEAR"], city)
            }
        }
    }

    private func expectBatches(
        _ probe: HTTPProbe, _ token: (String, String), _ expected: [String], _ city: TestCity
    ) async throws {
        func post(_ body: String) async throws -> HTTPProbe.Answer {
            try await probe.send(
                "POST", "/v1/checks", [token, ("Content-Type", "application/json")], body: Array(body.utf8))
        }
        let (filed, free) = (question(1, of: city), question(2, of: city))

        // A city waits for the registry's word for a second only.
        try await expectEventually {
            let answered = try await post(#"{"items": [\#(filed), \#(free)]}"#)
            #expect(answered.status == 200)
            let answers = try JSONDecoder().decode(Answers.self, from: Data(answered.body))
            #expect(answers.next == nil)
            return answers.items.map(\.answer) == expected
        }

        let broken = try await post(#"{"items": [\#(filed), {"contract_no": "1"}]}"#)
        broken.expectProblem(400, "malformed", "a question that is none")
        #expect(broken.problem?.detail.hasPrefix("items[1]: ") == true)
        try await post(#"{"items": []}"#).expectProblem(400, "malformed", "nothing is asked")
        let many = [String](repeating: free, count: 1_001).joined(separator: ",")
        try await post(#"{"items": [\#(many)]}"#).expectProblem(400, "malformed", "too many questions")
    }

    @Test("a question or an answer that cannot be read is told by its file")
    func unreadable() async throws {
        let city = try await federation.city(withVoucher: false)
        let broken = try write(#"{"items": [{}]}"#, "question")
        let missing = federation.freshPath("nothing")

        let asked = try await federation.registry(["check", "--file", broken])
        #expect(asked.status == 1)
        asked.expectSaid("items[0]: expected enterprise_uscc")
        for result in [
            try await federation.registry(["check", "--file", missing]),
            try await federation.registry(["check-receipt", missing]),
            try await city.run(["check", "--file", missing]), try await city.run(["check-receipt", missing]),
        ] {
            #expect(result.status == 1)
            result.expectSaid("cannot read \(missing)")
        }
        let both = try await federation.registry(["check", "--file", broken, "--contract", "1"])
        #expect(both.status == 64)
    }
}
