import Foundation
import Testing

/// The queue of cases by money, asked of the API page by page and of the verb.
@Suite("The queue of cases", .badInputFederation, .serialized)
struct CaseQueueTests {
    private let federation = BadInputFederation.current

    private struct Case: Decodable {
        struct Claim: Decodable {
            let claimed_yuan: String?
            let live: Bool
        }
        let case_id: String
        let claims: [Claim]

        var money: Double { claims.filter(\.live).compactMap { $0.claimed_yuan.flatMap { Double($0) } }.reduce(0, +) }
    }

    private struct List: Decodable {
        let items: [Case]
        let next: String?
    }

    private func bearer(_ token: String) -> [(String, String)] { [("Authorization", "Bearer \(token)")] }

    @Test("the API gives it page by page as the verb does, the most money first, and a city no amounts of others")
    func byMoney() async throws {
        let token = try await federation.token("operator", label: "按金额")
        try await DisputedClaims.with(federation) { claims, _, _ in
            try await DisputedClaims.with(federation) { _, _, _ in
                let verb = try await federation.registry(["case", "list", "--by-money", "--json"]).json(List.self).items
                #expect(verb.count > 1)
                let first = try await federation.registry(["case", "list", "--by-money", "--json", "--limit", "1"])
                let page = try first.json(List.self)
                #expect(page.items.map(\.case_id) == verb.prefix(1).map(\.case_id))
                #expect(page.next != nil)
                #expect(verb.map(\.money) == verb.map(\.money).sorted(by: >))
                #expect(Set(verb.map(\.money)).count > 1)
                let made = try await federation.registry(
                    ["token", "create", "--role", "city", "--city", claims.first.code])
                let cityToken = made.output.trimmingCharacters(in: .whitespacesAndNewlines)
                try await HTTPProbe.with(try federation.registryURL, authority: federation.authority) { probe in
                    var (found, after) = ([String](), String?.some(""))
                    while let place = after {
                        let path = "/v1/cases?order=money&limit=1&after=\(place)"
                        let answer = try await probe.send("GET", path, bearer(token))
                        let page = try JSONDecoder().decode(List.self, from: Data(answer.body))
                        found += page.items.map(\.case_id)
                        try #require(found.count <= verb.count)
                        after = page.next
                    }
                    #expect(found == verb.map(\.case_id))

                    for query in ["order=money&after=1", "order=oldest&after=5:1", "after=x", "order=most"] {
                        try await probe.send("GET", "/v1/cases?\(query)", bearer(token))
                            .expectProblem(400, "query", "\(query)")
                    }
                    try await probe.send("GET", "/v1/cases?order=money", bearer(cityToken))
                        .expectProblem(403, "role", "a city asks for the order by money")
                }
            }
        }
    }
}
