import DefaultPolicy
import Foundation
import Logging
import PostgresClient
import RegistryStore
import Replication
import Testing

@testable import Laboratory
@testable import NationalRegistry

/// Which database answers a question, with a real standby.
@Suite("The desk for questions", .serialized)
struct QuestionDeskTests {
    private struct Refused: Error {}

    private let logger = Logger(label: "test")

    /// Lends a desk with an empty registry on a primary, and its standby as a replica that is fit.
    private func with(_ body: (QuestionDesk, Replica, ReplicatedDatabase) async throws -> Void) async throws {
        // What the primary does is applied at once, whoever reads.
        try await ReplicatedDatabase.with(options: "-c max_standby_streaming_delay=0") { pair in
            let secrets = RegistrySecrets(
                signingKey: SigningKey(), keyEpoch: 1, federationSecret: PrivateFile.random(),
                detailMaster: PrivateFile.random())
            let primary = RegistryStore(pool: PostgresPool(url: pair.primary.url, size: 4), secrets: secrets)
            try await primary.migrate(policyDocument: DefaultPolicy.document, now: 1_780_000_000_000)
            let replica = Replica(url: pair.standby.url, secrets: secrets)
            try await expectEventually { (try? await replica.store.feedHead()) != nil }
            replica.judge(.fit, logger)
            try await body(QuestionDesk(primary: primary, replica: replica, logger: logger), replica, pair)
        }
    }

    private static func isReplica(_ queries: RegistryQueries) async throws -> Bool {
        try await queries.store.pool.run { try $0.execute("SELECT pg_is_in_recovery()").bool(0, 0) }
    }

