// What a registry's refusal is called in its problem document, and what a city makes of it (protocol page §10).

extension PushReview.Fault {
    /// The kind of its problem document.
    package var kind: String {
        switch self {
        case .suspended: "suspended"
        case .fenced, .outlived: "fenced"
        case .diverged: "diverged"
        case .badSeal: "seal"
        // The kind for a cursor that the registry has not: nodes of every build greet upon it, and then present.
        case .ahead: "unknown-feed-head"
        case .chain: "chain"
        case .tooManyEntries: "too-large"
        }
    }
}

extension HelloReview.Fault {
    /// The kind of its problem document.
    package var kind: String {
        switch self {
        case .suspended: "suspended"
        case .noCommonVersion: "version"
        case .unpromised: "recovering"
        case .staleEpoch: "fenced"
        case .diverged: "diverged"
        case .unknownFeedHead, .unknownEpoch: "unknown-feed-head"
        // Passes by itself: the node compares again, and goes on or stops.
        case .grown: "log-grew"
        }
    }
}

extension CitySession.Failure {
    /// Kinds upon which a city that was greeted greets again: a registry has lost its memory (of the city's key, or of the city,
    /// perhaps), or is getting it back, or the city has; then it is seen which of both is behind.
    package static let sessionEndingKinds: Set = [
        "recovering", "unknown-feed-head", "fenced", "signature", "unknown-city",
    ]

    /// What the session is told of a refusal that does not only end it.
    ///
    /// - Parameters:
    ///   - kind: That of the problem document; one that is not known passes by itself.
    ///   - detail: For the officer, when nothing passes by itself.
    ///   - retryAfter: When the registry wants to be asked again, if it said so.
    package init(refusal kind: String, _ detail: String, retryAfter: Duration? = nil) {
        switch kind {
        case "fenced", "diverged", "unknown-feed-head", "chain", "seal", "version", "malformed", "other-city",
            "too-large":
            self = .refused(detail)
        case "suspended", "clock", "unknown-city": self = .busy(retryAfter: .seconds(15))
        default: self = retryAfter.map { .busy(retryAfter: $0) } ?? .unreachable
        }
    }
}
