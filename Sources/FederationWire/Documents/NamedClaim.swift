/// A claim as documents name it.
package protocol NamedClaim {
    var city_code: String { get }
    var claim_no: String { get }
}

extension NamedClaim {
    /// As people name it: `CITY/CLAIM_NO`.
    package var text: String { "\(city_code)/\(claim_no)" }
}
