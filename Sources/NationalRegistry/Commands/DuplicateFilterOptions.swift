import ArgumentParser
import FederationHTTP
import RegistryStore

/// What claims that met are looked for by, on the command line: the API's parameters under the names of options.
struct DuplicateFilterOptions: ParsableArguments {
    @Option(help: "Only this rule.") var rule: String?
    @Option(help: "Two cities whose claims met, such as 110000,310000.") var pair: String?
    @OptionGroup var past: AsOfOption

    /// Under the API's names.
    var values: [String: String] { ["rule": rule, "pair": pair, "as_of": past.text].compactMapValues(\.self) }

    func filter() throws -> RegistryStore.DuplicateFilter {
        do {
            return try RegistryStore.DuplicateFilter(
                Question(values, known: RegistryStore.DuplicateFilter.parameters))
        } catch let problem as Problem { throw ValidationError(problem.detail) }
    }

    func validate() throws { _ = try filter() }
}
