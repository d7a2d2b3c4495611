import DefaultPolicy
import Failpoints
package import FederationHTTP
import Foundation
import Hummingbird
import HummingbirdTLS
package import Logging
import OpenAPIDocuments
import PostgresClient
import RegistryStore
import ServiceLifecycle
import UnixSignals
import WebConsole

/// The composition of `national-registry serve`: database, arbiter, feed bell and HTTP server in one group.
package struct RegistryServer {
    package struct Options: Sendable {
        package var listen: ListenAddress
        /// The URL that cities are told; `nil` takes the listen address.
        package var advertise: String?
        package var tls: TLSFiles?
        package var databaseURL: String
        /// A streaming replica for what people ask; `nil`: the database is asked.
        var queriesURL: String?
        /// Whether the operator says that only a synchronous standby of the database is ever promoted.
        var trustsStandby = false
        /// `nil`: only tokens of the registry's own are taken.
        var identityProvider: IdentityProvider?
        /// How many days cities' keys are meant to be used, from now on; `nil` leaves what the database says.
        package var keyLifetimeDays: Int?

        package init(listen: ListenAddress, advertise: String?, tls: TLSFiles?, databaseURL: String) {
            self.listen = listen
            self.advertise = advertise
            self.tls = tls
            self.databaseURL = databaseURL
        }
    }

    /// A certificate of the operator's own, in PEM files, and what cities are to trust for it.
    package struct TLSFiles: Sendable {
        package let certificate: String
        package let key: String
        /// `nil`: the system's trust.
        package let trustAnchor: String?

        package init(certificate: String, key: String, trustAnchor: String?) {
            self.certificate = certificate
            self.key = key
            self.trustAnchor = trustAnchor
        }
    }

    private let options: Options
    private let state: RegistryState
    private let logger: Logger

    package init(options: Options, state: RegistryState, logger: Logger) {
        self.options = options
        self.state = state
        self.logger = logger
    }

    /// Migrates, then listens, then says so; returns after a graceful shutdown.
    package func run() async throws {
        ProcessMemory.keepTogether()
        if let point = Failpoint.armed {
            logger.warning("started to kill itself", metadata: ["failpoint": "\(point.rawValue)"])
        }
        if ClockShift.milliseconds != 0 {
            logger.warning("started with a wrong clock", metadata: ["shift.ms": "\(ClockShift.milliseconds)"])
        }
        try await RegistryStore(pool: PostgresPool(url: options.databaseURL, size: 1), secrets: state.secrets)
            .migrate(policyDocument: DefaultPolicy.document, now: WallClock.now) { [logger] id, position, last in
                logger.info("migrating", metadata: ["id": "\(id)", "entry": "\(position)", "of": "\(last)"])
            }
        let witness = Witness(state: state, trustsStandby: options.trustsStandby)
        try await awaitWord(of: witness)
        // A connection that was lost may lead to another database now; and a grant would be written to a log that has lost
        // its end.
        let pool = PostgresPool(url: options.databaseURL, size: 12) { [logger] session in
            if let reason = try witness.meet(session) { Witness.alarm(reason, logger) }
        }
        let store = RegistryStore(pool: pool, secrets: state.secrets)
        let desk = QuestionDesk(
            primary: makeQuestionStore(witness, connections: 4, longest: "60s"),
            replica: options.queriesURL.map { Replica(url: $0, secrets: state.secrets) }, logger: logger)
        _ = try await witness.update(from: store)
        if let days = options.keyLifetimeDays { try await store.setKeyLifetime(days: days) }
        let tls = try makeTLS()
        tls.dates.warn(logger, now: WallClock.now)
        let bell = Bell()
        // What a replica has comes a little later than what the arbiter tells.
        let pageBell = desk.replica == nil ? bell : Bell()
        let arbiter = ArbiterStatus()
        let advertise = options.advertise
        let listen = options.listen
        // Port 0 is only known once bound; requests are verified against the advertised URL from then on.
        let port = try options.listen.port == 0 ? FreePort.find(host: listen.host) : listen.port
        let baseURL = advertise ?? listen.url(scheme: "https", port: port)
        let router = try makeRouter(
            store, desk, checks: makeQuestionStore(witness, connections: 4, longest: "10s"), baseURL: baseURL,
            arbiter: arbiter, tls: tls.dates, bells: (feed: bell, pages: pageBell))
        let application = Application(
            router: router,
            server: try .tls(
                .http1(configuration: .init(idleTimeout: .seconds(60))), tlsConfiguration: tls.configuration),
            configuration: .init(
                address: .hostname(listen.host, port: port), serverName: "national-registry",
                availableConnectionsDelegate: .maximum(OpenFiles.mostConnections(), logger: logger)),
            onServerRunning: { _ in
                do {
                    try await store.setAdvertised(
                        url: baseURL, trustAnchor: tls.trustAnchor,
                        certificateUntil: tls.dates.isRenewed ? nil : tls.dates.certificate())
                    ReadyLine.print(url: listen.url(scheme: "https", port: port))
                } catch { logger.error("the advertised URL could not be stored", metadata: ["error": "\(error)"]) }
            }, logger: logger)
        var services: [any Service] = [
            application,
            WitnessService(witness: witness, store: store, expectsStandby: options.trustsStandby, logger: logger),
            FeedListener(store: store, bell: bell),
        ]
        if let replica = desk.replica {
            services.append(ReplicaWatch(replica: replica, store: store, bell: pageBell, logger: logger))
        }
        try await run(services, deciding: ArbiterService(store: store, bell: bell, status: arbiter, logger: logger))
    }

    /// Another server may be about to note that a standby which was promoted lacks nothing; this one, which was just started,
    /// has not seen it, and would begin recovery mode for all. Waits half a minute for that.
    private func awaitWord(of witness: Witness) async throws {
        guard options.trustsStandby else { return }
        let store = RegistryStore(pool: PostgresPool(url: options.databaseURL, size: 1), secrets: state.secrets)
        for _ in 0..<30 {
            guard try await witness.mismatch(with: store) != nil else { return }
            try await Task.sleep(for: .seconds(1))
        }
    }

    /// Runs these, and what asks the identity provider, until a signal ends them.
    private func run(_ services: [any Service], deciding arbiter: ArbiterService) async throws {
        var services = services
        if case .discovered(let provider) = options.identityProvider?.keys {
            services.append(ProviderWatch(provider: provider, logger: logger))
        }
        // The last one is ended first: whoever decides next need not wait for all the rest to end.
        services.append(arbiter)
        var group = ServiceGroupConfiguration(
            services: services, gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(10)
        group.maximumCancellationDuration = .seconds(5)
        try await ServiceGroup(configuration: group).run()
    }

    /// What people ask has connections of its own, so that cities never wait for a report; and an end, however much was
    /// asked.
    ///
    /// - Parameter longest: What a statement may take, as PostgreSQL writes it.
    private func makeQuestionStore(_ witness: Witness, connections: Int, longest: String) -> RegistryStore {
        let pool = PostgresPool(url: options.databaseURL, size: connections) { [logger] session in
            if let reason = try witness.meet(session) { Witness.alarm(reason, logger) }
            try session.run(script: "SET statement_timeout = '\(longest)'")
        }
        return RegistryStore(pool: pool, secrets: state.secrets)
    }

    /// All that the server answers.
    ///
    /// - Parameter bells: One rings when the feed has grown, the other when what pages show of it has.
    private func makeRouter(
        _ store: RegistryStore, _ desk: QuestionDesk, checks: RegistryStore, baseURL: String, arbiter: ArbiterStatus,
        tls: TLSDates, bells: (feed: Bell, pages: Bell)
    ) throws -> Router<BasicRequestContext> {
        _ = MetricsStore.shared
        let router = Router(context: BasicRequestContext.self)
        router.add(middleware: MetricsMiddleware())
        let methods = RoutedMethods()
        router.add(middleware: ProblemMiddleware(methods: methods))
        SyncRoutes(
            store: store, checks: checks, gate: SignedRequestGate(store: store, baseURL: baseURL), bell: bells.feed
        ).add(to: router)
        let gate = CallerGate(store: store, identityProvider: options.identityProvider)
        QueryRoutes(desk: desk, prompt: store, checks: checks, arbiter: arbiter, tls: tls, gate: gate).add(to: router)
        try APIDocumentation(OpenAPIDocuments.registry).add(to: router)
        try ConsoleRoutes(
            store: store, desk: desk, bell: bells.pages, tls: tls, identityProvider: options.identityProvider,
            door: ProviderDoor(options.identityProvider, baseURL: baseURL, logger: logger)
        ).add(to: router)
        methods.note(router)
        return router
    }

    private func makeTLS() throws -> ServerTLS {
        if let files = options.tls { return try ServerTLS(files) }
        let advertised = options.advertise.flatMap { URLComponents(string: $0)?.host }
        let hosts = [options.listen.host, "localhost", "127.0.0.1", "::1"] + (advertised.map { [$0] } ?? [])
        return try ServerTLS(
            try CertificateAuthority(directory: state.directory, now: Date()), hosts: Array(Set(hosts)).sorted())
    }
}
