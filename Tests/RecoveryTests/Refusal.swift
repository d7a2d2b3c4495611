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
        case let fault as PushReview.Fault: self.init(fault.kind, fault.message)
        case let fault as HelloReview.Fault: self.init(fault.kind, fault.message)
        case let refusal as RegistryRefusal: self.init(refusal.code.kind, refusal.message)
        case let refusal as Refusal: self = refusal
        default: throw error
        }
    }

    /// Whether a node that is told so greets again.
    var endsSession: Bool { CitySession.Failure.sessionEndingKinds.contains(kind) }

    /// Whether a node that is told so stops until an officer acts.
    var stops: Bool { CitySession.Failure(refusal: kind, message) == .refused(message) }
}

/// A request that ended without an answer.
struct Unreachable: Error {}
