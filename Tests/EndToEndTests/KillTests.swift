import Failpoints
import Foundation
import Testing

@testable import Laboratory

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

    @Test("an entry that ends every process which folds it is answered invalid in the end, and the others flow")
    func deadlyEntry() async throws {
        try await FederationFixture.with(cities: 1) { fixture in
            let (federation, city) = (fixture.federation, fixture.sample.cities[0])
            federation.stopRegistry()
            try await fixture.startCities()
            try await fixture.importFiles(of: [city])
            let claims = try await federation.claims(of: city.code)
            let deadly = try #require(claims.filter { $0.state == "recorded" }.dropFirst(5).first)
            let death = Death(point: .entryFolded, arrival: 0, subject: deadly.claim_no)
            var deaths = 0
            var undecided = claims.count
            // Three that decide nothing, and three that try the entry alone; a few more for a busy machine.
            while undecided > 0, deaths < 12 {
                try await federation.startRegistry(death: death)
                _ = try await eventually {
                    undecided = try await federation.claims(of: city.code).filter { $0.position == nil }
                        .filter { $0.state != "invalid" }.count
                    return try undecided == 0 || federation.isKilled(city: nil)
                }
                if try federation.isKilled(city: nil) { deaths += 1 }
            }

            let decided = try await federation.claims(of: city.code)
            #expect(decided.first { $0.claim_no == deadly.claim_no }?.state == "invalid")
            #expect(decided.filter { $0.state == "invalid" }.count == claims.filter { $0.state == "invalid" }.count + 1)
            #expect(deaths >= 6)
            let log = try String(contentsOfFile: "\(federation.directory)/registry-1.log", encoding: .utf8)
            #expect(log.contains("3 processes in a row ended when they tried it alone"))
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
