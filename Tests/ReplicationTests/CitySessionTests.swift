import Testing

@testable import Replication

@Suite("City session")
struct CitySessionTests {
    typealias Action = CitySession.Action
    typealias Event = CitySession.Event

    @Test(
        "an event that means nothing in a stage changes nothing and asks for nothing", arguments: SessionStage.allCases)
    func ignored(stage: SessionStage) {
        for event in stage.ignored {
            var session = stage.session()
            let before = session
            let actions = session.handle(event)

            #expect(actions == [], "\(event) while \(stage)")
            #expect(session == before, "\(event) while \(stage)")
        }
    }

    @Test("connected means greeted and no flow failing", arguments: SessionStage.allCases)
    func isConnected(stage: SessionStage) {
        #expect(stage.session().isConnected == stage.isConnected)
    }

    @Test(
        "events that advance a session ask for exactly the next requests",
        arguments: [
            (SessionStage.waiting, Event.started, [Action.hello]),
            (.waiting, .woke(.hello), [.hello]),
            (.waitingAfterFailure, .started, [.hello]),
            (.waitingAfterFailure, .woke(.hello), [.hello]),
            (.greeting, .greeted(unsent: true), [.push, .pull(wait: false)]),
            (.greeting, .greeted(unsent: false), [.pull(wait: false)]),
            (.idle, .appended, [.push]),
            (.idle, .fed(more: true), [.pull(wait: false)]),
            (.idle, .fed(more: false), [.pull(wait: true)]),
            (.pushing, .appended, []),
            (.pushing, .pushed(unsent: true), [.push]),
            (.pushing, .pushed(unsent: false), []),
            (.pushing, .fed(more: false), [.pull(wait: true)]),
            (.pushingAgain, .pushed(unsent: true), [.push]),
            (.pushingAgain, .pushed(unsent: false), [.push]),
            (.pushWaiting, .woke(.push), [.push]),
            (.pushWaiting, .fed(more: true), [.pull(wait: false)]),
            (.feedWaiting, .woke(.feed), [.pull(wait: false)]),
            (.feedWaiting, .appended, [.push]),
        ])
    func advances(stage: SessionStage, event: Event, expected: [Action]) {
        var session = stage.session()

        #expect(session.handle(event) == expected)
    }

    @Test(
        "a failed flow asks for a wake-up of that flow after a first jittered wait",
        arguments: [
            (SessionStage.greeting, CitySession.Flow.hello), (.idle, .feed), (.pushing, .feed), (.pushing, .push),
            (.pushingAgain, .push),
        ])
    func failsOnce(stage: SessionStage, flow: CitySession.Flow) {
        var (session, busy) = (stage.session(), stage.session())
        var backoff = ExpectedBackoff()
        let wait = backoff.next(attempt: 1)

        #expect(session.handle(.failed(flow, .unreachable)) == [.wake(flow, after: wait)])
        #expect(!session.isConnected)
        #expect(
            busy.handle(.failed(flow, .busy(retryAfter: .seconds(7)))) == [.wake(flow, after: .seconds(7) + wait)])
    }

    @Test(
        "a lost session is greeted again after a first jittered wait",
        arguments: [
            (SessionStage.greeting, CitySession.Flow.hello), (.idle, .feed), (.pushing, .push), (.pushing, .feed),
            (.pushWaiting, .feed), (.feedWaiting, .push),
        ])
    func sessionLost(stage: SessionStage, flow: CitySession.Flow) {
        var session = stage.session()
        let actions = session.handle(.failed(flow, .sessionLost))

        guard actions.count == 1, case .wake(.hello, let wait) = actions[0] else {
            Issue.record("expected one wake-up for hello, got \(actions)")
            return
        }
        #expect((.milliseconds(50) ... .milliseconds(500)).contains(wait))
        #expect(!session.isConnected)
        #expect(session.handle(.woke(.hello)) == [.hello])
    }

    @Test(
        "a refusal stops the session for good and shows the officer why",
        arguments: [
            (SessionStage.greeting, CitySession.Flow.hello), (.idle, .feed), (.pushing, .push), (.pushWaiting, .feed),
            (.feedWaiting, .push),
        ])
    func refused(stage: SessionStage, flow: CitySession.Flow) {
        var session = stage.session()

        #expect(session.handle(.failed(flow, .refused("fenced"))) == [.alarm("fenced")])
        #expect(!session.isConnected)
        #expect(session.handle(.woke(.hello)) == [])
        #expect(session.handle(.started) == [])
    }

    @Test("what is appended while a push is under way goes out with the next one, however often it happens")
    func appendedWhilePushing() {
        var session = SessionStage.pushing.session()
        for _ in 0..<3 { #expect(session.handle(.appended) == []) }

        #expect(session.handle(.pushed(unsent: false)) == [.push])
        #expect(session.handle(.pushed(unsent: false)) == [])
        #expect(session.handle(.appended) == [.push])
    }

    @Test("a failing push does not stop the feed, nor the feed the push")
    func flowsAreIndependent() {
        var noPush = SessionStage.pushWaiting.session()
        #expect(noPush.handle(.fed(more: false)) == [.pull(wait: true)])

        var noFeed = SessionStage.feedWaiting.session()
        #expect(noFeed.handle(.appended) == [.push])
        #expect(noFeed.handle(.pushed(unsent: false)) == [])
    }
}
