import FederationHTTP
import RegistryStore
import VoucherDomain

/// What `status` says of keys and certificates that are to be replaced.
struct RenewalReport {
    /// The cities whose key is to be replaced within sixty days or was to be before, the longest overdue first.
    private let cities: [(name: String, code: CityCode, until: Expiry)]
    /// Of a certificate of the operators' own; `nil` for one that servers make and exchange by themselves.
    private let certificate: Expiry?
    /// Of the CA that cities trust; `nil` where they take their system's trust, and before the first `serve`.
    private let authority: Expiry?
    /// Milliseconds since 1970.
    private let now: UInt64

    init(_ store: RegistryStore, _ summaries: [RegistryStore.CitySummary], now: UInt64) async throws {
        let advertised = try await store.advertised()
        certificate = advertised?.certificateUntil
        authority = advertised.flatMap { Expiry(trustAnchor: $0.trustAnchor) }
        cities = summaries.compactMap { city -> (name: String, code: CityCode, until: Expiry)? in
            guard let until = city.keyUntil, until.stage(now: now) != .current else { return nil }
            return (city.name, city.code, until)
        }.sorted { ($0.until.rawValue, $0.code) < ($1.until.rawValue, $1.code) }
        self.now = now
    }

    struct Document: Encodable {
        struct Key: Encodable {
            let city_code: String
            let name: String
            let key_until: String
            /// `ending` or `over`.
            let key_state: String
        }
        let keys: [Key]
        let certificate_until: String?
        let trust_anchor_until: String?
    }

    var document: Document {
        Document(
            keys: cities.map { city in
                .init(
                    city_code: city.code.description, name: city.name, key_until: city.until.rfc3339,
                    key_state: city.until.stage(now: now).rawValue)
            }, certificate_until: certificate?.rfc3339, trust_anchor_until: authority?.rfc3339)
    }

    /// For the operators at the terminal, in both languages; nothing when all is well.
    var lines: [String] {
        let keys = cities.map { city -> String in
            let isOver = city.until.stage(now: now) == .over
            let what = isOver ? "KEY PAST ITS DAY" : "KEY TO BE REPLACED SOON"
            return "\(what): that of city \(city.code) \(city.name), by \(city.until.day.iso8601): city rotate-key "
                + "\(city.code) makes a token for a new one; until it is used all goes on. "
                + "密钥\(isOver ? "已过期" : "即将到期")：请更换，期间照常工作。"
        }
        return keys
            + end(
                of: "THE SERVER'S CERTIFICATE", "服务器证书", certificate,
                "exchange the files of --tls-certificate and start serve again")
            + end(
                of: "THE CA THAT CITIES TRUST", "各市信任的根证书", authority,
                "take ca.pem out of --state (or exchange --trust-anchor), start serve again, and give each city a token of "
                    + "city rotate-key")
    }

    /// - Parameter advice: What to do about it.
    private func end(of name: String, _ chinese: String, _ expiry: Expiry?, _ advice: String) -> [String] {
        guard let expiry, expiry.stage(now: now) != .current else { return [] }
        let day = expiry.day.iso8601
        return [
            "\(name) ENDS on \(day), and from then on cities do not reach this registry: \(advice). "
                + "\(chinese)有效期至 \(day)：到期后各市无法联网。"
        ]
    }
}
