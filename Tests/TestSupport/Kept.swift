import Synchronization

/// What is made once in this process for each key, for tests that only look at it.
package final class Kept<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private let values = Mutex<[Key: Value]>([:])

    package init() {}

    /// The value of a key, made when it is first asked for. Where two ask at once, both may make it, and one is kept.
    package func value(for key: Key, _ make: () throws -> Value) rethrows -> Value {
        if let known = values.withLock({ $0[key] }) { return known }
        let made = try make()
        return values.withLock { values -> Value in
            let kept = values[key] ?? made
            values[key] = kept
            return kept
        }
    }

    /// Lets go of every value: what a value holds ends with the last who holds the value.
    package func removeAll() { values.withLock { $0.removeAll() } }
}
