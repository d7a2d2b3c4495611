import Foundation
import Testing

@testable import Laboratory

/// The cities of a federation, and what both sides say of their claims.
struct FederatedCities {
    private let federation: Federation
    let all: [TestCity]

    /// Joins cities, each with a voucher, and starts their nodes.
    init(_ federation: Federation, count: Int) async throws {
        self.federation = federation
        let cities = Drill.cities.prefix(count)
        all = cities.map { TestCity(code: $0.code, data: federation.data($0.code)) }
        for city in cities { try await federation.join(city) }
        for city in all {
            let imported = try await city.importVouchers(ClaimFile.voucher(city.voucher))
            try #require(imported.status == 0, "\(imported.errors)")
            try await federation.startCity(city.code)
        }
    }

    // MARK: Filing

    /// Files claims with these numbers in every city, all at once. Every fifth names an invoice that all cities name.
    func file(_ numbers: ClosedRange<Int>) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for city in all {
                let file = ClaimFile.file(numbers.map { row($0, of: city) })
                group.addTask {
                    let filed = try await city.importClaims(file)
                    try #require(filed.status == 0, "\(filed.output)\(filed.errors)")
                }
            }
            try await group.waitForAll()
        }
    }

    private static func isShared(_ number: Int) -> Bool { number.isMultiple(of: 5) }

    private func row(_ number: Int, of city: TestCity) -> String {
        guard Self.isShared(number) else { return ClaimFile.row(number, of: city) }
        let invoice = ClaimFile.fields(number, of: all[0])["invoice_numbers"] ?? ""
        return ClaimFile.row(number, of: city, ["invoice_numbers": invoice])
    }

    func settle() async throws {
        for city in all { try await city.settle() }
    }

    // MARK: What became of it

    private struct List: Decodable { let items: [DecidedClaim] }

    /// State and position of every decided claim, as its city shows it.
    func decisions() async throws -> [String: String] {
        var claims: [DecidedClaim] = []
        for city in all { claims += try await federation.claims(of: city.code) }
        return Self.decisions(claims)
    }

    private static func decisions(_ claims: [DecidedClaim]) -> [String: String] {
        let decided = claims.compactMap { claim in
            claim.position.map { ("\(claim.city_code)/\(claim.claim_no ?? "")", "\(claim.state) at \($0.position)") }
        }
        // Of a claim that there were twice both would be told.
        return Dictionary(decided) { "\($0) and \($1)" }
    }

    /// All that was filed is decided, once, and cities and registry say the same; of those who name one invoice one was not
    /// refused; and all logs agree.
    ///
    /// - Parameter numbers: Those of the claims that every city has filed.
    func expectWhole(_ numbers: ClosedRange<Int>, sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let found = try JSONDecoder().decode(
            List.self, from: try await federation.registry(["claim", "find", "--json"]))
        let there = Self.decisions(found.items)
        let here = try await decisions()
        let names = Set(all.flatMap { city in numbers.map { "\(city.code)/\(city.claim($0))" } })
        #expect(Set(here.keys) == names, sourceLocation: sourceLocation)
        #expect(here == there, sourceLocation: sourceLocation)
        let positions = found.items.compactMap { $0.position?.position }
        #expect(Set(positions).count == names.count, sourceLocation: sourceLocation)
        for number in numbers where Self.isShared(number) {
            let holders = all.filter { here["\($0.code)/\($0.claim(number))"]?.hasPrefix("refused") == false }
            #expect(holders.count == 1, "claim \(number)", sourceLocation: sourceLocation)
        }
        for audit in ["recompute", "verify"] {
            let said = String(decoding: try await federation.registry(["audit", audit]), as: UTF8.self)
            #expect(said.contains("all agree"), "\(said)", sourceLocation: sourceLocation)
        }
        for city in all { try await city.expectSoundLog(sourceLocation: sourceLocation) }
    }
}
