import Foundation

/// Several registry servers on one database behind one address: a plain balancer hands each connection to the next of them,
/// and knows nothing of what is said.
struct BalancedFederation {
    let federation: Federation
    private let balancer: Relay
    private let servers: ClosedRange<Int>
    /// More options of each `serve`.
    private let options: [String]
    /// Which server decides, as far as was looked.
    private(set) var arbiter = 0
    /// How often each had begun to decide when it was looked at.
    private var terms: [Int: Int] = [:]

    private init(_ federation: Federation, servers: Int, options: [String]) throws {
        self.federation = federation
        self.servers = 1...servers
        self.options = options
        balancer = try Relay(listening: .port(0), targets: [], isPostgres: false)
    }

    /// Lends a federation whose servers run, the first of which decides; and ends all of its processes however that went.
    ///
    /// - Parameters:
    ///   - directory: Left to whoever has named it.
    ///   - storage: The options that name the database; `nil` for a private one.
    ///   - options: More options of each `serve`.
    static func with<Value>(
        directory: String, servers: Int, storage: [String]? = nil, options: [String] = [],
        _ body: (inout BalancedFederation) async throws -> Value
    ) async throws -> Value {
        let federation = try Federation(directory: directory, storage: storage)
        defer { federation.stopAll() }
        var balanced = try BalancedFederation(federation, servers: servers, options: options)
        defer { balanced.balancer.close() }
        for number in balanced.servers {
            try await balanced.start(number)
            if number == 1 { try await balanced.awaitArbiter() }
        }
        return try await body(&balanced)
    }

    /// What cities are told to call.
    var url: String { "https://127.0.0.1:\(balancer.port)" }

    /// Starts a server, again on its port where it ran before.
    ///
    /// - Parameter storage: The options that name its database, where they are others than those of the rest.
    func start(_ number: Int, storage: [String]? = nil) async throws {
        try await federation.startRegistry(
            number, storage: storage, options: ["--advertise", url] + options, death: nil)
        let started = servers.filter { federation.hasStartedRegistry($0) }
        balancer.set(targets: try started.map { .port(try federation.registryPort($0)) })
    }

    /// Ends the server that decides, without a word (`kill -9`).
    func killArbiter() { federation.stopRegistry(arbiter, signal: SIGKILL) }

    /// Waits until a server has begun to decide since this was last asked.
    mutating func awaitArbiter() async throws {
        for _ in 0..<1_200 {
            for number in servers {
                let said = federation.registryLog(number).components(separatedBy: "this process is the arbiter")
                let count = said.count - 1
                guard count > terms[number, default: 0] else { continue }
                terms[number] = count
                arbiter = number
                return
            }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw Federation.Failure(message: "no registry server has begun to decide within a minute")
    }
}
