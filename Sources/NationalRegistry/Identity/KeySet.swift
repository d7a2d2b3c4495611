import Foundation
import JWTKit

/// Those keys of a JSON Web Key Set (RFC 7517) that are for signatures and of a kind that is known here.
struct KeySet: Sendable {
    private let keys: [JWK]

    /// - Returns: `nil` for what is no key set.
    init?(_ data: Data) {
        guard let set = try? JSONSerialization.jsonObject(with: data) as? [String: Any],
            let items = set["keys"] as? [[String: Any]]
        else { return nil }
        let signing = items.filter { ($0["use"] as? String ?? "sig") == "sig" && $0["kid"] is String }
        keys = signing.compactMap { item in
            (try? JSONSerialization.data(withJSONObject: item)).flatMap {
                try? JSONDecoder().decode(JWK.self, from: $0)
            }
        }
    }

    /// The keys that a token may be signed with: those with the id that it names, or the first one where it names none.
    func keys(named id: String?) -> [JWK] {
        guard let id else { return Array(keys.prefix(1)) }
        return keys.filter { $0.keyIdentifier?.string == id }
    }
}
