import Foundation
import Testing

/// What the registry's verbs show of a claim and a case as they once stood, and what became of them.
@Suite("Claims and cases as of a past position", .badInputFederation, .serialized)
struct PastShownTests {
    private let federation = BadInputFederation.current

    private struct Shown: Decodable {
        struct Step: Decodable { let position: Int, state: String, city_code: String }
        let claim_no: String
        let state: String
        let history: [Step]
    }

    private struct Case: Decodable {
        struct Step: Decodable { let position: Int }
        let case_id: String
        let state: String
        let steps: [Step]?
    }

    private struct Cases: Decodable { let items: [Case] }

    private struct Status: Decodable { let feed_position: Int }

    private func feedEnd() async throws -> Int {
        try await federation.registry(["status", "--json"]).json(Status.self).feed_position
    }

    /// - Parameter position: `nil` for now.
    private func asOf(_ position: Int?) -> [String] { position.map { ["--as-of", "\($0)"] } ?? [] }

    private func cases(_ position: Int?) async throws -> [String: String] {
        let list = try await federation.registry(["case", "list", "--json"] + asOf(position)).json(Cases.self)
        return Dictionary(uniqueKeysWithValues: list.items.map { ($0.case_id, $0.state) })
    }

    @Test("both are shown as they stood, and now with what became of them since")
    func withdrawn() async throws {
        // The policy in force is the first entry.
        try await expectEventually { try await feedEnd() > 0 }
        let before = try await feedEnd()
        try await DisputedClaims.with(federation) { claims, _, _ in
            let (name, id) = (
                "\(claims.second.code)/\(claims.second.claim(3))", try await claims.caseID(federation)
            )
            let held = try await feedEnd()
            let withdrawn = try await claims.second.run(["claim", "withdraw", claims.second.claim(3), "--reason", "重复"])
            #expect(withdrawn.status == 0, "\(withdrawn.errors)")
            try await claims.second.settle()
            func shown(_ position: Int?) async throws -> Shown {
                try await federation.registry(["claim", "show", name, "--json"] + asOf(position)).json(Shown.self)
            }

            let now = try await shown(nil)
            #expect(now.claim_no == claims.second.claim(3) && now.state == "withdrawn")
            let last = try #require(now.history.last)
            #expect(last.state == "withdrawn" && last.city_code == claims.second.code && last.position > held)
            let text = try await federation.registry(["claim", "show", name]).output
            #expect(text.contains("\(last.position)  ") && text.contains("withdrawn  by city \(claims.second.code)"))
            let then = try await shown(held)
            #expect(then.state == "held" && then.history.isEmpty)

            #expect(try await cases(nil)[id] == "closed")
            #expect(try await cases(held)[id] == "open")
            #expect(try await cases(before)[id] == nil)
            let shownCase = ["case", "show", id, "--json"]
            let open = try await federation.registry(shownCase + asOf(held)).json(Case.self)
            #expect(open.state == "open")
            let steps = try #require(open.steps)
            #expect(steps.allSatisfy { $0.position <= held })
            let closed = try await federation.registry(shownCase).json(Case.self)
            let end = try #require(closed.steps?.last)
            #expect(end.position > held)
            try await refuses(name, id, before: before)
        }
    }

    /// What was not there yet is not found, and nobody knows the future.
    private func refuses(_ name: String, _ id: String, before: Int) async throws {
        let claim = try await federation.registry(["claim", "show", name] + asOf(before))
        #expect(claim.status == 1)
        claim.expectSaid("no claim \(name) had been decided at position \(before): look at it as it stands now")
        let conflict = try await federation.registry(["case", "show", id] + asOf(before))
        #expect(conflict.status == 1)
        conflict.expectSaid("no case \(id) had been opened at position \(before): look at it as it stands now")
        let unknown = try await federation.registry(["case", "show", "22222-2"])
        unknown.expectSaid("there is no case 22222-2: national-registry case list shows them")
        let verbs = [
            ["claim", "show", name], ["claim", "find"], ["duplicates"], ["case", "show", id], ["case", "list"],
        ]
        for verb in verbs {
            let future = try await federation.registry(verb + ["--as-of", "1000000000"])
            #expect(future.status == 1, "\(verb)")
            future.expectSaid("the feed ends at position")
            let negative = try await federation.registry(verb + ["--as-of=-1"])
            #expect(negative.status == 64, "\(verb)")
        }
    }
}
