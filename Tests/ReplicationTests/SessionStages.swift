@testable import Replication

/// A stage that a session can be in, with the events that lead there and those that mean nothing there.
enum SessionStage: String, CaseIterable, Sendable {
    case waiting, waitingAfterFailure, greeting, idle, pushing, pushingAgain, pushWaiting, feedWaiting, stopped

    /// What leads there.
    var path: [CitySession.Event] {
        switch self {
        case .waiting: []
        case .waitingAfterFailure: [.started, .failed(.hello, .unreachable)]
        case .greeting: [.started]
        case .idle: [.started, .greeted(unsent: false)]
        case .pushing: [.started, .greeted(unsent: true)]
        case .pushingAgain: [.started, .greeted(unsent: true), .appended]
        case .pushWaiting: [.started, .greeted(unsent: true), .failed(.push, .unreachable)]
        case .feedWaiting: [.started, .greeted(unsent: false), .failed(.feed, .unreachable)]
        case .stopped: [.started, .failed(.hello, .refused("fenced"))]
        }
    }

    /// What changes nothing and asks for nothing there: late echoes, and wake-ups that came too late.
    var ignored: [CitySession.Event] {
        switch self {
        case .waiting, .waitingAfterFailure:
            return [.appended, .woke(.push), .woke(.feed)] + SessionStage.answers
                + SessionStage.failures(of: [.push, .feed])
        case .greeting:
            return [.started, .appended, .woke(.hello), .woke(.push), .woke(.feed)]
                + SessionStage.failures(of: [.push, .feed])
        case .idle: return SessionStage.staleWhenLive + [.woke(.push), .woke(.feed), .pushed(unsent: true)]
        case .pushing: return SessionStage.staleWhenLive + [.woke(.push), .woke(.feed)]
        case .pushingAgain: return SessionStage.staleWhenLive + [.appended, .woke(.push), .woke(.feed)]
        case .pushWaiting: return SessionStage.staleWhenLive + [.appended, .pushed(unsent: true), .woke(.feed)]
        case .feedWaiting: return SessionStage.staleWhenLive + [.fed(more: true), .fed(more: false), .woke(.push)]
        case .stopped:
            return [.started, .appended, .woke(.hello), .woke(.push), .woke(.feed)] + SessionStage.answers
                + SessionStage.failures(of: [.hello, .push, .feed])
        }
    }

    /// Whether the officer sees the node as connected.
    var isConnected: Bool {
        switch self {
        case .idle, .pushing, .pushingAgain: true
        case .waiting, .waitingAfterFailure, .greeting, .pushWaiting, .feedWaiting, .stopped: false
        }
    }

    func session(seed: UInt64 = 5) -> CitySession {
        var session = CitySession(seed: seed)
        for event in path { _ = session.handle(event) }
        return session
    }

    private static let answers: [CitySession.Event] = [
        .greeted(unsent: true), .greeted(unsent: false), .pushed(unsent: true), .pushed(unsent: false),
        .fed(more: true), .fed(more: false),
    ]
    private static let staleWhenLive: [CitySession.Event] = [
        .started, .greeted(unsent: true), .greeted(unsent: false), .woke(.hello), .failed(.hello, .unreachable),
        .failed(.hello, .busy(retryAfter: .seconds(1))),
    ]

    private static func failures(of flows: [CitySession.Flow]) -> [CitySession.Event] {
        let failures: [CitySession.Failure] = [
            .unreachable, .busy(retryAfter: .seconds(1)), .sessionLost, .refused("fenced"),
        ]
        return flows.flatMap { flow in failures.map { .failed(flow, $0) } }
    }
}

/// The waits that a session with the same seed draws, in the same order.
struct ExpectedBackoff {
    private var jitter: SeededGenerator

    init(seed: UInt64 = 5) { self.jitter = SeededGenerator(seed: seed) }

    /// 50 ms to 250 ms · 2^attempt, at most 15 s.
    mutating func next(attempt: Int) -> Duration {
        .milliseconds(Int.random(in: 50...min(15_000, 250 << min(attempt, 10)), using: &jitter))
    }
}
