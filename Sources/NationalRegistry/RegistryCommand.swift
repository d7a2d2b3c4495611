package import ArgumentParser
import FederationHTTP
import Foundation
import Logging
import PostgresClient
import RegistryStore
import Terminal

/// `national-registry`.
package struct RegistryCommand: AsyncParsableCommand {
    package static let configuration = CommandConfiguration(
        commandName: "national-registry",
        abstract: "Decides, once and for all cities, who holds a claim. 国家登记中心。",
        discussion: """
            The database is named by --database URL (or REGISTRY_DATABASE), or run privately by --embedded-postgres DIR \
            (or REGISTRY_EMBEDDED_POSTGRES). Every verb works beside a running serve.
            Exit codes: 0 done, 1 failed, 64 wrong usage.
            """,
        version: "national-registry 0.1.0 (protocol 1)",
        subcommands: [
            ServeCommand.self, MigrateCommand.self, StatusCommand.self, BackupCommand.self,
            RestoreCommand.self, RecoveryCommand.self, CityCommand.self, TokenCommand.self, PolicyCommand.self,
            CompanyCommand.self, ProviderCommand.self, PaymentCommand.self,
            CheckCommand.self, CheckReceiptCommand.self, ClaimCommand.self, CaseCommand.self, DuplicatesCommand.self,
            ReportCommand.self, ExportCommand.self, AuditCommand.self,
        ])

    package init() {}
}

/// Which database, and where the keys are.
struct DatabaseOptions: ParsableArguments {
    @Option(help: "PostgreSQL URL, such as postgresql://user@host/registry (or REGISTRY_DATABASE).")
    var database: String?

    @Option(help: "Run a private PostgreSQL in this directory (or REGISTRY_EMBEDDED_POSTGRES).")
    var embeddedPostgres: String?

    @Option(help: "Directory of the signing key and private CA (default: DIR/state beside the embedded database).")
    var state: String?

    private func source() throws -> (url: String?, directory: String?) {
        let environment = ProcessInfo.processInfo.environment
        let url = database ?? (embeddedPostgres == nil ? environment["REGISTRY_DATABASE"] : nil)
        let directory = embeddedPostgres ?? (url == nil ? environment["REGISTRY_EMBEDDED_POSTGRES"] : nil)
        guard (url == nil) != (directory == nil) else {
            throw ValidationError("name one database: --database URL or --embedded-postgres DIR")
        }
        return (url, directory)
    }

    func validate() throws {
        let (_, directory) = try source()
        if directory == nil, state == nil {
            throw ValidationError("--database needs --state DIR, where the keys are kept")
        }
    }

    /// Opens the database, and stops an embedded one afterwards if nobody else uses it.
    func withDatabase<T>(_ body: (_ url: String, _ state: RegistryState) async throws -> T) async throws -> T {
        try await CommandFailure.catching(
            "national-registry", explain: RegistryCommand.explain, pass: { $0 is ExitCode || $0 is ValidationError },
            exit: ExitCode.failure
        ) {
            let (url, directory) = try source()
            guard let directory else {
                return try await body(url ?? "", try RegistryState(directory: state ?? ""))
            }
            let cluster = try EmbeddedPostgres(directory: directory)
            defer { cluster.stop() }
            return try await body(cluster.url, try RegistryState(directory: state ?? "\(directory)/state"))
        }
    }

    /// Opens the database as a store; its schema must be there.
    ///
    /// - Parameter isWriting: Whether the registry's log may be written to. A log that has lost its end would get another one:
    ///   where the database is not the one that was served last, the command is refused.
    func withStore<T>(isWriting: Bool = false, _ body: (RegistryStore) async throws -> T) async throws -> T {
        try await withDatabase { url, state in
            let store = RegistryStore(pool: PostgresPool(url: url, size: 4), secrets: state.secrets)
            try await store.checkKeys()
            if isWriting, let reason = try await Witness(state: state).mismatch(with: store) {
                throw RegistryRefusal(
                    .invalid,
                    "\(reason): start national-registry serve first, which gets back what was lost; then try again")
            }
            return try await body(store)
        }
    }
}

extension RegistryCommand {
    /// A sentence for the person at the terminal.
    static func explain(_ error: any Error) -> String {
        switch error {
        case let refusal as RegistryRefusal: return refusal.message
        case let problem as Problem: return problem.detail
        case let failure as EmbeddedPostgres.Failure: return failure.message
        case let failure as RegistryBackup.Failure: return failure.message
        case let failure as ChildProgram.Failure: return failure.message
        case let failure as Folder.Failure: return failure.message
        case let failure as FreePort.Failure: return failure.message
        case let failure as CSVFile.Failure: return failure.message
        case let error as PostgresError where error.code.rawValue == "42P01":
            return "the database has no registry yet: run national-registry migrate, or serve"
        case let error as PostgresError where error.code.rawValue == "42703":
            return "the database is of an older build: run national-registry migrate, or serve"
        case let error as PostgresError where error.code.rawValue == "25006": return explain(PostgresError.standby)
        case let error as PostgresError where error.isConnectionLoss:
            return "the database does not answer: \(error.message); check the URL and that PostgreSQL runs"
        case let error as PostgresError: return "the database refused: \(error)"
        default:
            let text = "\(error)"
            if text.contains("EADDRINUSE") || text.contains("Address already in use") {
                return "the address is in use by another program: stop it, or give another --listen HOST:PORT"
            }
            return text
        }
    }

    static func makeLogger() -> Logger {
        LoggingSystem.bootstrap { label in
            var handler = StreamLogHandler.standardError(label: label)
            let level = ProcessInfo.processInfo.environment["LOG_LEVEL"].flatMap(Logger.Level.init(rawValue:))
            handler.logLevel = level ?? .notice
            return handler
        }
        return Logger(label: "national-registry")
    }
}
