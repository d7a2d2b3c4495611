import Arbitration
import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// Loads what detectors look at: the companies of a batch's claims, prices, and the earlier claims that resemble them.
struct SurroundingsLoader {
    let session: PostgresSession

    func queueRegister(_ needs: Needs, _ building: LedgerLoader.Building) throws {
        guard !needs.companies.isEmpty else { return }
        let codes = PostgresParameter.textArray(needs.companies.map(\.rawValue))
        try session.queue(
            """
            WITH own AS (SELECT * FROM company WHERE uscc = ANY($1))
            SELECT * FROM own UNION
            SELECT c.* FROM company c JOIN own ON c.bank_account = own.bank_account
            """, [codes]
        ) { result in
            for row in 0..<result.count { building.ledger.register.list(try SurroundingsLoader.company(result, row)) }
        }
        try session.queue(
            """
            SELECT uscc, name, listed_from, listed_until, state_run FROM provider WHERE uscc = ANY($1)
            """, [codes]
        ) { result in
            for row in 0..<result.count { building.ledger.register.list(try SurroundingsLoader.provider(result, row)) }
        }
        try session.queue("SELECT EXISTS (SELECT FROM company), EXISTS (SELECT FROM provider)") { result in
            if result.bool(0, 0) { building.ledger.register.hasCompanies = true }
            if result.bool(0, 1) { building.ledger.register.hasProviders = true }
        }
    }

    /// Everything as the tables have it, of each trace the positions alone.
    func loadAll(into ledger: inout Ledger) throws {
        let companies = try session.execute("SELECT * FROM company")
        for row in 0..<companies.count { ledger.register.list(try SurroundingsLoader.company(companies, row)) }
        let providers = try session.execute(
            "SELECT uscc, name, listed_from, listed_until, state_run FROM provider")
        for row in 0..<providers.count { ledger.register.list(try SurroundingsLoader.provider(providers, row)) }
        SurroundingsLoader.insertPrices(
            try session.execute("SELECT resource_class, price_class, claims FROM price_class"), into: &ledger)
        let traces = try session.execute("SELECT key, position FROM trace ORDER BY position")
        for row in 0..<traces.count { ledger.insert(traces.int(row, 1), under: Trace(rawValue: traces.int(row, 0))) }
    }

    /// The companies of these codes, as far as they are listed.
    func companies(_ codes: [CreditCode]) throws -> [CreditCode: Register.Company] {
        let result = try session.execute(
            "SELECT * FROM company WHERE uscc = ANY($1)", [.textArray(codes.map(\.rawValue))])
        var companies: [CreditCode: Register.Company] = [:]
        for row in 0..<result.count {
            let company = try SurroundingsLoader.company(result, row)
            companies[company.code] = company
        }
        return companies
    }

    /// The parties of claims that detectors may meet, as far as they are listed.
    ///
    /// - Parameter register: What is loaded already.
    func companies(of claims: [Claim], beyond register: Register) throws -> [Register.Company] {
        guard register.hasCompanies else { return [] }
        let codes = Set(claims.flatMap { [$0.enterprise, $0.provider] }).subtracting(register.companies.keys)
        return try codes.isEmpty ? [] : Array(companies(codes.sorted()).values)
    }

    /// The providers of these codes, as far as they are listed; all with `nil`.
    func providers(_ codes: [CreditCode]?) throws -> [CreditCode: Register.Provider] {
        let result = try session.execute(
            """
            SELECT uscc, name, listed_from, listed_until, state_run FROM provider
            WHERE $1::text[] IS NULL OR uscc = ANY($1)
            """, [codes.map { .textArray($0.map(\.rawValue)) } ?? .text(nil)])
        var providers: [CreditCode: Register.Provider] = [:]
        for row in 0..<result.count {
            let provider = try SurroundingsLoader.provider(result, row)
            providers[provider.code] = provider
        }
        return providers
    }

    private static func company(_ result: borrowing PostgresResult, _ row: Int) throws -> Register.Company {
        guard let code = CreditCode(rawValue: result.text(row, 0)) else {
            throw PostgresError(code: .unexpectedResult, message: "a damaged row in company")
        }
        var attributes: [Register.Attribute] = []
        for (index, kind) in Register.Attribute.Kind.allCases.enumerated() where !result.isNull(row, 4 + index) {
            attributes.append(Register.Attribute(kind: kind, hash: result.bytes(row, 4 + index)))
        }
        return Register.Company(
            code: code, name: result.text(row, 2),
            headOffice: result.isNull(row, 3) ? nil : CreditCode(rawValue: result.text(row, 3)), attributes: attributes)
    }

