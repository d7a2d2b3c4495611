@testable import Replication

/// A driver for one session that a seed steers: requests end, wake-ups come and the log grows in any order.
///
/// It keeps what the session assumes of its driver: each request ends in exactly one event, even one that was
/// under way when the session was lost.
struct SessionWalk {
    /// What can go wrong.
    enum Faults: Sendable {
        case network
        /// The registry forgets sessions, too.
        case lostSessions
    }

    private(set) var session: CitySession
    /// What the session must never do, as it did it.
    private(set) var violations: [String] = []
    private(set) var trace: [String] = []
    private(set) var unsent = 0
    private(set) var greetings = 0
    private(set) var pulls = 0
    private var random: SeededGenerator
    private var requests: [CitySession.Flow] = []
    private var wakeUps: [CitySession.Flow] = []
    private let faults: Faults

    init(seed: UInt64, faults: Faults) {
        self.session = CitySession(seed: seed)
        self.random = SeededGenerator(seed: seed ^ 0x5EED)
        self.faults = faults
        handle(.started)
    }

    /// One step with faults.
    mutating func stepWithFaults() {
        switch Int.random(in: 0..<10, using: &random) {
        case 0: append()
        case 1...3 where !wakeUps.isEmpty: wake()
        case 4...6: finishRequest(fails: true)
        case 7 where Int.random(in: 0..<50, using: &random) == 0: handle(.started)
        default: finishRequest(fails: false)
        }
    }

    /// One step in which everything works.
    mutating func calmStep() {
        if !wakeUps.isEmpty, Bool.random(using: &random) { wake() } else { finishRequest(fails: false) }
    }

    /// Whether all is sent and exactly one pull, and nothing else, is under way.
    var isQuiet: Bool { unsent == 0 && wakeUps.isEmpty && requests == [.feed] && session.isConnected }

    private mutating func append() {
        unsent += 1
        handle(.appended)
    }

    private mutating func wake() {
        handle(.woke(wakeUps.remove(at: Int.random(in: 0..<wakeUps.count, using: &random))))
    }

    private mutating func finishRequest(fails: Bool) {
        guard !requests.isEmpty else { return }
        let flow = requests.remove(at: Int.random(in: 0..<requests.count, using: &random))
        handle(fails ? .failed(flow, failure()) : answer(flow))
    }

    private mutating func failure() -> CitySession.Failure {
        switch (Int.random(in: 0..<3, using: &random), faults) {
        case (0, .lostSessions): .sessionLost
        case (1, _): .busy(retryAfter: .seconds(Int.random(in: 0...30, using: &random)))
        default: .unreachable
        }
    }

    private mutating func answer(_ flow: CitySession.Flow) -> CitySession.Event {
        switch flow {
        case .hello:
            greetings += 1
            return .greeted(unsent: unsent > 0)
        case .push:
            unsent -= min(unsent, Int.random(in: 1...3, using: &random))
            return .pushed(unsent: unsent > 0)
        case .feed: return .fed(more: Bool.random(using: &random))
        }
    }

    private mutating func handle(_ event: CitySession.Event) {
        let actions = session.handle(event)
        trace.append("\(event) → \(actions)")
        for action in actions {
            switch action {
            case .hello: request(.hello)
            case .push: request(.push)
            case .pull:
                pulls += 1
                request(.feed)
            case .wake(let flow, let wait):
                wakeUps.append(flow)
                if wait < .milliseconds(50) || wait > .seconds(31) { violations.append("a wait of \(wait)") }
            case .alarm(let why): violations.append("an alarm without a refusal: \(why)")
            }
        }
    }

    private mutating func request(_ flow: CitySession.Flow) {
        if requests.contains(flow) { violations.append("step \(trace.count): a second \(flow) under way") }
        requests.append(flow)
        if requests.contains(.hello), flow != .hello {
            violations.append("step \(trace.count): \(flow) before the greeting")
        }
    }
}
