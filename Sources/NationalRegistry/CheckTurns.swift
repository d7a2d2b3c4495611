import FederationHTTP
import HTTPTypes
import Synchronization
import VoucherDomain

/// Lets each city have one check answered at a time: a check may be of a thousand questions, and all cities share the few
/// connections for them.
final class CheckTurns: Sendable {
    private let taken = Mutex<Set<CityCode>>([])

    /// Runs `body` while no other check of the city is answered.
    ///
    /// - Throws: ``Problem`` 503 `busy` where one is.
    func take<Value>(by city: CityCode, _ body: () async throws -> Value) async throws -> Value {
        guard taken.withLock({ $0.insert(city).inserted }) else {
            throw Problem(
                .serviceUnavailable, "busy", "another check of city \(city) is being answered: ask again after it",
                retryAfter: 1)
        }
        defer { taken.withLock { _ = $0.remove(city) } }
        return try await body()
    }
}
