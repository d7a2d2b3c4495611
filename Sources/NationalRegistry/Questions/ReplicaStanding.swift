/// Whether a replica is asked: what was last seen of it, and how it answers.
struct ReplicaStanding {
    enum State: Hashable {
        /// Not seen yet, or not seen to keep up yet.
        case unknown
        case fit, unfit
        /// It is no replica of the registry's database.
        case foreign
    }

    /// How long one that failed a question is left alone, however well it looks: whoever asks next could wait in vain as long as
    /// the one before.
    static let rest = Duration.seconds(10)
    /// One that is silent for longer hangs, and so would every question.
    static let patience = Duration.seconds(10)

    private(set) var state = State.unknown
    private var restsUntil: ContinuousClock.Instant?
    /// Since when whoever looks after it waits for its answer.
    private var awaitedSince: ContinuousClock.Instant?

    func isFit(at now: ContinuousClock.Instant) -> Bool {
        let isSilent = awaitedSince.map { $0.duration(to: now) > ReplicaStanding.patience } ?? false
        return state == .fit && !isSilent
    }

    mutating func note(isAwaited: Bool, at now: ContinuousClock.Instant) { awaitedSince = isAwaited ? now : nil }

    /// Takes note that it has failed a question. What is seen of it makes it fit again after the rest, and not before.
    mutating func rest(from now: ContinuousClock.Instant) { restsUntil = now + ReplicaStanding.rest }

    /// Takes note of what was seen of it.
    ///
    /// - Returns: Whether that has changed anything.
    mutating func judge(_ verdict: ReplicaReview.Verdict, at now: ContinuousClock.Instant) -> Bool {
        let next: State
        switch verdict {
        case .undecided: return false
        case .fit:
            if let restsUntil, now < restsUntil { return false }
            next = .fit
        case .unfit: next = .unfit
        case .foreign: next = .foreign
        }
        defer { state = next }
        return state != next
    }
}
