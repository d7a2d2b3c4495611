import CityStore
import FederationWire
import Replication

/// What the registry answers instead of doing what it was asked: the kinds are those of its problem documents.
struct SimulatedRefusal: Error, Hashable {
    let kind: String
    let message: String

    init(_ kind: String, _ message: String) {
        self.kind = kind
        self.message = message
    }

    init(_ fault: PushReview.Fault) {
        let kind =
            switch fault {
            case .suspended: "suspended"
            case .fenced, .outlived: "fenced"
            case .diverged: "diverged"
            case .badSeal: "seal"
            // A simulated registry is never restored: only a lying city is ahead of it.
            case .ahead, .chain: "chain"
            case .tooManyEntries: "too-large"
            }
        self.init(kind, fault.message)
    }

    init(_ fault: HelloReview.Fault) {
        let kind =
            switch fault {
            case .suspended: "suspended"
            case .noCommonVersion: "version"
            case .staleEpoch: "fenced"
            case .unpromised: "recovering"
            case .diverged, .unknownFeedHead, .unknownEpoch: "diverged"
            }
        self.init(kind, fault.message)
    }

    /// What the city's session is told, as its service tells it.
    var failure: CitySession.Failure {
        switch kind {
        case "fenced", "diverged", "chain", "seal", "version", "malformed", "other-city", "too-large":
            .refused(message)
        case "suspended", "clock", "unknown-city": .busy(retryAfter: .seconds(15))
        default: .unreachable
        }
    }
}

/// A request that ended without an answer: refused connection, cut, or timed out.
struct Unreachable: Error {}

extension CitySession.Failure {
    /// What a city's service makes of an error.
    init(_ error: any Error) {
        self =
            switch error {
            case let refusal as SimulatedRefusal: refusal.failure
            case let refusal as StoreRefusal: .refused(refusal.message)
            case let fault as FeedPage.Fault: .refused(fault.message)
            default: .unreachable
            }
    }
}