    @Test("the replica is asked while it is fit; what it refuses is asked of the primary, what takes too long is not")
    func whom() async throws {
        try await with { desk, replica, pair in
            #expect(try await desk.ask(Self.isReplica))
            replica.judge(.unfit("it rests"), logger)
            #expect(try await !desk.ask(Self.isReplica))
            replica.judge(.fit, logger)

            let answered = try await desk.ask { queries in
                if try await Self.isReplica(queries) { throw Refused() }
                return "by the primary"
            }
            #expect(answered == "by the primary")

            var asked = 0
            let error = await #expect(throws: PostgresError.self) {
                try await desk.ask { queries in
                    asked += 1
                    try await queries.store.pool.run { session in
                        try session.run(script: "SET statement_timeout = 10")
                        try session.run(script: "SELECT pg_sleep(60)")
                    }
                }
            }
            #expect(error?.isInterruption == true)
            #expect(asked == 1)
            #expect(replica.isFit)
        }
    }

    @Test("a question that the replica gives up to keep up with the primary is answered by the primary")
    func conflict() async throws {
        try await with { desk, replica, pair in
            try await desk.primary.pool.run { session in
                try session.run(script: "CREATE TABLE rows AS SELECT generate_series(1, 1000) AS n")
            }
            try await expectEventually {
                (try? await replica.store.pool.run { _ = try $0.execute("SELECT FROM rows LIMIT 1") }) != nil
            }
            async let answered = desk.ask { queries in
                try await queries.store.pool.run { session in
                    try session.transaction(isSnapshot: true) {
                        let row = try session.execute("SELECT pg_is_in_recovery(), (SELECT n FROM rows LIMIT 1)")
                        let isReplica = row.bool(0, 0)
                        if isReplica { try session.execute("SELECT pg_sleep(60)") }
                        return isReplica
                    }
                }
            }
            let watch = PostgresPool(url: pair.standby.url, size: 1)
            try await expectEventually {
                try await watch.run { session in
                    try session.execute("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'").count == 1
                }
            }

            try await desk.primary.pool.run { session in
                try session.run(script: "DELETE FROM rows")
                try session.run(script: "VACUUM rows")
            }

            let isOfReplica = try await answered
            #expect(!isOfReplica)
            #expect(replica.isFit)
        }
    }

    @Test("one that is away is asked once, and then not again before it was seen")
    func away() async throws {
        try await with { desk, replica, pair in
            try pair.standby.stop()

            #expect(try await !desk.ask(Self.isReplica))
            #expect(!replica.isFit)
        }
    }

    @Test("where more of the feed is expected than the replica has, or what only the primary has, the primary is asked")
    func behind() async throws {
        try await with { desk, replica, _ in
            let end = Int64(try await replica.store.feedHead().position)
            let expectations: [(Int64, Bool)] = [(0, true), (end, true), (end + 1, false), (.max, false)]
            for (expected, isOfReplica) in expectations {
                let answered = try await desk.ask { queries in
                    try queries.expect(expected)
                    return try await Self.isReplica(queries)
                }
                #expect(answered == isOfReplica, "\(expected) of \(end)")
            }
            #expect(try await !desk.ask(ofPrimary: true, Self.isReplica))
            #expect(replica.isFit)
        }
    }

    // MARK: Exports

    /// The next pieces of an export, at most so many.
    private func read(_ pieces: inout Export.Pieces, atMost count: Int = .max) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        var left = count
        while left > 0, let piece = try await pieces.next() {
            bytes += piece
            left -= 1
        }
        return bytes
    }

    @Test("an export whose replica fails goes on at the primary with the same bytes, and leaves the replica alone")
    func export() async throws {
        try await with { known, _, pair in
            let secrets = known.primary.secrets
            let filling = RegistryStore(pool: PostgresPool(url: pair.primary.url, size: 24), secrets: secrets)
            _ = try await FilledRegistry.file(2_040, filling)
            let relay = try Relay(
                listening: .port(0), target: .path("\(pair.directory)/standby/socket/.s.PGSQL.5432"),
                isPostgres: false)
            defer { relay.close() }
            let replica = Replica(url: "postgresql://postgres@127.0.0.1:\(relay.port)/postgres", secrets: secrets)
            let end = try await known.primary.feedHead()
            try await expectEventually { try await replica.store.feedHead() == end }
            replica.judge(.fit, logger)
            let desk = QuestionDesk(primary: known.primary, replica: replica, logger: logger)
            let asked = ["as_of": "\(end.position)"]
            let alone = QuestionDesk(primary: known.primary, replica: nil, logger: logger)
            var plain = try await alone.ask { try await Export(.claims, .csv, asked, $0) }.pieces
            let whole = try await read(&plain)
            try #require(plain.count > 2_000, "it has less than three pages")

            var pieces = try await desk.ask { try await Export(.claims, .csv, asked, $0) }.pieces
            // The columns, and a page.
            let first = try await read(&pieces, atMost: 2)
            #expect(replica.isFit)
            let start = ContinuousClock.now
            relay.set(.refuse)
            let second = try await read(&pieces, atMost: 1)
            #expect(!replica.isFit)

            // Whoever looks after it sees that it is well again.
            relay.set(.pass)
            replica.judge(.fit, logger)
            let connections = relay.handed
            let rest = try await read(&pieces)
            // It is left alone for ten seconds from its failure, in which the rest is read unless the machine is very slow.
            #expect(relay.handed == connections || start.duration(to: .now) >= .seconds(10))
            #expect(!rest.isEmpty)
            #expect(first + second + rest == whole)
        }
    }

    // MARK: Looking after the replica

    @Test("whoever looks after the replica does not wait for people's questions, however long these take")
    func watch() async throws {
        try await with { desk, replica, pair in
            let head = try await desk.primary.feedHead()
            let others = PostgresPool(url: pair.standby.url, size: 1)
            func sleepers() async throws -> Int {
                try await others.run { session in
                    try session.execute("SELECT FROM pg_stat_activity WHERE wait_event = 'PgSleep'").count
                }
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 {
                    group.addTask { try await replica.store.pool.run { try $0.run(script: "SELECT pg_sleep(60)") } }
                }
                try await expectEventually { try await sleepers() == 4 }

                var review = ReplicaReview()
                let watch = ReplicaWatch(replica: replica, store: desk.primary, bell: Bell(), logger: logger)
                let shown = await watch.look(&review)

                #expect(shown == head)
                #expect(try await sleepers() == 4)
                #expect(replica.isFit)
                group.cancelAll()
            }
        }
    }

    @Test("a database that is none of the primary's replicas is refused, also where neither feed has anything in it")
    func foreign() async throws {
        try await with { desk, replica, pair in
            let secrets = desk.primary.secrets
            let server = try EmbeddedPostgres(directory: "\(pair.directory)/other")
            defer { server.stop() }
            try await desk.primary.pool.run { try $0.run(script: "CREATE DATABASE other") }
            let database = pair.primary.url.replacing("/postgres?", with: "/other?", maxReplacements: 1)
            let own = try await desk.primary.sight()
            for url in [server.url, database] {
                let registry = RegistryStore(pool: PostgresPool(url: url, size: 1), secrets: secrets)
                try await registry.migrate(policyDocument: DefaultPolicy.document, now: 1_780_000_000_000)
                #expect(try await registry.feedHead() == own.head)
                let other = Replica(url: url, secrets: secrets)
                other.judge(.fit, logger)
                var review = ReplicaReview()

                let watch = ReplicaWatch(replica: other, store: desk.primary, bell: Bell(), logger: logger)
                let shown = await watch.look(&review)

                #expect(shown == own.head)
                #expect(!other.isFit)
                #expect(other.isForeign)
            }

            // A connection that leads elsewhere than the one that is looked at.
            let other = Replica(url: server.url, secrets: secrets)
            other.note(original: own.identity)
            other.judge(.fit, logger)
            let misled = QuestionDesk(primary: desk.primary, replica: other, logger: logger)
            let answered = try await misled.ask { try await $0.store.sight() }
            #expect(answered == own)
            #expect(other.isForeign)

            replica.note(original: own.identity)
            replica.store.pool.closeIdle()
            #expect(try await desk.ask(Self.isReplica))
            #expect(!replica.isForeign)
        }
    }

    @Test("nothing is written by a question, even where the replica's URL leads to the primary")
    func readOnly() async throws {
        try await with { desk, _, pair in
            let replica = Replica(url: pair.primary.url, secrets: desk.primary.secrets)

            let error = await #expect(throws: PostgresError.self) {
                try await replica.store.pool.run { try $0.run(script: "CREATE TABLE written (n integer)") }
            }

            #expect(error?.code.rawValue == "25006")
        }
    }
}
