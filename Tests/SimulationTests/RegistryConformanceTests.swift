import Arbitration
import TestSupport
import Testing

@testable import Simulation

/// What the simulator finds is worth as much as its registry is like production's: both go through one script, and every
/// answer must be the same but for what each of them draws at random.
@Suite("The simulated registry answers as PostgreSQL's", .database)
struct RegistryConformanceTests {
    private static let steps = 250

    private static let seeds: [UInt64] = [1, 2, 3, 4]

    @Test("whatever cities, a liar and operators ask for, both say the same", arguments: seeds)
    func sameAnswers(seed: UInt64) async throws {
        let simulated = try await ComparedFederation(on: SimulatedSide(now: ComparedFederation.start), seed: seed)
        let stored = try await ComparedFederation(on: StoredSide(now: ComparedFederation.start), seed: seed)
        for (number, (step, now)) in Self.script(seed).enumerated() {
            let said = try await simulated.perform(step, now: now)
            let expected = try await stored.perform(step, now: now)
            try #require(said == expected, "step \(number), \(step)")
        }
    }

    @Test("together the scripts reach every decision, and refusals of several kinds")
    func reached() async throws {
        var decisions: Set<Outcome.Decision> = []
        var refusals: Set<String> = []
        for seed in Self.seeds {
            let simulated = try await ComparedFederation(on: SimulatedSide(now: ComparedFederation.start), seed: seed)
            for (step, now) in Self.script(seed) { _ = try await simulated.perform(step, now: now) }
            decisions.formUnion(simulated.decisions)
            refusals.formUnion(simulated.refusals)
        }

        #expect(decisions.isSuperset(of: [.reserved, .refused, .held, .invalid, .withdrawn]), "\(decisions)")
        #expect(refusals.contains("fenced") && refusals.count >= 4, "\(refusals)")
    }

    /// What is asked for, and when.
    private static func script(_ seed: UInt64) -> [(step: ComparedScript.Step, now: UInt64)] {
        var now = ComparedFederation.start
        var script = ComparedScript(seed: seed, cities: ComparedFederation.cities)
        let beginning = (0..<ComparedFederation.cities).map { ComparedScript.Step.write($0, script.vouchers) }
        return (0..<steps).map { number in
            now += script.pause()
            return (number < beginning.count ? beginning[number] : script.next(), now)
        }
    }
}
