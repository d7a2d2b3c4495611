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
            replica.judge(nil, logger)
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
            replica.judge("it rests", logger)
            #expect(try await !desk.ask(Self.isReplica))
            replica.judge(nil, logger)

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

/// Whether a replica keeps up, one look after the other.
@Suite("The review of a replica")
struct ReplicaReviewTests {
    private let start = ContinuousClock.now

    private func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

    @Test("one that has all that the primary has is fit, also where it shows an entry a moment earlier")
    func even() {
        var review = ReplicaReview()

        #expect(review.verdict(replica: 7, primary: 7, agrees: true, at: at(0)) == .fit)
        #expect(review.verdict(replica: 9, primary: 8, agrees: true, at: at(1)) == .fit)
    }

    @Test("one that follows a busy primary is fit as soon as it has what the primary had at an earlier look")
    func following() {
        var review = ReplicaReview()

        #expect(review.verdict(replica: 5, primary: 10, agrees: true, at: at(0)) == .undecided)
        #expect(review.verdict(replica: 9, primary: 14, agrees: true, at: at(1)) == .undecided)
        for look in 2..<200 {
            let primary = UInt64(10 + 4 * look)
            #expect(review.verdict(replica: primary - 3, primary: primary, agrees: true, at: at(look)) == .fit)
        }
    }

    @Test("one that stands still is fit for a minute, and not after it, until it has caught up")
    func standing() {
        var review = ReplicaReview()
        #expect(review.verdict(replica: 7, primary: 7, agrees: true, at: at(0)) == .fit)

        #expect(review.verdict(replica: 7, primary: 8, agrees: true, at: at(60)) == .fit)
        let late = review.verdict(replica: 7, primary: 9, agrees: true, at: at(61))
        #expect(late == .unfit("it is at entry 7 of 9, and has not kept up for a minute"))
        #expect(review.verdict(replica: 9, primary: 9, agrees: true, at: at(62)) == .fit)
    }

    @Test("one that never catches up is not asked, and is named after a minute")
    func never() {
        var review = ReplicaReview()

        #expect(review.verdict(replica: 1, primary: 100, agrees: true, at: at(0)) == .undecided)
        #expect(review.verdict(replica: 50, primary: 200, agrees: true, at: at(60)) == .undecided)
        let late = review.verdict(replica: 99, primary: 300, agrees: true, at: at(61))
        #expect(late == .unfit("it is at entry 99 of 300, and has not kept up for a minute"))
    }

    @Test("one with another feed is none")
    func other() {
        var review = ReplicaReview()

        let verdict = review.verdict(replica: 7, primary: 7, agrees: false, at: at(0))
        #expect(verdict == .unfit("it has another feed: it is no replica of this registry's database"))
    }
}
