import ArgumentParser
import FederationHTTP
import RegistryStore

/// What claims are looked for by, on the command line: the API's parameters under the names of options.
struct ClaimFilterOptions: ParsableArguments {
    @Option(help: "City code.") var city: String?
    @Option(help: "reserved, refused, held, withdrawn, authorized, paid or reversed.") var claimState: String?
    @Option(help: "Enterprise's credit code.") var enterprise: String?
    @Option(help: "Provider's credit code.") var provider: String?
    @Option(help: "Part of the enterprise's or the provider's name.") var name: String?
    @Option(help: "Contract number.") var contract: String?
    @Option(help: "Invoice number.") var invoice: String?
    @Option(help: "Voucher serial.") var voucher: String?
    @Option(help: "A rule that found something in it.") var rule: String?
    @Option(name: .customLong("case"), help: "A case that it is a party of.") var caseID: String?
    @Option(help: "Two cities whose claims met, such as 110000,310000.") var pair: String?
    @Option(help: "Received from this day (in China) or time on.") var receivedFrom: String?
    @Option(help: "Received before this day or time.") var receivedUntil: String?
    @Option(help: "The least yuan claimed.") var claimedMin: String?
    @Option(help: "The most yuan claimed.") var claimedMax: String?
    @OptionGroup var past: AsOfOption

    /// Under the API's names.
    var values: [String: String] {
        let all: [String: String?] = [
            "city_code": city, "state": claimState, "enterprise_uscc": enterprise, "provider_uscc": provider,
            "name": name, "contract_no": contract, "invoice": invoice, "voucher_no": voucher, "rule": rule,
            "case_id": caseID, "pair": pair, "received_from": receivedFrom, "received_until": receivedUntil,
            "claimed_min_yuan": claimedMin, "claimed_max_yuan": claimedMax, "as_of": past.text,
        ]
        return all.compactMapValues(\.self)
    }

    func filter() throws -> RegistryStore.ClaimFilter {
        do {
            return try RegistryStore.ClaimFilter(
                Question(values, known: RegistryStore.ClaimFilter.parameters))
        } catch let problem as Problem { throw ValidationError(problem.detail) }
    }

    func validate() throws { _ = try filter() }
}
