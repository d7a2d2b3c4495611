import Foundation
import Testing

@testable import Laboratory

/// A primary that ends without a word, and its standby in its place: a real streaming pair, two registry servers that know
/// both, and cities behind a balancer.
@Suite("Failover of the database", .serialized)
struct FailoverTests {
    private struct Standing: Decodable {
        struct Recovery: Decodable { let phase: String }
        let incarnation: Int
        let recovery: Recovery?
    }

    /// Lends two servers that are told that only a synchronous standby is promoted, and cities that have filed claims 1 to 10;
    /// every commit of the primary waits for the standby.
    private func with(
        _ body: (ReplicatedDatabase, BalancedFederation, FederatedCities) async throws -> Void
    ) async throws {
        try await ReplicatedDatabase.with { pair in
            try await pair.standby.set(isSynchronous: true)
            try await BalancedFederation.with(
                directory: pair.directory, servers: 2, storage: pair.eitherStorage, options: ["--synchronous-standby"]
            ) { servers in
                let cities = try await FederatedCities(servers.federation, count: 3)
                try await cities.file(1...10)
                try await cities.settle()
                try await expectLogs(servers.federation, "the database waits for a standby with every commit")
                try await body(pair, servers, cities)
            }
        }
    }

    /// Both servers have written a line with this text.
    private func expectLogs(_ federation: Federation, _ text: String) async throws {
        for number in 1...2 {
            try await expectEventually { federation.registryLog(number).contains(text) }
        }
    }

    /// Copies keys and witness of the registry, as for a server on another machine.
    private func copyState(_ pair: ReplicatedDatabase) throws -> String {
        let copy = "\(pair.state)-copy"
        try FileManager.default.createDirectory(atPath: copy, withIntermediateDirectories: false)
        // What is being written has another ending.
        for name in try FileManager.default.contentsOfDirectory(atPath: pair.state) where !name.hasSuffix(".new") {
            try FileManager.default.copyItem(atPath: "\(pair.state)/\(name)", toPath: "\(copy)/\(name)")
        }
        return copy
    }

    private func standing(_ federation: Federation) async throws -> Standing {
        try JSONDecoder().decode(Standing.self, from: try await federation.registry(["status", "--json"]))
    }

    @Test("a synchronous standby takes over: servers and cities go on by themselves, and nothing is lost or recovered")
    func synchronous() async throws {
        try await with { pair, servers, cities in
            let federation = servers.federation
            let before = try await cities.decisions()
            // Of a server that is off meanwhile.
            let state = try copyState(pair)

            async let filed: Void = cities.file(11...30)
            let start = ContinuousClock.now
            try pair.primary.stopAtOnce()
            try pair.standby.promote()
            try await filed
            try await cities.file(31...31)
            try await cities.settle()
            print("primary stopped and standby promoted: all cities' claims decided after \(start.duration(to: .now))")

            // Both keep one witness: whoever looks first says it.
            try await expectEventually {
                (1...2).contains { federation.registryLog($0).contains("a standby was promoted, and lacks nothing") }
            }
            try await servers.start(3, storage: ["--database", pair.standby.eitherURL, "--state", state])
            try await cities.file(32...32)
            try await cities.settle()
            let after = try await cities.decisions()
            #expect(before.allSatisfy { after[$0.key] == $0.value }, "a decision made before the failover has changed")
            try await cities.expectWhole(1...32)
            let standing = try await standing(federation)
            #expect(standing.incarnation == 1)
            #expect(standing.recovery == nil)
            for number in 1...3 { #expect(!federation.registryLog(number).contains("recovery mode, see")) }
        }
    }

    @Test("a standby that fell behind is none: recovery mode begins, and ends when the cities have given all back")
    func behind() async throws {
        try await with { pair, servers, cities in
            try await pair.standby.set(isSynchronous: false)
            try pair.standby.stop()
            try await expectLogs(servers.federation, "the database waits for no standby")
            try await cities.file(11...20)
            try await cities.settle()
            let before = try await cities.decisions()

            try pair.primary.stopAtOnce()
            try pair.standby.start()
            try pair.standby.promote()

            try await expectEventually {
                guard let now = try? await standing(servers.federation) else { return false }
                return now.recovery == nil && now.incarnation > 1
            }
            for city in cities.all { try await expectEventually { try await city.sync().connected } }
            try await cities.settle()
            #expect(try await cities.decisions() == before)
            try await cities.file(21...21)
            try await cities.settle()
            try await cities.expectWhole(1...21)
        }
    }
}
