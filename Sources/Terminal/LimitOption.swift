package import ArgumentParser

/// How much of a list a verb prints.
package struct LimitOption: ParsableArguments {
    @Option(help: "The most to print (default: all).") package var limit: Int?

    package init() {}

    package func validate() throws {
        if let limit, limit < 1 { throw ValidationError("--limit is at least 1") }
    }
}
