import Foundation
import Synchronization

/// Stands between programs and passes on what they say, until it is told to misbehave. With several targets it is a plain
/// balancer: each new connection goes to the next one that takes it.
///
/// One thread for each connection; the relay ends with the process that has it.
final class Relay: Sendable {
    struct Failure: Error { let message: String }

    /// What is done to connections.
    enum Manner: Sendable {
        case pass
        /// Nothing comes through any more, in either direction, and nobody is told: as when a cable is pulled. Connections
        /// that were caught in it never come back; later ones pass, once this is over.
        case silence
        /// Every connection is closed, and new ones are closed at once.
        case refuse
    }

    /// Which COMMIT to cut the connection at, and on which side of it.
    struct Cut: Hashable, Sendable {
        let kind: CommitWatch.Kind
        /// The server has committed, and the client never hears of it; else the server never hears of the COMMIT.
        let isCommitted: Bool
    }

    private struct State {
        var manner = Manner.pass
        var targets: [SocketAddress]
        /// How many connections were handed on.
        var handed = 0
        var cut: Cut?
        /// How often a connection was cut at a COMMIT.
        var cuts = 0
        var isClosed = false
    }

    private let state: Mutex<State>
    private let listener: Int32
    /// Whether PostgreSQL is spoken.
    private let isPostgres: Bool

    /// Listens at an address, and hands every connection on to another.
    convenience init(listening address: SocketAddress, target: SocketAddress, isPostgres: Bool) throws {
        try self.init(listening: address, targets: [target], isPostgres: isPostgres)
    }

    /// Listens at an address, and hands connections on to several, in turn.
    init(listening address: SocketAddress, targets: [SocketAddress], isPostgres: Bool) throws {
        state = Mutex(State(targets: targets))
        self.isPostgres = isPostgres
        listener = try address.listen()
        Thread.detachNewThread { self.accept() }
    }

    /// The port listened on.
    var port: UInt16 { SocketAddress.port(of: listener) }

    func set(_ manner: Manner) { state.withLock { $0.manner = manner } }

    /// Where connections go from now on; those that there are stay where they are.
    func set(targets: [SocketAddress]) { state.withLock { $0.targets = targets } }

    /// Cuts the next connection that commits such a transaction.
    func cutNext(_ cut: Cut) { state.withLock { $0.cut = cut } }

    /// How often a connection was cut at a COMMIT.
    var cuts: Int { state.withLock(\.cuts) }

    /// How many connections were handed on.
    var handed: Int { state.withLock(\.handed) }

    /// Takes no connections any more; those that there are are closed.
    func close() {
        state.withLock { state in
            state.isClosed = true
            state.manner = .refuse
        }
        shutdown(listener, Int32(SHUT_RDWR))
    }

    private var manner: Manner { state.withLock(\.manner) }

    // MARK: Connections

    private func accept() {
        while true {
            let client = Glibc.accept(listener, nil, nil)
            guard client >= 0 else {
                if state.withLock(\.isClosed) { return }
                continue
            }
            // A program that is started later would have a copy, and keep the connection open.
            _ = fcntl(client, F_SETFD, FD_CLOEXEC)
            Thread.detachNewThread {
                defer { Glibc.close(client) }
                guard self.manner != .refuse, let server = self.connect() else { return }
                defer { Glibc.close(server) }
                self.carry(client, server)
            }
        }
    }

    /// A connection to the next target, or to the one after it where that takes none.
    private func connect() -> Int32? {
        let targets = state.withLock { state -> [SocketAddress] in
            guard !state.targets.isEmpty else { return [] }
            state.handed += 1
            let next = state.handed % state.targets.count
            return Array(state.targets[next...] + state.targets[..<next])
        }
        for target in targets {
            if let server = try? target.connect() { return server }
        }
        return nil
    }

    /// Passes on what both sides say, until one of them ends or the relay ends it.
    private func carry(_ client: Int32, _ server: Int32) {
        var watch = CommitWatch()
        while true {
            var ends = [pollfd(fd: client, events: Int16(POLLIN), revents: 0)]
            ends.append(pollfd(fd: server, events: Int16(POLLIN), revents: 0))
            _ = poll(&ends, 2, 50)
            switch manner {
            case .pass: break
            case .refuse: return
            case .silence: return waitForSilenceToEnd(client, server)
            }
            if ends[0].revents != 0 {
                guard let bytes = SocketAddress.read(client) else { return }
                guard isPostgres else {
                    guard SocketAddress.write(bytes, server) else { return }
                    continue
                }
                guard passOn(watch.take(bytes), server) else { return }
            }
            if ends[1].revents != 0 {
                guard let bytes = SocketAddress.read(server), SocketAddress.write(bytes, client) else { return }
            }
        }
    }

