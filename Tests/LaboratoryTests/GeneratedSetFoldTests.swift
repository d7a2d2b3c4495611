import Testing

@testable import Laboratory

@Suite("Generated sets under the default policy")
struct GeneratedSetFoldTests {
    private static let seeds: [UInt64] = [1, 2, 3]

    @Test("every expectation is met, whatever arrives first", arguments: seeds, ArrivalOrder.allCases)
    func expectationsAreMet(seed: UInt64, order: ArrivalOrder) throws {
        try requireAllMet(GeneratedSet.shared(seed: seed, claims: 1_500), order)
    }

    @Test("every expectation is met with as few cities as there may be", arguments: ArrivalOrder.allCases)
    func fewestCities(order: ArrivalOrder) throws {
        try requireAllMet(GeneratedSet.shared(seed: 4, claims: 1_500, cities: SetGenerator.leastCities), order)
    }

    private func requireAllMet(_ set: GeneratedSet, _ order: ArrivalOrder) throws {
        let labels = set.sample.labels

        let claims = try FoldedSet(set, arriving: order).claims

        let failures = Evaluation(labels, claims).results.flatMap { result in
            result.failures.map { "\(result.pattern) \($0)" }
        }
        let report = QualityReport(labels, claims)
        #expect(claims.count == labels.count)
        #expect(failures == [])
        #expect(report.isSufficient, "\(report.text)")
    }
}