    private static func provider(_ result: borrowing PostgresResult, _ row: Int) throws -> Register.Provider {
        guard let code = CreditCode(rawValue: result.text(row, 0)), let from = result.date(row, 2) else {
            throw PostgresError(code: .unexpectedResult, message: "a damaged row in provider")
        }
        return Register.Provider(
            code: code, name: result.text(row, 1), listedFrom: CalendarDate(rawValue: from),
            listedUntil: result.date(row, 3).map(CalendarDate.init(rawValue:)), isStateRun: result.bool(row, 4))
    }

    func queuePrices(_ needs: Needs, _ building: LedgerLoader.Building) throws {
        guard !needs.resourceClasses.isEmpty else { return }
        try session.queue(
            "SELECT resource_class, price_class, claims FROM price_class WHERE resource_class = ANY($1)",
            [.textArray(Array(needs.resourceClasses))]
        ) { result in SurroundingsLoader.insertPrices(result, into: &building.ledger) }
    }

    private static func insertPrices(_ result: borrowing PostgresResult, into ledger: inout Ledger) {
        var classes: [String: [Int64: Int64]] = [:]
        for row in 0..<result.count {
            guard result.int(row, 2) > 0 else { continue }
            classes[result.text(row, 0), default: [:]][result.int(row, 1)] = result.int(row, 2)
        }
        for (name, claims) in classes { ledger.insert(PriceHistogram(claims), ofResourceClass: name) }
    }

    /// The latest claims under each trace, with their parties as far as these are listed: ``Trace/mostNeighbours`` that
    /// stay, whichever of them the batch takes away.
    func loadFilings(_ lookups: Set<Trace>, _ building: LedgerLoader.Building) throws {
        guard !lookups.isEmpty else { return }
        // In the order of the index: each look-up begins where the last one ended.
        let traces = lookups.sorted()
        let leaving = building.leaving
        let found = try session.execute(
            """
            SELECT k.key, t.position FROM unnest($1::int8[], $2::int8[]) AS k(key, most) CROSS JOIN LATERAL (
                SELECT position FROM trace WHERE key = k.key ORDER BY position DESC LIMIT k.most) AS t
            ORDER BY t.position
            """,
            [
                .int8Array(traces.map(\.rawValue)),
                .int8Array(traces.map { Int64(Trace.mostNeighbours) + (leaving[$0] ?? 0) }),
            ])
        guard found.count > 0 else { return }
        var filings: [Int64: Filing] = [:]
        for filing in try self.filings(at: Set((0..<found.count).map { found.int($0, 1) })) {
            filings[filing.position] = filing
        }
        for row in 0..<found.count {
            guard let filing = filings[found.int(row, 1)] else {
                throw PostgresError(code: .unexpectedResult, message: "a trace of a claim that is not there")
            }
            building.ledger.insert(filing, under: Trace(rawValue: found.int(row, 0)))
        }
        let parties = try companies(of: filings.values.map(\.claim), beyond: building.ledger.register)
        for company in parties { building.ledger.register.list(company) }
    }

    /// Claims that were decided at these positions.
    func filings(at positions: Set<Int64>) throws -> [Filing] {
        let result = try session.execute(
            """
            SELECT c.position, c.state, c.programme, c.received_at_ms, c.filed_at_ms, e.bytes
            FROM unnest($1::int8[]) AS p(position)
            CROSS JOIN LATERAL (SELECT * FROM claim WHERE position = p.position OFFSET 0) AS c
            CROSS JOIN LATERAL (
                SELECT bytes FROM entry WHERE city_code = c.city_code AND sequence = c.sequence OFFSET 0) AS e
            """, [.int8Array(positions.sorted())])
        return try (0..<result.count).map { row in
            let entry = try EntryCoding.decode(result.bytes(row, 5))
            guard let state = Outcome.Decision(rawValue: UInt8(result.int(row, 1))) else {
                throw PostgresError(code: .unexpectedResult, message: "a damaged row in claim")
            }
            let claim = try PayloadCoding.claimAsWritten(entry.payload)
            return Filing(
                position: result.int(row, 0), name: ClaimName(city: entry.city, number: claim.number),
                id: entry.id.rawValue, claim: claim,
                programme: result.text(row, 2), receivedAt: result.int(row, 3), filedAt: result.int(row, 4),
                state: state)
        }
    }
}
