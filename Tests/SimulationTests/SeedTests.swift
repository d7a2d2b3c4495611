import Simulation
import Testing

@Suite("Seeds")
struct SeedTests {
    @Test("no seed of a small batch fails, and together they see every fault and every chosen branch")
    func batch() throws {
        let simulation = Simulation()
        var coverage = Coverage()
        // Beside the first ones, some that take the rarest branches: claims that are held, copies put back by hand; and
        // longer ones, in which payments and cases come to their end.
        let small: [UInt64] = Array(1...40) + [87, 115, 195, 264, 293, 444]
        let long: [UInt64] = Array(1...6) + [18]
        let plans =
            small.map { FaultPlan(seed: $0, profile: .quick, cities: 3, steps: 25) }
            + long.map { FaultPlan(seed: $0, profile: .swarm, cities: 3, steps: 100) }
        for plan in plans {
            let run = try simulation.run(plan)
            #expect(run.violations == [], "\(plan.command)")
            coverage.take(run.coverage)
        }

        #expect(coverage.missing == [])
    }

    @Test("one plan gives one trace, however often it is run, on disks that were used before")
    func repeats() throws {
        let simulation = Simulation()
        let plan = FaultPlan(seed: 7, profile: .quick, cities: 3, steps: 20)
        let first = try simulation.run(plan, keepsTrace: true)
        _ = try simulation.run(FaultPlan(seed: 8, profile: .quick, cities: 3, steps: 20))
        let second = try simulation.run(plan, keepsTrace: true)

        #expect(first.trace == second.trace)
        #expect(first.digest == second.digest)
        #expect(first.digest.count == 64)
    }

    @Test("what is said of a plan that was drawn gives the same plan")
    func saidAgain() {
        for seed: UInt64 in 1...50 {
            let drawn = FaultPlan(seed: seed, profile: .swarm)
            #expect(FaultPlan(seed: seed, profile: .swarm, cities: drawn.cities, steps: drawn.steps) == drawn)
        }
    }

    @Test("other seeds give other traces")
    func differs() throws {
        let simulation = Simulation()
        let runs = try [11, 12].map { try simulation.run(FaultPlan(seed: $0, profile: .quick, cities: 2, steps: 10)) }

        #expect(runs[0].digest != runs[1].digest)
    }

    /// What befalls a world where all else goes well, and the branches that it must then take.
    struct Trouble: Sendable, CustomTestStringConvertible {
        let testDescription: String
        var rates: [FaultKind: Double] = [:]
        var evidence = 0.0
        let occasions: [Sometimes]

        static let all = [
            Trouble(
                testDescription: "suspensions", rates: [.suspension: 0.2],
                occasions: [.suspendedRefused, .caughtUpReinstated]),
            Trouble(
                testDescription: "a bank that fails", rates: [.bankTimeout: 0.5, .bankRefusal: 0.5],
                occasions: [.paid, .paymentFailed, .authorizedAgain, .bankAskedAgain]),
            Trouble(
                testDescription: "cases", evidence: 0.4,
                occasions: [.held, .gatedByCase, .caseAnswered, .ruled, .ruledOut]),
        ]
    }

    @Test("trouble of one kind is overcome, and its branches are taken", arguments: Trouble.all)
    func alone(trouble: Trouble) throws {
        let simulation = Simulation()
        var coverage = Coverage()
        for seed: UInt64 in 1...2 {
            var plan = FaultPlan(seed: seed, profile: .quick, cities: 3, steps: 80)
            (plan.rates, plan.evidence, plan.pace) = (trouble.rates, trouble.evidence, 2_000)
            let run = try simulation.run(plan)
            #expect(run.violations == [], "seed \(seed)")
            coverage.take(run.coverage)
        }

        #expect(Set(coverage.faults.keys) == Set(trouble.rates.keys))
        #expect(trouble.occasions.filter { coverage.occasions[$0] == nil } == [])
    }

    @Test("a run without faults sees none, and ends with everything decided")
    func withoutFaults() throws {
        var plan = FaultPlan(seed: 3, profile: .quick, cities: 3, steps: 20)
        for kind in plan.kinds { plan = plan.without(kind) }
        let run = try Simulation().run(plan)

        #expect(run.violations == [])
        #expect(run.coverage.faults == [:])
        #expect(run.decisions > 20)
    }
}
