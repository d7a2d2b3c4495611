/// Runs plans, one after the other, on one thread.
package final class Simulation: Sendable {
    private let shelf = SimulatedDisk.Shelf()

    package init() {}

    /// What came of one run.
    package struct Run: Sendable {
        package let plan: FaultPlan
        package let violations: [Violation]
        package let coverage: Coverage
        /// The trace's digest: the same whenever the plan is run.
        package let digest: String
        /// Empty unless the trace was kept.
        package let trace: [String]
        /// Virtual milliseconds from the start to the end.
        package let virtualTime: UInt64
        /// Entries that the registry decided.
        package let decisions: Int
    }

    /// Runs a plan and holds its history against every checker.
    ///
    /// - Throws: Errors of SQLite only: what goes wrong in the world is a violation.
    package func run(_ plan: FaultPlan, keepsTrace: Bool = false) throws -> Run {
        var world = try World(plan: plan, shelf: shelf, keepsTrace: keepsTrace)
        try world.run()
        var coverage = Coverage()
        coverage.take(world.history)
        return Run(
            plan: plan, violations: Checker.violations(in: world.history), coverage: coverage,
            digest: world.trace.digest, trace: world.trace.lines, virtualTime: world.time,
            decisions: world.registry.feed.count)
    }

    /// A smaller plan that still fails: kinds of faults are turned off one after the other, then the steps are cut down.
    ///
    /// - Returns: The plan itself when nothing can be left out.
    package func minimised(_ plan: FaultPlan) throws -> FaultPlan {
        var least = plan
        for kind in plan.kinds {
            let candidate = least.without(kind)
            if try !run(candidate).violations.isEmpty { least = candidate }
        }
        var step = least.steps / 2
        while step > 0 {
            var candidate = least
            candidate.steps -= step
            if candidate.steps > 0, try !run(candidate).violations.isEmpty { least = candidate } else { step /= 2 }
        }
        return least
    }
}
