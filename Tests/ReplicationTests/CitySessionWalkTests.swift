import Testing

@testable import Replication

@Suite("City session: seeded walks")
struct CitySessionWalkTests {
    private func walk(seed: UInt64, _ faults: SessionWalk.Faults, steps: Int = 3_000) -> SessionWalk {
        var walk = SessionWalk(seed: seed, faults: faults)
        for _ in 0..<steps { walk.stepWithFaults() }
        return walk
    }

    /// Lets everything work until the walk is quiet, for at most 500 steps.
    private func settled(_ walk: SessionWalk) -> SessionWalk {
        var walk = walk
        for _ in 0..<500 where !walk.isQuiet { walk.calmStep() }
        return walk
    }

    @Test("over a bad network no flow ever has two requests under way", arguments: UInt64(0)..<20)
    func badNetwork(seed: UInt64) {
        let walk = walk(seed: seed, .network)

        #expect(walk.violations == [])
        #expect(walk.greetings > 0)
        #expect(walk.pulls > 100)
    }

    @Test("after a bad network all is sent and one pull is under way", arguments: UInt64(0)..<20)
    func progressAfterBadNetwork(seed: UInt64) {
        let walk = settled(walk(seed: seed, .network))

        #expect(walk.violations == [])
        #expect(walk.isQuiet, "\(walk.trace.suffix(10))")
    }

    @Test("when sessions are lost no flow ever has two requests under way", arguments: UInt64(0)..<20)
    func lostSessions(seed: UInt64) {
        let walk = walk(seed: seed, .lostSessions)

        #expect(walk.violations.prefix(1) == [])
        #expect(walk.greetings > 10)
    }

    @Test("after lost sessions all is sent and one pull is under way", arguments: UInt64(0)..<20)
    func progressAfterLostSessions(seed: UInt64) {
        let walk = settled(walk(seed: seed, .lostSessions))

        #expect(walk.isQuiet, "\(walk.trace.suffix(10))")
    }

    @Test("a pull that outlives its session does not start a second pull in the next one")
    func pullOutlivesItsSession() {
        var session = SessionStage.pushing.session()
        _ = session.handle(.failed(.push, .sessionLost))
        _ = session.handle(.woke(.hello))
        let pulls = (session.handle(.greeted(unsent: false)) + session.handle(.fed(more: false))).filter {
            if case .pull = $0 { true } else { false }
        }

        #expect(pulls.count == 1)
    }

    @Test("the same seed gives the same trace")
    func replays() {
        #expect(walk(seed: 3, .lostSessions, steps: 500).trace == walk(seed: 3, .lostSessions, steps: 500).trace)
        #expect(walk(seed: 3, .network, steps: 500).trace != walk(seed: 4, .network, steps: 500).trace)
    }
}