    /// Neither side is told anything until each has given up by itself.
    private func waitForSilenceToEnd(_ client: Int32, _ server: Int32) {
        var left: Set<Int32> = [client, server]
        while !left.isEmpty {
            for end in left where SocketAddress.isHungUp(end) { left.remove(end) }
            usleep(100_000)
        }
    }

    /// - Returns: Whether the connection goes on.
    private func passOn(_ messages: [CommitWatch.Message], _ server: Int32) -> Bool {
        var isCutAtSync = false
        for message in messages {
            if let kinds = message.commits, let cut = takeCut(kinds) {
                guard cut.isCommitted else { return false }
                isCutAtSync = true
            }
            guard SocketAddress.write(message.bytes, server) else { return false }
            guard isCutAtSync, message.isSync else { continue }
            // The server answers a Sync when all before it is done.
            awaitReadiness(server)
            return false
        }
        return true
    }

    private func takeCut(_ kinds: Set<CommitWatch.Kind>) -> Cut? {
        state.withLock { state in
            guard let cut = state.cut, kinds.contains(cut.kind) else { return nil }
            state.cut = nil
            state.cuts += 1
            return cut
        }
    }

    /// Reads the server's answers, and keeps them from the client, up to ReadyForQuery: a `Z`, its length 5, and the state.
    private func awaitReadiness(_ server: Int32) {
        var tail = Data()
        while let bytes = SocketAddress.read(server) {
            tail = (tail + bytes).suffix(6)
            if tail.starts(with: [UInt8(ascii: "Z"), 0, 0, 0, 5]) { return }
        }
    }
}

/// Where a socket is: in the file system, or at a port of the loopback.
enum SocketAddress: Sendable {
    case path(String)
    /// Zero picks one.
    case port(UInt16)

    func listen() throws -> Int32 {
        if case .path(let path) = self { unlink(path) }
        let descriptor = try makeSocket()
        guard apply({ bind(descriptor, $0, $1) }) == 0, Glibc.listen(descriptor, 64) == 0 else {
            throw Relay.Failure(message: "cannot listen at \(self): \(String(cString: strerror(errno)))")
        }
        return descriptor
    }

    func connect() throws -> Int32 {
        let descriptor = try makeSocket()
        guard apply({ Glibc.connect(descriptor, $0, $1) }) == 0 else {
            close(descriptor)
            throw Relay.Failure(message: "cannot connect to \(self): \(String(cString: strerror(errno)))")
        }
        return descriptor
    }

    private func makeSocket() throws -> Int32 {
        let domain = if case .path = self { AF_UNIX } else { AF_INET }
        let descriptor = socket(domain, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Relay.Failure(message: "no socket: \(String(cString: strerror(errno)))") }
        return descriptor
    }

    /// Lends the address as the system wants it.
    private func apply(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32) -> Int32 {
        switch self {
        case .path(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8.prefix(107)) }
            return SocketAddress.lend(&address, body)
        case .port(let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = inet_addr("127.0.0.1")
            return SocketAddress.lend(&address, body)
        }
    }

    private static func lend<Address>(
        _ address: inout Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                body($0, socklen_t(MemoryLayout<Address>.size))
            }
        }
    }

    /// The port that a socket is bound to.
    static func port(of descriptor: Int32) -> UInt16 {
        var address = sockaddr_in()
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        _ = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &size) }
        }
        return UInt16(bigEndian: address.sin_port)
    }

    /// What has come; `nil` at the end.
    static func read(_ descriptor: Int32) -> Data? {
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        let count = Glibc.read(descriptor, &buffer, buffer.count)
        return count > 0 ? Data(buffer.prefix(count)) : nil
    }

    /// - Returns: Whether all was written.
    static func write(_ bytes: Data, _ descriptor: Int32) -> Bool {
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// `POLLRDHUP` of poll(2), which the C library's module does not show.
    private static let pollPeerClosed: Int16 = 0x2000

    /// Whether the other side has closed the connection.
    static func isHungUp(_ descriptor: Int32) -> Bool {
        var end = pollfd(fd: descriptor, events: pollPeerClosed, revents: 0)
        return poll(&end, 1, 0) > 0
    }
}
