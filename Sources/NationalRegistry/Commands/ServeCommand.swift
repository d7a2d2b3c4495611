import ArgumentParser
import DefaultPolicy
import FederationHTTP
import Foundation
import PostgresClient
import RegistryStore
import Terminal

struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Serve the cities and the query API.",
        discussion: """
            Prints `listening on URL` on standard output once ready. Any number of servers may share one database; \
            one of them decides. SIGTERM or Ctrl-C ends it without losing anything.
            """)

    @OptionGroup var database: DatabaseOptions

    @Option(help: "HOST:PORT to listen on; port 0 picks one.")
    var listen = "127.0.0.1:8440"

    @Option(help: "URL that cities reach this registry by (default: the listen address).")
    var advertise: String?

    @Option(
        help: """
            PostgreSQL URL of a streaming replica that answers questions while it keeps up (or \
            REGISTRY_QUERIES_DATABASE); cities' requests, acts and checks go to the database itself.
            """)
    var queriesDatabase: String?

    @Flag(
        help: """
            Say that only a standby is ever promoted which every commit of the database waited for: a failover is then \
            no reason for recovery mode.
            """)
    var synchronousStandby = false

    @Option(help: "PEM file of the server's certificate chain, instead of one from the private CA; read at the start.")
    var tlsCertificate: String?

    @Option(help: "PEM file of that certificate's key.")
    var tlsKey: String?

    @Option(help: "PEM file of the CA that cities are to trust for it (default: their system's trust).")
    var trustAnchor: String?

    @Option(
        help: """
            Days after which a city is to have replaced its key, 1 to 36500; all servers and verbs on this database then \
            go by it (at first: 730). A key that is past its day works on.
            """)
    var keyLifetimeDays: Int?

    @OptionGroup var identityProvider: IdentityProviderOptions

    func validate() throws {
        guard ListenAddress(listen) != nil else {
            throw ValidationError("--listen is HOST:PORT, such as 127.0.0.1:8440")
        }
        if (tlsCertificate == nil) != (tlsKey == nil) {
            throw ValidationError("--tls-certificate and --tls-key go together")
        }
        if let advertise, URL(string: advertise)?.scheme != "https" {
            throw ValidationError("--advertise is an https URL")
        }
        if let keyLifetimeDays, !RegistryStore.keyLifetimes.contains(keyLifetimeDays) {
            throw ValidationError("--key-lifetime-days is 1 to 36500")
        }
        try identityProvider.validate()
        if let url = queriesURL, let fault = Self.fault(of: url) {
            throw ValidationError("--queries-database is a PostgreSQL URL: \(fault)")
        }
        try database.validate()
    }

    private var queriesURL: String? {
        queriesDatabase ?? ProcessInfo.processInfo.environment["REGISTRY_QUERIES_DATABASE"]
    }

    private static func fault(of url: String) -> String? {
        do {
            let variables = try PostgresEnvironment(url: url).variables
            let isSeveral = ["PGHOST", "PGHOSTADDR"].contains { variables[$0]?.contains(",") ?? false }
            // What is as of one entry at one of them is not so at the next.
            return isSeveral ? "name one server: each connection could lead to another one" : nil
        } catch { return (error as? PostgresError)?.message ?? "\(error)" }
    }

    func run() async throws {
        let logger = RegistryCommand.makeLogger()
        try await database.withDatabase { url, state in
            guard let address = ListenAddress(listen) else { return }
            var tls: RegistryServer.TLSFiles?
            if let tlsCertificate, let tlsKey {
                tls = .init(certificate: tlsCertificate, key: tlsKey, trustAnchor: trustAnchor)
            }
            let base = advertise.map { $0.hasSuffix("/") ? String($0.dropLast()) : $0 }
            var options = RegistryServer.Options(listen: address, advertise: base, tls: tls, databaseURL: url)
            options.queriesURL = queriesURL
            options.trustsStandby = synchronousStandby
            options.keyLifetimeDays = keyLifetimeDays
            options.identityProvider = try identityProvider.makeProvider()
            try await RegistryServer(options: options, state: state, logger: logger).run()
        }
    }
}

struct MigrateCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "migrate", abstract: "Bring the database to this build's schema; safe to repeat.")

    @OptionGroup var database: DatabaseOptions

    func run() async throws {
        try await database.withDatabase { url, state in
            let store = RegistryStore(pool: PostgresPool(url: url, size: 2), secrets: state.secrets)
            let done = try await store.migrate(policyDocument: DefaultPolicy.document, now: WallClock.now) {
                Output.note("\($0): \($1) of \($2) entries of the journal")
            }
            Output.line(done.isEmpty ? "the schema is up to date" : "migrated: \(done.joined(separator: ", "))")
        }
    }
}
