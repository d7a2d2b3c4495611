import ArgumentParser
import Terminal

extension BenchCommand {
    struct Growth: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ingest at a registry with many claims against a small one, and what each claim takes on disk.",
            discussion: """
                Needs about 6 KB of disk a claim, and half as much again while it is made. With --directory a registry is \
                kept, and one that bench query has kept there is used; what ingest looks at besides is then added to it. \
                Each table and index is printed with the bytes that a claim takes there and what it is for.
                """)

        @OptionGroup var options: BenchOptions
        @OptionGroup var record: RecordOption
        @Option(help: "Claims that the large registry has.") var claims = 10_000_000
        @Option(help: "Claims that the small registry has.") var small = 100_000
        @Option(help: "Fresh claims that each of the two takes in.") var fresh = 102_000
        @Option(help: "In so many rounds, which take turns.") var rounds = 6
        @Option(help: "Keep the large registry in this directory; one that is kept there is used.")
        var directory: String?

        func validate() throws {
            guard claims <= GrowthBench.most else {
                throw ValidationError("at most \(GrowthBench.most) claims: an invoice's number has no room for more")
            }
            guard rounds > 0, fresh / rounds >= 17 else {
                throw ValidationError("at least one round, and seventeen fresh claims in each: one of each city")
            }
        }

        func run() async throws {
            try await options.run {
                let cluster = try BenchCluster(kept: directory)
                defer { cluster.remove() }
                let bench =
                    options.smallest
                    ? GrowthBench(small: 340, claims: 680, filed: 170, round: 34, rounds: 2)
                    : GrowthBench(small: small, claims: claims, round: fresh / rounds, rounds: rounds)
                let result = try await bench.run(cluster)
                try record.write(result.figures, by: "bench growth --claims \(result.claims)")
                if options.json { return try Output.json(result) }
                Output.line(result.text)
            }
        }
    }
}

extension GrowthBench.Result {
    /// What a plan of hardware takes from it.
    var figures: [Figure: Double] {
        [
            .ingestClaimsPerSecond: claims_per_second, .paymentsPerSecond: payments_per_second,
            .bytesPerClaim: bytes_per_claim, .bytesPerPayment: bytes_per_payment,
            .bytesPerBatch: bytes_per_batch, .logBytesPerEntry: log_bytes_per_entry,
            .feedBytesPerEntry: feed_bytes_per_entry,
            .scatteredBytesPerClaim: scattered_bytes_per_claim, .scatteredPlacesPerClaim: scattered_places_per_claim,
        ]
    }

    /// The figures, and behind them every table and index that takes a byte for each claim, the largest first.
    var text: String {
        var table = TextTable(["table or index", "of", "bytes a claim", "what it is for"], rightAligned: [2])
        let large = relations.filter { $0.bytes_per_claim >= 1 }.sorted { $0.bytes_per_claim > $1.bytes_per_claim }
        for size in large {
            table.add([
                size.name, size.is_index ? size.table : "", String(Int(size.bytes_per_claim.rounded())), size.purpose,
            ])
        }
        let rest = relations.filter { $0.bytes_per_claim < 1 }
        let restBytes = rest.reduce(0.0) { $0 + $1.bytes_per_claim }
        let tables = relations.filter { !$0.is_index }.reduce(0.0) { $0 + $1.bytes_per_claim }
        return """
            \(Int(claims_per_second)) claims/s with \(claims) claims
            \(Int(small_claims_per_second)) claims/s with \(small_claims) claims
            ratio                  \(ratio.formatted), aim 0.9
            payments               \(Int(payments_per_second))/s requested and confirmed

            a claim                \(Int(bytes_per_claim)) bytes: \(Int(tables)) in tables, \(Int(bytes_per_claim - tables)) in indexes
            its payment            \(Int(bytes_per_payment)) bytes
            one more entry         \(Int(log_bytes_per_entry)) bytes, of which cities read \(Int(feed_bytes_per_entry))
            a sealed batch         \(Int(bytes_per_batch)) bytes
            written in no order    \(Int(scattered_bytes_per_claim)) bytes of indexes a claim, at \(scattered_places_per_claim.formatted) places

            \(table.text)

            and \(rest.count) smaller ones, together \(restBytes.formatted) bytes a claim
            """
    }
}
