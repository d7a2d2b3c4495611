import Foundation
import NationalRegistry
import Synchronization
import Terminal
import Testing

@testable import Laboratory

/// One registry for a whole suite, in a directory that goes away with it, and cities as tests ask for them.
final class BadInputFederation: Sendable {
    @TaskLocal private static var running: BadInputFederation?

    /// The federation that ``Trait/badInputFederation`` has started for the running suite.
    static var current: BadInputFederation {
        guard let running else { preconditionFailure("the suite lacks the trait .badInputFederation") }
        return running
    }

    let directory: String
    private let federation: Federation
    private let made = Mutex(0)

    private init() throws {
        directory = "/tmp/vf-bad-\(UUID().uuidString.prefix(8))"
        federation = try Federation(directory: directory)
        try placeCluster()
    }

    private static let clusterDirectory = "/tmp/vf-cluster-\(getpid())"

    /// A private cluster at rest, made once in this process: its directory.
    private static let cluster = Result { try makeCluster() }

    private static func makeCluster() throws -> String {
        atexit { try? FileManager.default.removeItem(atPath: BadInputFederation.clusterDirectory) }
        try EmbeddedPostgres(directory: clusterDirectory).stop()
        return clusterDirectory
    }

    /// Puts a copy of the cluster where the registry would make one: to make one takes longer than all else at its start.
    private func placeCluster() throws {
        let source = try Self.cluster.get()
        try Folder.make(database, mode: 0o755)
        for name in ["data", "postgres.log"] {
            try #require(SystemTool.run(["cp", "-a", "\(source)/\(name)", database]))
        }
    }

    fileprivate static func run(_ body: @concurrent @Sendable () async throws -> Void) async throws {
        let shared = try BadInputFederation()
        do {
            try await shared.federation.startRegistry()
            try await $running.withValue(shared) { try await body() }
        } catch {
            shared.federation.stopAll()
            throw error
        }
        shared.federation.stopAll()
        try FileManager.default.removeItem(atPath: shared.directory)
    }

    // MARK: The registry

    /// The directory of the private PostgreSQL.
    var database: String { "\(directory)/registry" }

    /// Where the first registry server listens.
    var registryURL: String {
        get throws { try String(contentsOfFile: "\(directory)/registry-1.url", encoding: .utf8) }
    }

    /// The private CA that signed the registry's certificate.
    var authority: String { "\(database)/state/ca.pem" }

    /// Starts the registry server again, on its port.
    func startRegistry() async throws { try await federation.startRegistry() }

    /// Ends the registry server and its database.
    func stopRegistry() { federation.stopRegistry() }

    /// Runs a verb of `national-registry` on the suite's database.
    func registry(_ arguments: [String]) async throws -> CommandResult {
        try await Program.registry.run(arguments + ["--embedded-postgres", database])
    }

    /// The journal agrees with itself and with a recomputation.
    func expectSoundJournal(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        for audit in ["verify", "recompute"] {
            let result = try await registry(["audit", audit])
            #expect(result.status == 0, "\(result.errors)", sourceLocation: sourceLocation)
            #expect(result.output.contains("all agree"), "\(result.output)", sourceLocation: sourceLocation)
        }
    }

    // MARK: Cities

    /// A directory, not made yet, that no other test uses.
    func freshPath(_ name: String = "node") -> String { "\(directory)/\(name)-\(nextNumber())" }

    /// A city that is enrolled and has not joined, and its join token.
    func enrolledCity(expiresHours: Int = 72) async throws -> (city: TestCity, token: String) {
        let code = String(600_000 + nextNumber())
        let enrolled = try await registry(["city", "enroll", code, "城\(code)", "--expires-hours", "\(expiresHours)"])
        try #require(enrolled.status == 0, "\(enrolled.errors)")
        let city = TestCity(code: code, data: freshPath("city-\(code)"))
        return (city, enrolled.output.trimmingCharacters(in: .whitespacesAndNewlines))
    }

    /// A city that has joined, with the voucher of ``ClaimFile/voucher(_:)``; nothing serves it yet.
    func city(withVoucher: Bool = true) async throws -> TestCity {
        let (city, token) = try await enrolledCity()
        let joined = try await city.run(["join", token])
        try #require(joined.status == 0, "\(joined.errors)")
        guard withVoucher else { return city }
        let imported = try await city.importVouchers(ClaimFile.voucher(city.voucher))
        try #require(imported.status == 0, "\(imported.errors)")
        return city
    }

    /// What the registry says of a city.
    func summary(of city: TestCity) async throws -> RegistrySummary {
        struct List: Decodable { let items: [RegistrySummary] }
        let list = try await registry(["city", "list", "--json"]).json(List.self)
        return try #require(list.items.first { $0.city_code == city.code })
    }

    struct RegistrySummary: Decodable, Hashable {
        let city_code: String
        let status: String
        let entries: Int
        let epoch: Int
    }

    private func nextNumber() -> Int {
        made.withLock { made in
            made += 1
            return made
        }
    }
}

/// Starts a registry for the whole suite, or for one test, and stops it and removes its files afterwards.
struct BadInputFederationTrait: SuiteTrait, TestTrait, TestScoping {
    @concurrent
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await BadInputFederation.run(function)
    }
}

extension Trait where Self == BadInputFederationTrait {
    static var badInputFederation: Self { BadInputFederationTrait() }
}
