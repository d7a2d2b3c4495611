package import Arbitration
import Crypto
import FederationWire
import PostgresClient
import Replication
package import VoucherDomain

/// The ownership file and the provider list, which operators import; each row is an act of the registry's log.
extension RegistryStore {
    /// What became of imported rows.
    package struct Listing: Hashable, Sendable {
        package var listed = 0
        package var unchanged = 0

        package init() {}

        init(listed: Int, of count: Int) {
            self.listed = listed
            unchanged = count - listed
        }
    }

    /// Rows in one entry, so that an entry stays far below its limit of size.
    private static let rowsPerEntry = 250

    /// Lists companies; a row that says what is known already changes nothing. What could name a person is kept as a
    /// keyed hash and nowhere else.
    ///
    /// - Parameter companies: The later row on one company counts.
    package func list(_ companies: [CompanyForm.Company], now: UInt64) async throws -> Listing {
        let secrets = secrets
        var latest: [CreditCode: Register.Company] = [:]
        for company in companies { latest[company.code] = secrets.hashed(company) }
        let rows = latest.values.sorted { $0.code < $1.code }
        return try await pool.transaction { session in
            // The lock on the registry's own log makes two operators take turns.
            _ = try CityRow.lock(.registry, session)
            var known = try SurroundingsLoader(session: session).companies(rows.map(\.code))
            for payload in try RegistryStore.waiting(.companiesListed, session) {
                for company in try PayloadCoding.companies(payload) { known[company.code] = company }
            }
            let new = rows.filter { known[$0.code] != $0 }
            try RegistryStore.append(
                new.pieces(of: RegistryStore.rowsPerEntry).map { .companiesListed($0) }, session, secrets, now: now)
            return Listing(listed: new.count, of: rows.count)
        }
    }

    /// Lists compute providers; a row that says what is known already changes nothing.
    ///
    /// - Parameter providers: The later row on one provider counts.
    package func list(_ providers: [ProviderForm.Provider], now: UInt64) async throws -> Listing {
        let secrets = secrets
        var latest: [CreditCode: Register.Provider] = [:]
        for row in providers {
            latest[row.code] = Register.Provider(
                code: row.code, name: row.name, listedFrom: row.listedFrom, listedUntil: row.listedUntil,
                isStateRun: row.isStateRun)
        }
        let rows = latest.values.sorted { $0.code < $1.code }
        return try await pool.transaction { session in
            _ = try CityRow.lock(.registry, session)
            var known = try SurroundingsLoader(session: session).providers(rows.map(\.code))
            for payload in try RegistryStore.waiting(.providersListed, session) {
                for provider in try PayloadCoding.providers(payload) { known[provider.code] = provider }
            }
            let new = rows.filter { known[$0.code] != $0 }
            try RegistryStore.append(
                new.pieces(of: RegistryStore.rowsPerEntry).map { .providersListed($0) }, session, secrets, now: now)
            return Listing(listed: new.count, of: rows.count)
        }
    }

    /// The national list as it was folded, in the order of the codes.
    package func providers() async throws -> [Register.Provider] {
        try await pool.run { try SurroundingsLoader(session: $0).providers(nil).values.sorted { $0.code < $1.code } }
    }

    /// Payloads of that kind in the registry's log that are not folded yet, oldest first.
    private static func waiting(_ kind: EntryKind, _ session: PostgresSession) throws -> [[UInt8]] {
        let result = try session.execute(
            """
            SELECT e.bytes FROM batch b JOIN entry e ON e.city_code = 0 AND e.kind = $1
                AND e.sequence BETWEEN b.first_sequence AND b.last_sequence
            WHERE NOT b.folded AND b.city_code = 0 ORDER BY e.sequence
            """, [.int4(Int32(kind.rawValue))])
        return try (0..<result.count).map { try EntryCoding.decode(result.bytes($0, 0)).payload }
    }
}

extension RegistrySecrets {
    /// The row with each attribute under a keyed hash of its own kind, of ``Register/Attribute/hashLength`` bytes.
    fileprivate func hashed(_ company: CompanyForm.Company) -> Register.Company {
        let attributes = Register.Attribute.Kind.allCases.compactMap { kind -> Register.Attribute? in
            guard let text = company.attributes[kind.rawValue] else { return nil }
            let code = HMAC<SHA256>.authenticationCode(
                for: Array("register/\(kind.rawValue)/\(text)".utf8), using: SymmetricKey(data: detailMaster))
            return Register.Attribute(kind: kind, hash: Array(code.prefix(Register.Attribute.hashLength)))
        }
        return Register.Company(
            code: company.code, name: company.name, headOffice: company.headOffice, attributes: attributes)
    }
}

extension Array {
    /// Consecutive pieces of at most that many elements.
    func pieces(of size: Int) -> [[Element]] {
        stride(from: 0, to: count, by: size).map { Array(self[$0..<Swift.min($0 + size, count)]) }
    }
}
