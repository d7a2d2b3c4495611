import CityStore
import Failpoints
import FederationHTTP
import Foundation
import Hummingbird
import Logging
import NIOCore
import OpenAPIDocuments
import ServiceLifecycle
import UnixSignals
import WebConsole

/// The composition of `city-node serve`: store, local API and replication in one group.
struct NodeServer {
    let directory: NodeDirectory
    let listen: ListenAddress
    /// Instead of the URL in the join token, for a registry that has moved.
    let registryURL: String?
    let logger: Logger

    /// Threads that wait for the network. A city's officers and one registry keep no more of them busy, and by default there
    /// is one, with buffers of its own, for each core of the machine.
    private static let networkThreads = 2

    func run() async throws {
        var times = StartTimes()
        ProcessMemory.keepTogether()
        NIOSingletons.groupLoopCountSuggestion = NodeServer.networkThreads
        if let point = Failpoint.armed {
            logger.warning("started to kill itself", metadata: ["failpoint": "\(point.rawValue)"])
        }
        if ClockShift.milliseconds != 0 {
            logger.warning("started with a wrong clock", metadata: ["shift.ms": "\(ClockShift.milliseconds)"])
        }
        try directory.requireStore()
        let lock = try directory.lockAlone()
        defer { withExtendedLifetime(lock) {} }
        try directory.setServing(url: nil)
        let store = try CityStore(directory: directory.path)
        guard let identity = try store.identity() else {
            throw StoreRefusal(.notJoined, "this node has not joined: run city-node join TOKEN")
        }
        times.end("store")
        let key = try directory.signingKey()
        let token = try directory.apiToken()
        let pages = try NodeConsole.makePages()
        let documentation = try APIDocumentation(OpenAPIDocuments.city)
        let status = NodeStatus()
        // From here on nothing may throw before the sync service runs, which shuts the client down.
        let client = try RegistryClient(
            baseURL: registryURL ?? identity.registryURL, city: identity.city, key: key,
            trustAnchor: identity.trustAnchor, shown: { expiry in status.update { $0.certificate = expiry } })
        let sync = SyncService(
            store: store, identity: identity, client: client, key: key, status: status, logger: logger)
        let routes = NodeRoutes(
            store: store, identity: identity, key: key, status: status, registry: client, token: token,
            ring: { sync.ring() })
        let methods = RoutedMethods()
        let router = routes.makeRouter(methods: methods)
        documentation.add(to: router)
        NodeConsole(routes: routes, pages: pages, token: token, directory: directory.path).add(to: router)
        methods.note(router)
        times.end("pages")
        let application = Application(
            router: router,
            configuration: .init(address: .hostname(listen.host, port: listen.port), serverName: "city-node"),
            onServerRunning: { [times] channel in
                let url = listen.url(scheme: "http", port: channel.localAddress?.port ?? listen.port)
                do { try directory.setServing(url: url) } catch { logger.error("\(error)") }
                logger.info("ready", metadata: times.ended("listen"))
                ReadyLine.print(url: url)
            }, logger: logger)
        var group = ServiceGroupConfiguration(
            services: [application, sync, DiskWatch(store: store, logger: logger), IdleMemory(store: store)],
            gracefulShutdownSignals: [.sigterm, .sigint], logger: logger)
        group.maximumGracefulShutdownDuration = .seconds(10)
        group.maximumCancellationDuration = .seconds(5)
        try await ServiceGroup(configuration: group).run()
        try directory.setServing(url: nil)
        try store.close()
    }
}

/// How long the parts of a start take, in microseconds, for the log.
private struct StartTimes {
    private var last = ContinuousClock.now
    private var metadata: Logger.Metadata = [:]

    /// Notes that a part has ended, and the next one begins.
    mutating func end(_ part: String) {
        let now = ContinuousClock.now
        metadata["start.\(part).us"] = "\(Int(last.duration(to: now) / .microseconds(1)))"
        last = now
    }

    /// All parts, the last of which ends now.
    func ended(_ part: String) -> Logger.Metadata {
        var times = self
        times.end(part)
        return times.metadata
    }
}
