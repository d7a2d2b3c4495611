import SeededBugs

/// The city's half of replication, without its I/O.
///
/// One hello opens a session; then two flows run beside each other: *push* (sealed batches up, one at a time)
/// and *feed* (pages down, long-polling when nothing is new). The store holds the cursors; this machine decides
/// only what to do next and when. It assumes that each request ends in exactly one event, and that an action is
/// carried out before the next event is handled.
///
/// ```text
///             start/woke                greeted
///  waiting ───────────────▶ greeting ───────────▶ live (push: idle|busy|waiting, feed: busy|waiting)
///     ▲                        │                    │
///     └── failed(retry) ───────┴────────────────────┤ failed(session lost)
///                                                   ▼
///                                 stopped (fenced, diverged …): read-only until an officer acts
/// ```
package struct CitySession: Hashable, Sendable {
    package enum Flow: Hashable, Sendable { case hello, push, feed }

    package enum Event: Hashable, Sendable {
        case started
        /// The local log grew, perhaps.
        case appended
        /// The registry greeted; its log head has been compared with ours and stored.
        case greeted(unsent: Bool)
        /// A batch was answered and its receipt stored; `unsent` tells whether more waits.
        case pushed(unsent: Bool)
        /// A page was applied in one transaction with the cursor; `more` tells whether it was cut short.
        case fed(more: Bool)
        case failed(Flow, Failure)
        /// A wake-up that was asked for has come.
        case woke(Flow)
    }

    package enum Action: Hashable, Sendable {
        case hello
        case push
        /// Ask for what follows the cursor; `wait` lets the registry hold the answer until there is something.
        case pull(wait: Bool)
        case wake(Flow, after: Duration)
        /// Show the officer a state that will not pass by itself.
        case alarm(String)
    }

    package enum Failure: Hashable, Sendable {
        /// The network, a time-out, a server that is restarting: try again later.
        case unreachable
        /// The registry asks for patience: granted up to ``longestPatience``, and what is below zero is none.
        case busy(retryAfter: Duration)
        /// The registry no longer knows this session: greet again.
        case sessionLost
        /// Nothing that waiting would mend.
        case refused(String)

        /// The longest wait that a registry can ask for: what asks is not signed, and a node that waits is not heard.
        package static let longestPatience = Duration.seconds(60)
    }

    // `attempt` counts the failures since the last success, which is what patience grows with.
    private enum Push: Hashable, Sendable { case idle, busy(again: Bool, attempt: Int), waiting(attempt: Int) }
    private enum Feed: Hashable, Sendable { case busy(attempt: Int), waiting(attempt: Int) }
    private struct Live: Hashable, Sendable { var push: Push, feed: Feed }
    private enum State: Hashable, Sendable {
        case waiting(attempt: Int), greeting(attempt: Int), live(Live), stopped
    }

    private var state = State.waiting(attempt: 0)
    /// Requests under way, which outlive a session that was lost; a new session waits for their end.
    private var underWay: Set<Flow> = []
    private var jitter: SeededGenerator

    /// - Parameter seed: Seeds the jitter of retries; different nodes must use different seeds.
    package init(seed: UInt64) { self.jitter = SeededGenerator(seed: seed) }

    /// Whether the registry has greeted and no flow is failing.
    package var isConnected: Bool {
        guard case .live(let live) = state else { return false }
        if case .waiting = live.push { return false }
        if case .waiting = live.feed { return false }
        return true
    }

    /// Advances the session by one event and says what to do next, in the order in which it must be done.
    package mutating func handle(_ event: Event) -> [Action] {
        switch event {
        case .pushed, .failed(.push, _): underWay.remove(.push)
        case .fed, .failed(.feed, _): underWay.remove(.feed)
        case .greeted, .failed(.hello, _), .started, .appended, .woke: break
        }
        let actions = transition(event)
        for action in actions {
            switch action {
            case .push: underWay.insert(.push)
            case .pull: underWay.insert(.feed)
            case .hello, .wake, .alarm: break
            }
        }
        return actions
    }

    private mutating func transition(_ event: Event) -> [Action] {
        switch (state, event) {
        case (.stopped, _):
            return []
        case (.waiting, .started), (.waiting, .woke(.hello)):
            let attempt = if case .waiting(let count) = state { count } else { 0 }
            state = .greeting(attempt: attempt)
            return [.hello]
        case (.greeting, .greeted(let unsent)):
            return greeted(unsent: unsent)
        case (.greeting(let attempt), .failed(.hello, let failure)):
            return failedToGreet(failure, attempt: attempt)
        case (.live(let live), _):
            return handleLive(live, event)
        case (.waiting, _), (.greeting, _):
            // What was under way when the session was lost still ends; and the log may grow at any time. The
            // store is asked for what is unsent after the next greeting.
            return []
        }
    }

    private mutating func greeted(unsent: Bool) -> [Action] {
        let isPushing = underWay.contains(.push)
        let push: Push = isPushing || unsent ? .busy(again: isPushing && unsent, attempt: 0) : .idle
        state = .live(Live(push: push, feed: .busy(attempt: 0)))
        return (unsent && !isPushing ? [.push] : []) + (underWay.contains(.feed) ? [] : [.pull(wait: false)])
    }

    private mutating func handleLive(_ live: Live, _ event: Event) -> [Action] {
        var live = live
        defer { if case .live = state { state = .live(live) } }
        switch (live.push, live.feed, event) {
        case (.idle, _, .appended):
            live.push = .busy(again: false, attempt: 0)
            return [.push]
        case (.busy(_, let attempt), _, .appended):
            live.push = .busy(again: true, attempt: attempt)
            return SeededBug.pushesOverlap.isActive ? [.push] : []
        case (.busy(let again, _), _, .pushed(let unsent)):
            live.push = unsent || again ? .busy(again: false, attempt: 0) : .idle
            return live.push == .idle ? [] : [.push]
        case (.waiting(let attempt), _, .woke(.push)):
            live.push = .busy(again: true, attempt: attempt)
            return [.push]
        case (_, .busy, .fed(let more)):
            live.feed = .busy(attempt: 0)
            return [.pull(wait: !more)]
        case (_, .waiting(let attempt), .woke(.feed)):
            live.feed = .busy(attempt: attempt)
            return [.pull(wait: false)]
        case (_, _, .failed(let flow, let failure)):
            return failed(flow, failure, &live)
        case (_, _, .started), (_, _, .greeted), (_, _, .woke), (_, _, .appended), (_, _, .pushed), (_, _, .fed):
            // Late echoes of a session that was lost and greeted again; the store made them harmless.
            return []
        }
    }

    private mutating func failed(_ flow: Flow, _ failure: Failure, _ live: inout Live) -> [Action] {
        switch failure {
        case .sessionLost:
            state = .waiting(attempt: 1)
            return [.wake(.hello, after: delay(attempt: 1))]
        case .refused(let why):
            state = .stopped
            return [.alarm(why)]
        case .unreachable, .busy:
            let attempt = attempts(flow, live) + 1
            switch flow {
            case .push: live.push = .waiting(attempt: attempt)
            case .feed: live.feed = .waiting(attempt: attempt)
            case .hello: return []
            }
            return [.wake(flow, after: patience(failure, attempt: attempt))]
        }
    }

    private mutating func failedToGreet(_ failure: Failure, attempt: Int) -> [Action] {
        if case .refused(let why) = failure {
            state = .stopped
            return [.alarm(why)]
        }
        state = .waiting(attempt: attempt + 1)
        return [.wake(.hello, after: patience(failure, attempt: attempt + 1))]
    }

    private func attempts(_ flow: Flow, _ live: Live) -> Int {
        switch flow {
        case .push: if case .busy(_, let count) = live.push { count } else { 0 }
        case .feed: if case .busy(let count) = live.feed { count } else { 0 }
        case .hello: 0
        }
    }

    private mutating func patience(_ failure: Failure, attempt: Int) -> Duration {
        if case .busy(let retryAfter) = failure {
            return min(max(retryAfter, .zero), Failure.longestPatience) + delay(attempt: 1)
        }
        return delay(attempt: attempt)
    }

    /// Full jitter: a random time up to 250 ms · 2^attempt, at most 15 s, so that cities that lost the registry
    /// together do not come back together.
    private mutating func delay(attempt: Int) -> Duration {
        let ceiling = min(15_000, 250 << min(attempt, 10))
        return .milliseconds(Int.random(in: 50...ceiling, using: &jitter))
    }
}
