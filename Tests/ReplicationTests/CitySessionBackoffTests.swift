import Testing

@testable import Replication

@Suite("City session: waiting between attempts")
struct CitySessionBackoffTests {
    /// Lets `flow` fail `count` times in a row from `stage`, waking it in between, and returns the actions.
    private func failures(
        of flow: CitySession.Flow, from stage: SessionStage, count: Int
    ) -> [[CitySession.Action]] {
        var session = stage.session()
        return (0..<count).map { _ in
            let actions = session.handle(.failed(flow, .unreachable))
            _ = session.handle(.woke(flow))
            return actions
        }
    }

    @Test(
        "each failure in a row doubles the longest wait, up to 15 seconds",
        arguments: [
            (CitySession.Flow.hello, SessionStage.greeting), (.push, .pushing), (.feed, .idle),
        ])
    func doubles(flow: CitySession.Flow, stage: SessionStage) {
        var backoff = ExpectedBackoff()
        let expected = (1...14).map { [CitySession.Action.wake(flow, after: backoff.next(attempt: $0))] }

        #expect(failures(of: flow, from: stage, count: 14) == expected)
    }

    @Test("an answer sets the wait of its flow back to the first")
    func resets() {
        var session = SessionStage.pushing.session()
        var backoff = ExpectedBackoff()
        #expect(session.handle(.failed(.push, .unreachable)) == [.wake(.push, after: backoff.next(attempt: 1))])
        #expect(session.handle(.woke(.push)) == [.push])
        #expect(session.handle(.pushed(unsent: true)) == [.push])

        #expect(session.handle(.failed(.push, .unreachable)) == [.wake(.push, after: backoff.next(attempt: 1))])
    }

    @Test("a greeting sets the wait of the next greeting back to the first")
    func greetingResets() {
        var session = CitySession(seed: 5)
        _ = session.handle(.started)
        var backoff = ExpectedBackoff()
        for attempt in 1...4 {
            let wait = backoff.next(attempt: attempt)
            #expect(session.handle(.failed(.hello, .unreachable)) == [.wake(.hello, after: wait)])
            #expect(session.handle(.woke(.hello)) == [.hello])
        }
        #expect(session.handle(.greeted(unsent: false)) == [.pull(wait: false)])

        let wait = backoff.next(attempt: 1)
        #expect(session.handle(.failed(.feed, .sessionLost)) == [.wake(.hello, after: wait)])
    }

    @Test("patience that the registry asks for is kept in full, with the first jitter on top")
    func busy() {
        var session = SessionStage.greeting.session()
        var backoff = ExpectedBackoff()
        for _ in 0..<5 {
            let wait = Duration.seconds(20) + backoff.next(attempt: 1)
            #expect(
                session.handle(.failed(.hello, .busy(retryAfter: .seconds(20)))) == [.wake(.hello, after: wait)])
            #expect(session.handle(.woke(.hello)) == [.hello])
        }
    }

    @Test(
        "patience is between none and a minute, whatever is asked for",
        arguments: [
            (-1, 0), (Int.min, 0), (0, 0), (1, 1), (60, 60), (61, 60), (86_400, 60), (Int.max, 60),
        ])
    func boundedPatience(asked: Int, granted: Int) {
        for (flow, stage) in [(CitySession.Flow.hello, SessionStage.greeting), (.push, .pushing), (.feed, .idle)] {
            var session = stage.session()
            var backoff = ExpectedBackoff()
            let wait = Duration.seconds(granted) + backoff.next(attempt: 1)

            let actions = session.handle(.failed(flow, .busy(retryAfter: .seconds(asked))))
            #expect(actions == [.wake(flow, after: wait)])
        }
    }

    @Test("nodes with different seeds do not come back together")
    func jitterDiffers() {
        let waits = (UInt64(0)..<50).map { seed in
            var session = SessionStage.greeting.session(seed: seed)
            return session.handle(.failed(.hello, .unreachable))
        }

        #expect(Set(waits).count > 40)
    }
}
