import ArgumentParser
import Foundation
import Terminal

/// `federation-lab generate`.
struct GenerateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "generate", abstract: "Write a labelled set of any size, in the sample's form.",
        discussion: """
            cities.csv, truth.csv, companies.csv (ownership), providers.csv (the national list), and for each city
            CODE/vouchers.csv and CODE/claims.csv. The same seed and size give the same bytes.
            """)

    @Argument(help: "Directory to write into: a new or an empty one.") var directory: String
    @Option(help: "Where randomness starts from.") var seed: UInt64
    @Option(help: "How many claims in all.") var claims: Int
    @Option(help: "How many cities; the first 17 are the sample's.") var cities = 17

    func validate() throws {
        guard (1...100_000_000).contains(claims) else { throw ValidationError("--claims is 1 to 100000000") }
        let possible = SetGenerator.leastCities...SetGenerator.mostCities
        guard possible.contains(cities) else {
            throw ValidationError("--cities is \(possible.lowerBound) to \(possible.upperBound)")
        }
    }

    func run() async throws {
        try await CommandFailure.catching(
            "federation-lab", explain: Self.explain, pass: { $0 is ExitCode }, exit: ExitCode.failure
        ) {
            try Folder.make(directory, mode: 0o755)
            guard try FileManager.default.contentsOfDirectory(atPath: directory).isEmpty else {
                throw Sample.Failure(message: "\(directory) is not empty: name a new directory")
            }
            let bar = ProgressBar("claims written", total: claims)
            let generator = SetGenerator(seed: seed, claims: claims, cities: cities)
            let summary = try generator.write(into: directory) { bar.show($0) }
            bar.finish()
            report(summary)
        }
    }

    private func report(_ summary: SetGenerator.Summary) {
        var table = TextTable(["pattern", "groups", "claims"], rightAligned: [1, 2])
        for count in summary.counts where count.groups > 0 {
            table.add([count.pattern.rawValue, String(count.groups), String(count.claims)])
        }
        Output.line(table.text)
        let groups = summary.counts.reduce(0) { $0 + $1.groups }
        Output.line("\n\(summary.claims) claims in \(groups) groups and \(cities) cities, seed \(seed): \(directory)")
    }

    private static func explain(_ error: any Error) -> String {
        (error as? Folder.Failure)?.message ?? DemoCommand.explain(error)
    }
}
