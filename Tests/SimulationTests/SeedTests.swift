import Simulation
import Testing

@Suite("Seeds")
struct SeedTests {
    @Test("no seed of a small batch fails, and together they see every fault and every chosen branch")
    func batch() throws {
        let simulation = Simulation()
        var coverage = Coverage()
        // Beside the first ones, some that take the rarest branches: claims that are held, copies put back by hand.
        for seed: UInt64 in Array(1...40) + [87, 115, 195, 264, 293, 444] {
            let run = try simulation.run(FaultPlan(seed: seed, profile: .quick, cities: 3, steps: 25))
            #expect(run.violations == [], "seed \(seed): federation-lab simulate --seed \(seed) --cities 3 --steps 25")
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
