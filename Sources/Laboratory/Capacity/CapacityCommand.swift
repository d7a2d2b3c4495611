import ArgumentParser
import Foundation
import Terminal

struct CapacityCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "capacity", abstract: "Compute from measured figures what hardware so many cities need.",
        discussion: """
            The figures are those of deploy/figures.json, into which the benches write with --record. Prints three tables in \
            Markdown: the plan, what was assumed, and what was measured by which command. deploy/capacity.md has them.
            """)

    @Option(help: "The file of figures (default: deploy/figures.json).") var figures: String?
    @Option(parsing: .upToNextOption, help: "Numbers of cities.") var cities: [Int] = [17, 300, 3_000]
    @OptionGroup var assumptions: WorkloadOptions
    @Option(help: "Put the tables in their place in this page.") var update: String?
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard cities.allSatisfy({ $0 > 0 }) else { throw ValidationError("a federation has at least one city") }
    }

    func run() async throws {
        try await CommandFailure.catching(
            "federation-lab", explain: DemoCommand.explain, pass: { $0 is ExitCode }, exit: ExitCode.failure
        ) {
            let path = try figures ?? Sample.find("deploy/figures.json", option: "--figures FILE")
            let page = CapacityPage(cities: cities, try MeasuredFigures(path: path), assumptions.workload)
            if let update {
                let text = try page.text(in: String(contentsOfFile: update, encoding: .utf8))
                try Data(text.utf8).write(to: URL(fileURLWithPath: update), options: .atomic)
            } else if json {
                try Output.json(page.plans)
            } else {
                Output.text(page.text)
            }
        }
    }
}

/// ``Workload`` as options.
struct WorkloadOptions: ParsableArguments {
    @Option(help: "Claims that a city files in a year.") var claimsPerCity = Workload().claims_per_city
    @Option(help: "Years of which everything is kept.") var years = Workload().years
    @Option(help: "The busiest hour has one part in so many of a year's claims.")
    var busiestHour = Workload().busiest_hour
    @Option(help: "Hours like that one on the busiest day.")
    var hoursOfBusiestDay = Workload().hours_of_busiest_day
    @Option(help: "Entries of a claim in the end.") var entriesPerClaim = Workload().entries_per_claim
    @Option(help: "Entries that a city seals together.") var entriesPerBatch = Workload().entries_per_batch
    @Option(help: "How often a city asks for the feed while there is always something new.")
    var feedRequestsPerSecond = Workload().feed_requests_per_second
    @Option(help: "Gigabytes of memory of the largest server that is bought.")
    var serverGigabytes = Workload().server_gigabytes
    @Option(help: "Megabytes of a backup that are copied back in a second.")
    var restoreMegabytesPerSecond = Workload().restore_megabytes_per_second

    var workload: Workload {
        Workload(
            claims_per_city: claimsPerCity, years: years, busiest_hour: busiestHour,
            hours_of_busiest_day: hoursOfBusiestDay, entries_per_claim: entriesPerClaim,
            entries_per_batch: entriesPerBatch, feed_requests_per_second: feedRequestsPerSecond,
            server_gigabytes: serverGigabytes, restore_megabytes_per_second: restoreMegabytesPerSecond)
    }

    func validate() throws {
        for assumption in Workload.assumptions where !(assumption.value(workload) > 0) {
            throw ValidationError("--\(assumption.name) must be above zero")
        }
    }
}
