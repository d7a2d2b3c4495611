/// What the policy says of payments. A claim is paid under the terms of the policy that it was decided under.
package struct PaymentTerms: Hashable, Sendable, Codable {
    /// How long after its reservation a claim may be paid though not every city has been heard, in seconds.
    package let dwellSeconds: Int64
    /// How many cities besides the paying one must have an authorisation before it counts.
    package let witnessCities: Int64

    /// Three days, and one other city.
    package init(dwellSeconds: Int64 = 259_200, witnessCities: Int64 = 1) {
        self.dwellSeconds = dwellSeconds
        self.witnessCities = witnessCities
    }

    private enum CodingKeys: String, CodingKey {
        case dwellSeconds = "dwell_seconds"
        case witnessCities = "witness_cities"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let usual = PaymentTerms()
        self.init(
            dwellSeconds: try container.decodeIfPresent(Int64.self, forKey: .dwellSeconds) ?? usual.dwellSeconds,
            witnessCities: try container.decodeIfPresent(Int64.self, forKey: .witnessCities) ?? usual.witnessCities)
    }

    var fault: String? {
        if !(0...31_536_000).contains(dwellSeconds) { return "dwell_seconds is 0 to 31536000" }
        return (0...1_000).contains(witnessCities) ? nil : "witness_cities is 0 to 1000"
    }
}
