import ArgumentParser

/// As of which position of the feed something is shown.
struct AsOfOption: ParsableArguments {
    @Option(help: "As it was at this position of the feed (default: now).") var asOf: Int64?

    /// As a parameter of a question.
    var text: String? { asOf.map { "\($0)" } }

    func validate() throws {
        if let asOf, asOf < 0 { throw ValidationError("--as-of is a position of the feed") }
    }
}
