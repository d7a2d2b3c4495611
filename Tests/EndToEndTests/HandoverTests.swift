import Foundation
import NationalRegistry
import Testing

@testable import Laboratory

/// Several registry servers on one database behind a plain balancer: real processes over TLS. How long a hand-over takes is
/// for `federation-lab bench handover` to say; here the claims only must be decided.
@Suite("Several registry servers behind a balancer", .serialized)
struct HandoverTests {
    /// Lends three servers and three cities that know nothing but the balancer's address.
    private func with(_ body: (inout BalancedFederation, FederatedCities) async throws -> Void) async throws {
        let directory = "/tmp/vf-several-\(UUID().uuidString.prefix(8))"
        try await BalancedFederation.with(directory: directory, servers: 3) { servers in
            let cities = try await FederatedCities(servers.federation, count: 3)
            try await cities.settle()
            try await body(&servers, cities)
        }
        try FileManager.default.removeItem(atPath: directory)
    }

    /// Files claims in every city and waits until they are decided.
    ///
    /// - Parameters:
    ///   - start: When something went wrong.
    ///   - what: What that was.
    private func decide(
        _ numbers: ClosedRange<Int>, in cities: FederatedCities, since start: ContinuousClock.Instant,
        after what: String
    ) async throws {
        try await cities.file(numbers)
        try await cities.settle()
        let time = start.duration(to: .now)
        print("\(what): the next claims of all cities were decided after \(time)")
    }

    @Test("the arbiter is killed while cities file: another one decides, and nothing is lost or decided twice")
    func killed() async throws {
        try await with { servers, cities in
            try await cities.file(1...10)
            try await cities.settle()
            let before = try await cities.decisions()
            let first = servers.arbiter

            async let filed: Void = cities.file(11...40)
            var start = ContinuousClock.now
            servers.killArbiter()
            try await filed
            try await decide(41...41, in: cities, since: start, after: "arbiter killed while cities file")
            try await servers.awaitArbiter()
            let second = servers.arbiter
            #expect(second != first)
            // The next one is killed, too, with the first one back.
            try await servers.start(first)
            start = .now
            servers.killArbiter()
            try await decide(42...42, in: cities, since: start, after: "the next arbiter killed")
            try await servers.awaitArbiter()
            #expect(servers.arbiter != second)

            let after = try await cities.decisions()
            #expect(before.allSatisfy { after[$0.key] == $0.value }, "a decision made before a kill has changed")
            try await cities.expectWhole(1...42)
        }
    }

    @Test("the arbiter's connection to the database is cut: a server decides on, and nothing is lost or decided twice")
    func cut() async throws {
        try await with { servers, cities in
            try await cities.file(1...5)
            try await cities.settle()
            let cluster = try EmbeddedPostgres(directory: servers.federation.database)
            defer { cluster.stop() }

            async let filed: Void = cities.file(6...20)
            let start = ContinuousClock.now
            try await HandoverBench.cutArbiter(cluster)
            try await filed
            try await decide(21...21, in: cities, since: start, after: "arbiter's connection cut")

            try await servers.awaitArbiter()
            try await cities.expectWhole(1...21)
        }
    }

    @Test("a server that is ended in order hands over")
    func ended() async throws {
        try await with { servers, cities in
            let ended = servers.arbiter

            let start = ContinuousClock.now
            servers.federation.stopRegistry(ended)
            try await decide(1...5, in: cities, since: start, after: "arbiter ended in order")

            try await servers.awaitArbiter()
            #expect(servers.arbiter != ended)
            try await cities.expectWhole(1...5)
        }
    }
}
