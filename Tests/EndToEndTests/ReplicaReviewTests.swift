import RegistryStore
import Replication
import Testing

@testable import NationalRegistry

/// Whether a replica keeps up, one look after the other.
@Suite("The review of a replica")
struct ReplicaReviewTests {
    private let start = ContinuousClock.now

    /// What is seen of a database.
    private func sight(
        _ position: UInt64, of system: String = "1", _ database: Int64 = 5, incarnation: UInt32 = 1
    ) -> RegistryStore.Sight {
        RegistryStore.Sight(
            identity: RegistryStore.Identity(system: system, database: database), incarnation: incarnation,
            head: FeedHead(incarnation: incarnation, position: position, hash: .zero))
    }

    private func at(_ seconds: Int) -> ContinuousClock.Instant { start + .seconds(seconds) }

    @Test("one that has all that the primary has is fit, also where it shows an entry a moment earlier")
    func even() {
        var review = ReplicaReview()

        #expect(review.verdict(replica: sight(7), primary: sight(7), agrees: true, at: at(0)) == .fit)
        #expect(review.verdict(replica: sight(9), primary: sight(8), agrees: true, at: at(1)) == .fit)
    }

    @Test("one that follows a busy primary is fit as soon as it has what the primary had at an earlier look")
    func following() {
        var review = ReplicaReview()

        #expect(review.verdict(replica: sight(5), primary: sight(10), agrees: true, at: at(0)) == .undecided)
        #expect(review.verdict(replica: sight(9), primary: sight(14), agrees: true, at: at(1)) == .undecided)
        for look in 2..<200 {
            let primary = UInt64(10 + 4 * look)
            let verdict = review.verdict(
                replica: sight(primary - 3), primary: sight(primary), agrees: true, at: at(look))
            #expect(verdict == .fit)
        }
    }

    @Test("one that stands still is fit for a minute, and not after it, until it has caught up")
    func standing() {
        var review = ReplicaReview()
        #expect(review.verdict(replica: sight(7), primary: sight(7), agrees: true, at: at(0)) == .fit)

        #expect(review.verdict(replica: sight(7), primary: sight(8), agrees: true, at: at(60)) == .fit)
        let late = review.verdict(replica: sight(7), primary: sight(9), agrees: true, at: at(61))
        #expect(late == .unfit("it is at entry 7 of 9, and has not kept up for a minute"))
        #expect(review.verdict(replica: sight(9), primary: sight(9), agrees: true, at: at(62)) == .fit)
    }

    @Test("one that never catches up is not asked, and is named after a minute")
    func never() {
        var review = ReplicaReview()

        #expect(review.verdict(replica: sight(1), primary: sight(100), agrees: true, at: at(0)) == .undecided)
        #expect(review.verdict(replica: sight(50), primary: sight(200), agrees: true, at: at(60)) == .undecided)
        let late = review.verdict(replica: sight(99), primary: sight(300), agrees: true, at: at(61))
        #expect(late == .unfit("it is at entry 99 of 300, and has not kept up for a minute"))
    }

    @Test("one with another feed is none")
    func other() {
        var review = ReplicaReview()

        let verdict = review.verdict(replica: sight(7), primary: sight(7), agrees: false, at: at(0))
        #expect(verdict == .foreign("it has another feed: it is no replica of this registry's database"))
    }

    @Test("one of another server or database is none, whatever its feed is")
    func otherDatabase() {
        var review = ReplicaReview()

        let ofServer = review.verdict(replica: sight(0, of: "2"), primary: sight(0), agrees: true, at: at(0))
        let same = "it is no replica of this registry's database"
        #expect(ofServer == .foreign("it is the database 2/5, and not 1/5: \(same)"))
        let beside = review.verdict(replica: sight(7, of: "1", 6), primary: sight(7), agrees: true, at: at(1))
        #expect(beside == .foreign("it is the database 1/6, and not 1/5: \(same)"))
    }

    @Test("one of another incarnation is refused until it is of the registry's", arguments: [UInt32(1), 3])
    func incarnation(other: UInt32) {
        var review = ReplicaReview()
        func look(_ incarnation: UInt32, _ seconds: Int) -> ReplicaReview.Verdict {
            review.verdict(
                replica: sight(7, incarnation: incarnation), primary: sight(7, incarnation: 2), agrees: true,
                at: at(seconds))
        }

        guard case .foreign(let fault) = look(other, 0) else {
            Issue.record("it is not refused")
            return
        }
        #expect(fault.hasPrefix("it is of incarnation \(other), and the registry of 2"))
        #expect(look(2, 1) == .fit)
    }

    @Test("one that went back is another copy, and is not asked before it was seen to keep up")
    func back() {
        var review = ReplicaReview()
        #expect(review.verdict(replica: sight(9), primary: sight(9), agrees: true, at: at(0)) == .fit)

        let back = review.verdict(replica: sight(4), primary: sight(10), agrees: true, at: at(1))
        #expect(back == .unfit("it went back from entry 9 to 4 of 10"))
        #expect(review.verdict(replica: sight(8), primary: sight(12), agrees: true, at: at(2)) == .undecided)
        #expect(review.verdict(replica: sight(10), primary: sight(14), agrees: true, at: at(3)) == .fit)
        // Back, and yet with all that there is.
        #expect(review.verdict(replica: sight(8), primary: sight(8), agrees: true, at: at(4)) == .fit)
    }
}

/// Whether a replica is asked, by what was seen of it and by how it answers.
@Suite("The standing of a replica")
struct ReplicaStandingTests {
    private let start = ContinuousClock.now

    @Test("one that failed a question is left alone for a while, however well it looks, and not for longer")
    func rest() {
        var standing = ReplicaStanding()
        #expect(standing.judge(.fit, at: start) == true)

        standing.rest(from: start)
        #expect(standing.judge(.unfit("it failed"), at: start) == true)
        let almost = start + ReplicaStanding.rest - .milliseconds(1)
        #expect(standing.judge(.fit, at: almost) == false)
        #expect(!standing.isFit(at: almost))

        #expect(standing.judge(.fit, at: start + ReplicaStanding.rest) == true)
        #expect(standing.isFit(at: start + ReplicaStanding.rest))
    }

    @Test("one that owes an answer for long is not asked until it has given it")
    func silence() {
        var standing = ReplicaStanding()
        #expect(standing.judge(.fit, at: start) == true)

        standing.note(isAwaited: true, at: start)
        #expect(standing.isFit(at: start + ReplicaStanding.patience))
        let late = start + ReplicaStanding.patience + .milliseconds(1)
        #expect(!standing.isFit(at: late))
        standing.note(isAwaited: false, at: late)
        #expect(standing.isFit(at: late))
        // Nobody has asked it since.
        #expect(standing.isFit(at: late + .seconds(60)))
    }

    @Test("only what changes whether it is asked, and why, is news")
    func news() {
        var standing = ReplicaStanding()
        #expect(standing.judge(.undecided, at: start) == false)
        #expect(!standing.isFit(at: start))
        let verdicts: [(ReplicaReview.Verdict, isNews: Bool)] = [
            (.unfit("away"), true), (.unfit("behind"), false), (.undecided, false), (.fit, true), (.fit, false),
            (.undecided, false), (.foreign("other"), true), (.foreign("another"), false), (.unfit("away"), true),
        ]
        for (verdict, isNews) in verdicts {
            #expect(standing.judge(verdict, at: start) == isNews, "\(verdict)")
        }
        #expect(!standing.isFit(at: start))
    }
}
