import Arbitration
import PostgresClient
import VoucherDomain

/// Writes rows of the ownership file and of the provider list; a newer row on a company replaces the one before.
struct RegisterWriter {
    let decided: [FoldWriter.Decided]

    func write(_ session: PostgresSession) throws {
        for item in decided {
            switch item.journalEntry.content {
            case .companiesListed(let companies):
                try queueCompanies(companies, at: item.position, session)
            case .providersListed(let providers):
                try queueProviders(providers, at: item.position, session)
            default: break
            }
        }
    }

    private func queueCompanies(
        _ companies: [Register.Company], at position: Int64, _ session: PostgresSession
    ) throws {
        for company in companies {
            let hashes = Register.Attribute.Kind.allCases.map { kind in
                PostgresParameter.bytea(company.attributes.first { $0.kind == kind }?.hash)
            }
            try session.queue(
                """
                INSERT INTO company (uscc, position, name, head_office, legal_representative, controller, address, phone,
                    bank_account)
                VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                ON CONFLICT (uscc) DO UPDATE SET position = $2, name = $3, head_office = $4, legal_representative = $5,
                    controller = $6, address = $7, phone = $8, bank_account = $9
                """,
                [
                    .text(company.code.rawValue), .int8(position), .text(company.name),
                    .text(company.headOffice?.rawValue),
                ] + hashes)
        }
    }

    private func queueProviders(
        _ providers: [Register.Provider], at position: Int64, _ session: PostgresSession
    ) throws {
        for provider in providers {
            try session.queue(
                """
                INSERT INTO provider (uscc, position, name, listed_from, listed_until, state_run)
                VALUES ($1, $2, $3, $4::date, $5::date, $6)
                ON CONFLICT (uscc) DO UPDATE SET position = $2, name = $3, listed_from = $4::date,
                    listed_until = $5::date, state_run = $6
                """,
                [
                    .text(provider.code.rawValue), .int8(position), .text(provider.name),
                    .text(provider.listedFrom.iso8601), .text(provider.listedUntil?.iso8601),
                    .bool(provider.isStateRun),
                ])
        }
    }
}
