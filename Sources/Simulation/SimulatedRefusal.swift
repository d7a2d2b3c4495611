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

    init(_ fault: PushReview.Fault) { self.init(fault.kind, fault.message) }

    init(_ fault: HelloReview.Fault) { self.init(fault.kind, fault.message) }
}

/// A request that ended without an answer: refused connection, cut, or timed out.
struct Unreachable: Error {}

extension CitySession.Failure {
    /// What a city's service makes of an error in a flow.
    init(_ error: any Error, in flow: CitySession.Flow) {
        self =
            switch error {
            case let refusal as SimulatedRefusal
            where flow != .hello && CitySession.Failure.sessionEndingKinds.contains(refusal.kind):
                .sessionLost
            case let refusal as SimulatedRefusal: .init(refusal: refusal.kind, refusal.message)
            case let refusal as StoreRefusal: .refused(refusal.message)
            case let fault as FeedPage.Fault: .refused(fault.message)
            default: .unreachable
            }
    }
}
