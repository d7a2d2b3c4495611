import Foundation
import Laboratory
import TestSupport
import Testing

/// What the registry's operators do with the sample once it is decided, by their own verbs beside a running server.
@Suite("Operators on the sample", .serialized)
struct OperatorTests {
    private struct Preview: Decodable {
        struct Item: Decodable { let before, after: String, rules: [String] }
        let compared, changed: Int
        let items: [Item]
    }

    private struct Case: Decodable {
        struct Claim: Decodable { let city_code, claim_no, state: String }
        let case_id, state: String
        let automatic: Bool
        let claims: [Claim]
    }

    private struct Found: Decodable { let claim_no: String }

    private struct List<Item: Decodable>: Decodable { let items: [Item] }

    @Test("they try a policy, publish it, read the cases that held claims opened, rule on one, and export and report")
    func policyAndCases() async throws {
        try await FederationFixture.with { fixture in
            let federation = fixture.federation
            try await fixture.startCities()
            try await fixture.importFiles(of: fixture.sample.cities)
            try await fixture.settle()
            let before = try await fixture.decisions()

            let inForce = try await federation.registry(["policy", "show", "--json"])
            let folder = try TemporaryDirectory()
            let (same, mild) = ("\(folder.path)/same.json", "\(folder.path)/mild.json")
            try inForce.write(to: URL(fileURLWithPath: same))
            let milder = String(decoding: inForce, as: UTF8.self)
                .replacing("\"version\": 1,", with: "\"version\": 2,")
                .replacing(
                    #""keys": ["bank-receipt", "usage-proof"], "holder": "claim", "outcome": "hold""#,
                    with: #""keys": ["bank-receipt", "usage-proof"], "holder": "claim", "outcome": "flag""#)
            try Data(milder.utf8).write(to: URL(fileURLWithPath: mild))

            let unchanged = try await preview(federation, same)
            #expect(unchanged.compared == 1_215)
            #expect(unchanged.changed == 0)
            let changed = try await preview(federation, mild)
            #expect(changed.changed > 0)
            #expect(changed.items.allSatisfy { $0.before == "held" && $0.rules.contains("evidence-once") })

            _ = try await federation.registry(["policy", "publish", mild])
            _ = try await federation.registry(["policy", "publish", mild])
            #expect(try await fixture.decisions() == before)
            try await expectCases(fixture)
            let found = try await federation.registry(["claim", "find", "--claim-state", "refused", "--json"])
            #expect(
                try JSONDecoder().decode(List<Found>.self, from: found).items.count
                    == before.values.filter { $0.hasPrefix("refused") }.count)
            try await expectAnswers(fixture, in: folder)
            let audit = String(decoding: try await federation.registry(["audit", "recompute"]), as: UTF8.self)
            #expect(audit.contains("all agree"))
        }
    }

    private func preview(_ federation: Federation, _ file: String) async throws -> Preview {
        try JSONDecoder().decode(
            Preview.self, from: try await federation.registry(["policy", "preview", file, "--json"]))
    }

    /// One open case for every held claim, which it names; those that the registry opens by itself begin with a refused
    /// claim.
    private func expectCases(_ fixture: FederationFixture) async throws {
        let list = try await fixture.federation.registry(["case", "list", "--json"])
        let cases = try JSONDecoder().decode(List<Case>.self, from: list).items
        let held = try await fixture.allClaims().filter { $0.state == "held" }

        #expect(cases.allSatisfy { $0.state == "open" })
        #expect(cases.filter(\.automatic).allSatisfy { $0.claims.first?.state == "refused" })
        let ofHeld = cases.filter { !$0.automatic }
        #expect(ofHeld.count == held.count)
        #expect(ofHeld.allSatisfy { $0.claims.contains { $0.state == "held" } })
        let first = try #require(cases.first)
        let shown = String(
            decoding: try await fixture.federation.registry(["case", "show", first.case_id]), as: UTF8.self)
        #expect(first.claims.allSatisfy { shown.contains("\($0.city_code)/\($0.claim_no)") })
    }
}
