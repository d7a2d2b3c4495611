package import HTTPTypes
package import Hummingbird
import Synchronization

/// Which methods a server's paths have: whoever asks with another one is told (RFC 9110 §15.5.6).
package final class RoutedMethods: Sendable {
    private struct Route: Sendable {
        /// A segment in braces stands for any text.
        let segments: [Substring]
        let method: HTTPRequest.Method

        func matches(_ path: [Substring]) -> Bool {
            segments.count == path.count && zip(segments, path).allSatisfy { $0.hasPrefix("{") || $0 == $1 }
        }
    }

    private let routes = Mutex<[Route]>([])

    package init() {}

    /// Notes what a router has, once all is added to it.
    package func note<Context: RequestContext>(_ router: Router<Context>) {
        let found = router.routes.map { route in
            Route(segments: route.path.description.split(separator: "/"), method: route.method)
        }
        routes.withLock { $0 = found }
    }

    /// In the order of their names; none where there is no such path.
    package func methods(at path: String) -> [HTTPRequest.Method] {
        let path = path.split(separator: "/")
        return routes.withLock { routes in
            Set(routes.filter { $0.matches(path) }.map(\.method)).sorted { $0.rawValue < $1.rawValue }
        }
    }
}
