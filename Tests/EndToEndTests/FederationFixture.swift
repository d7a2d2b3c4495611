import Foundation
import Laboratory

/// A federation of real processes on the sample, in a directory of its own that goes away with it.
struct FederationFixture {
    let federation: Federation
    let sample: Sample

    /// Runs `body` with a federation in which every city has joined and nothing is started but the registry.
    ///
    /// - Parameter cities: How many of the sample's.
    static func with(cities: Int = .max, _ body: (FederationFixture) async throws -> Void) async throws {
        let directory = "/tmp/vf-test-\(UUID().uuidString.prefix(8))"
        var sample = try Sample(directory: try Sample.find())
        sample.cities = Array(sample.cities.prefix(cities))
        let fixture = FederationFixture(federation: try Federation(directory: directory), sample: sample)
        do {
            try await fixture.federation.startRegistry()
            for city in fixture.sample.cities { try await fixture.federation.join(city) }
            try await body(fixture)
        } catch {
            fixture.federation.stopAll()
            throw error
        }
        fixture.federation.stopAll()
        try FileManager.default.removeItem(atPath: directory)
    }

    func startCities(server: (Int) -> Int? = { _ in nil }) async throws {
        for (index, city) in sample.cities.enumerated() {
            try await federation.startCity(city.code, server: server(index))
        }
    }

    /// Imports both files of the cities, all at once.
    func importFiles(of cities: [Sample.City]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for city in cities {
                group.addTask {
                    let directory = "\(sample.directory)/\(city.code)"
                    try await federation.importFile(city.code, "vouchers", "\(directory)/vouchers.csv")
                    try await federation.importFile(city.code, "claims", "\(directory)/claims.csv")
                }
            }
            try await group.waitForAll()
        }
    }

    func settle() async throws {
        for city in sample.cities {
            _ = try await federation.city(city.code, ["status", "--wait", "--timeout", "120"])
        }
    }

    func allClaims() async throws -> [DecidedClaim] {
        var claims: [DecidedClaim] = []
        for city in sample.cities { claims += try await federation.claims(of: city.code) }
        return claims
    }

    /// What was decided, by claim: state and position.
    func decisions() async throws -> [String: String] {
        let decided = try await allClaims().filter { $0.position != nil }
        return Dictionary(
            uniqueKeysWithValues: decided.map { ($0.claim_no ?? "", "\($0.state) at \($0.position?.position ?? 0)") })
    }
}
