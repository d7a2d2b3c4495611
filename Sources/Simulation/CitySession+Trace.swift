import Replication

// Written out, for every run notes thousands of them: what the runtime says of an enumeration it looks up each time.

extension CitySession.Event {
    /// What a trace says of it.
    var traced: String {
        switch self {
        case .started: "started"
        case .appended: "appended"
        case .greeted(let unsent): unsent ? "greeted, with unsent" : "greeted"
        case .pushed(let unsent): unsent ? "pushed, with unsent" : "pushed"
        case .fed(let more): more ? "fed, with more" : "fed"
        case .failed(let flow, let failure): "failed \(flow.traced): \(failure.traced)"
        case .woke(let flow): "woke \(flow.traced)"
        }
    }
}

extension CitySession.Flow {
    fileprivate var traced: String {
        switch self {
        case .hello: "hello"
        case .push: "push"
        case .feed: "feed"
        }
    }
}

extension CitySession.Failure {
    fileprivate var traced: String {
        switch self {
        case .unreachable: "unreachable"
        case .busy(let retryAfter): "busy for \(Int64(retryAfter / .milliseconds(1))) ms"
        case .sessionLost: "session lost"
        case .refused(let why): "refused, \(why)"
        }
    }
}
