import Foundation
import Synchronization

/// The Chrome DevTools Protocol over a socket: JSON messages, a zero byte after each.
///
/// A thread of its own reads. Every event is kept in the order of its arrival, so that who waits for one can say from
/// where on, and misses none.
final class DevToolsPipe: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let message: String
        /// Whether the time was up.
        var isLate = false
        var description: String { message }
    }

    /// An answer, which has an id, or an event, which has none.
    struct Message: Decodable, Sendable {
        struct Refusal: Decodable, Sendable { let message: String }

        let id: Int?
        let sessionId: String?
        let method: String?
        let params: JSONValue?
        let result: JSONValue?
        let error: Refusal?
    }

    private struct Command: Encodable {
        let id: Int
        let method: String
        let params: JSONValue
        let sessionId: String?
    }

    private struct Waiter {
        let what: String
        let deadline: ContinuousClock.Instant
        let wants: @Sendable (Message) -> Bool
        let continuation: CheckedContinuation<Message, any Error>
    }

    private struct State {
        var lastID = 0
        var events: [Message] = []
        var waiters: [Int: Waiter] = [:]
        /// Set once nothing more can come.
        var failure: Failure?
    }

    private let state = Mutex(State())
    /// `nil` once closed, which only the reading thread does.
    private let writable: Mutex<Int32?>

    /// Takes the socket over.
    init(socket: Int32) {
        writable = Mutex(socket)
        Thread.detachNewThread { self.read(socket) }
    }

    /// Every event so far.
    var events: [Message] { state.withLock { $0.events } }

    /// Fails everyone who waits; the socket is closed soon after.
    func close() { fail(Failure(message: "the browser was ended")) }

    /// Sends a command and awaits its answer.
    func send(
        _ method: String, _ params: JSONValue = [:], session: String? = nil, within limit: Duration = .seconds(30)
    ) async throws -> JSONValue {
        let id = newID()
        let text = try JSONEncoder().encode(Command(id: id, method: method, params: params, sessionId: session))
        let answer = try await wait(id, for: "an answer to \(method)", within: limit) {
            $0.id == id
        } once: {
            try self.write(text + [0])
        }
        if let error = answer.error { throw Failure(message: "\(method): \(error.message)") }
        return answer.result ?? .null
    }

    /// The first event that is wanted, among those that came after the first `count`.
    func event(
        _ what: String, after count: Int, within limit: Duration = .seconds(30),
        where wants: @escaping @Sendable (Message) -> Bool
    ) async throws -> Message {
        try await wait(newID(), for: what, within: limit, since: count) { $0.id == nil && wants($0) }
    }

    private func newID() -> Int {
        state.withLock {
            $0.lastID += 1
            return $0.lastID
        }
    }

    private func wait(
        _ id: Int, for what: String, within limit: Duration, since count: Int = .max,
        wants: @escaping @Sendable (Message) -> Bool, once ready: @Sendable () throws -> Void = {}
    ) async throws -> Message {
        try Task.checkCancellation()
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let waiter = Waiter(what: what, deadline: .now + limit, wants: wants, continuation: continuation)
                add(waiter, id, since: count)
                do { try ready() } catch { give(id, .failure(error)) }
            }
        } onCancel: {
            give(id, .failure(CancellationError()))
        }
    }

    private func add(_ waiter: Waiter, _ id: Int, since count: Int) {
        let result: Result<Message, any Error>? = state.withLock {
            if let known = $0.events.dropFirst(count).first(where: waiter.wants) { return .success(known) }
            if let failure = $0.failure { return .failure(failure) }
            $0.waiters[id] = waiter
            return nil
        }
        if let result { waiter.continuation.resume(with: result) }
    }

    private func give(_ id: Int, _ result: Result<Message, any Error>) {
        state.withLock { $0.waiters.removeValue(forKey: id) }?.continuation.resume(with: result)
    }

    private func fail(_ failure: Failure) {
        let waiters = state.withLock { state in
            state.failure = state.failure ?? failure
            defer { state.waiters = [:] }
            return state.waiters.values.map { $0 }
        }
        for waiter in waiters {
            waiter.continuation.resume(throwing: Failure(message: "\(failure.message), awaiting \(waiter.what)"))
        }
    }

    // MARK: Bytes

    private func write(_ message: Data) throws {
        try writable.withLock { socket in
            guard let socket else { throw Failure(message: "the browser is gone") }
            var rest = Array(message)[...]
            while !rest.isEmpty {
                let count = rest.withUnsafeBytes {
                    Foundation.send(socket, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
                }
                if count < 0 && errno == EINTR { continue }
                guard count > 0 else { throw Failure(message: "the browser is gone") }
                rest = rest.dropFirst(count)
            }
        }
    }

    private func read(_ socket: Int32) {
        var message = Data()
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while state.withLock({ $0.failure == nil }) {
            var watched = pollfd(fd: socket, events: Int16(POLLIN), revents: 0)
            // Looks up now and then for those who have waited too long.
            if poll(&watched, 1, 100) > 0 {
                let count = Foundation.read(socket, &buffer, buffer.count)
                guard count > 0 else { break }
                var rest = buffer[..<count]
                while let end = rest.firstIndex(of: 0) {
                    message.append(contentsOf: rest[..<end])
                    deliver(message)
                    message = Data()
                    rest = rest[(end + 1)...]
                }
                message.append(contentsOf: rest)
            }
            failLate()
        }
        fail(Failure(message: "the browser closed its pipe"))
        writable.withLock { $0 = nil }
        Foundation.close(socket)
    }

    private func deliver(_ data: Data) {
        guard let message = try? JSONDecoder().decode(Message.self, from: data) else {
            return fail(Failure(message: "not a message: \(String(decoding: data.prefix(200), as: UTF8.self))"))
        }
        let waiters = state.withLock {
            if message.id == nil { $0.events.append(message) }
            let wanting = $0.waiters.filter { $0.value.wants(message) }
            for id in wanting.keys { $0.waiters[id] = nil }
            return wanting.values.map { $0 }
        }
        for waiter in waiters { waiter.continuation.resume(returning: message) }
    }

    private func failLate() {
        let now = ContinuousClock.now
        let late = state.withLock {
            let late = $0.waiters.filter { $0.value.deadline < now }
            for id in late.keys { $0.waiters[id] = nil }
            return late.values.map { $0 }
        }
        for waiter in late {
            waiter.continuation.resume(throwing: Failure(message: "waited too long for \(waiter.what)", isLate: true))
        }
    }
}
