import Foundation
import Laboratory
import Testing

/// The sample through real processes that are killed in the middle. Serialized: each federation wants the machine.
@Suite("Killed processes", .serialized)
struct KillTests {
    @Test("a registry and cities killed in the middle of the sample change no decision and lose nothing")
    func killsInTheMiddle() async throws {
        try await FederationFixture.with { fixture in
            let (federation, cities) = (fixture.federation, fixture.sample.cities)
            try await fixture.startCities()
            try await fixture.importFiles(of: Array(cities[..<6]))
            for city in cities[..<6] {
                _ = try await federation.city(city.code, ["status", "--wait", "--timeout", "120"])
            }
            let before = try await fixture.decisions()

            // Killed while the next cities' batches come in.
            async let imported: Void = fixture.importFiles(of: Array(cities[6...]))
            federation.stopRegistry(signal: SIGKILL)
            try await federation.startRegistry()
            try await imported
            for city in cities.prefix(9).suffix(6) {
                federation.stopCity(city.code, signal: SIGKILL)
                try await federation.startCity(city.code)
            }
            federation.stopRegistry(signal: SIGKILL)
            try await federation.startRegistry()
            try await fixture.settle()

            let after = try await fixture.decisions()
            #expect(before.allSatisfy { after[$0.key] == $0.value }, "a decision made before a kill has changed")
            try await expectSample(fixture)
        }
    }

    @Test("two registry servers on one database decide as one, also when the arbiter is killed")
    func twoServers() async throws {
        try await FederationFixture.with { fixture in
            let federation = fixture.federation
            try await federation.startRegistry(2)
            try await fixture.startCities { $0.isMultiple(of: 2) ? 1 : 2 }
            async let imported: Void = fixture.importFiles(of: fixture.sample.cities)
            federation.stopRegistry(1, signal: SIGKILL)
            try await imported
            try await federation.startRegistry(1)
            try await fixture.settle()

            try await expectSample(fixture)
        }
    }

    @Test("importing every file twice changes nothing")
    func importTwice() async throws {
        try await FederationFixture.with { fixture in
            try await fixture.startCities()
            try await fixture.importFiles(of: fixture.sample.cities)
            try await fixture.settle()
            let before = try await fixture.decisions()

            try await fixture.importFiles(of: fixture.sample.cities)
            try await fixture.settle()

            #expect(try await fixture.decisions() == before)
            try await expectSample(fixture)
        }
    }

    /// Every expectation of the sample is met, and a recomputation of the journal agrees.
    private func expectSample(_ fixture: FederationFixture) async throws {
        let evaluation = Evaluation(fixture.sample.labels, try await fixture.allClaims())
        for result in evaluation.results {
            #expect(result.failures == [], "\(result.pattern)")
        }
        let audit = String(decoding: try await fixture.federation.registry(["audit", "recompute"]), as: UTF8.self)
        #expect(audit.contains("all agree"))
        let verified = String(decoding: try await fixture.federation.registry(["audit", "verify"]), as: UTF8.self)
        #expect(verified.contains("all agree"))
    }
}
