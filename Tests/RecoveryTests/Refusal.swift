import FederationWire
import RegistryStore
import Replication

/// What the registry's server answers instead of doing what it was asked: the kinds of its problem documents.
struct Refusal: Error, Hashable {
    let kind: String
    let message: String

    init(_ kind: String, _ message: String) {
        self.kind = kind
        self.message = message
    }

    /// - Throws: An error of which the server would know no kind.
    init(_ error: any Error) throws {
        switch error {
        case let fault as PushReview.Fault: self.init(Refusal.kind(of: fault), fault.message)
        case let fault as HelloReview.Fault: self.init(Refusal.kind(of: fault), fault.message)
        case let refusal as RegistryRefusal: self.init(Refusal.kind(of: refusal.code), refusal.message)
        case let refusal as Refusal: self = refusal
        default: throw error
        }
    }

    private static func kind(of fault: PushReview.Fault) -> String {
        switch fault {
        case .suspended: "suspended"
        case .fenced, .outlived: "fenced"
        case .diverged: "diverged"
        case .badSeal: "seal"
        case .ahead: "unknown-feed-head"
        case .chain: "chain"
        case .tooManyEntries: "too-large"
        }
    }

    private static func kind(of fault: HelloReview.Fault) -> String {
        switch fault {
        case .suspended: "suspended"
        case .unpromised: "recovering"
        case .noCommonVersion: "version"
        case .staleEpoch: "fenced"
        case .diverged: "diverged"
        case .unknownFeedHead, .unknownEpoch: "unknown-feed-head"
        }
    }

    private static func kind(of code: RegistryRefusal.Code) -> String {
        switch code {
        case .unknownCity: "unknown-city"
        case .suspended: "suspended"
        case .tokenUnusable: "token"
        case .fenced: "fenced"
        case .diverged: "diverged"
        case .unknownFeedHead: "unknown-feed-head"
        case .recovering: "recovering"
        default: "invalid"
        }
    }

    /// Whether a node that is told so greets again.
    var endsSession: Bool { ["recovering", "unknown-feed-head", "fenced"].contains(kind) }

    /// Whether a node that is told so stops until an officer acts.
    var stops: Bool {
        [
            "fenced", "diverged", "unknown-feed-head", "chain", "seal", "version", "malformed", "other-city",
            "too-large",
        ].contains(kind)
    }
}

/// A request that ended without an answer.
struct Unreachable: Error {}
