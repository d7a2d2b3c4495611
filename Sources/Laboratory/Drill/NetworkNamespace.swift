import Foundation

/// A network of its own, joined to this one by a cable that can be pulled. Making one needs the right to.
struct NetworkNamespace: Sendable {
    /// Whether this process may make one; tried out once.
    static let isPossible: Bool = {
        guard getuid() == 0, let network = try? NetworkNamespace() else { return false }
        defer { network.remove() }
        return network.answers()
    }()

    static let reason = "needs root, the program ip, the right to make network namespaces, and packets that pass there"

    private static let prefix = "vf"
    private let name = "\(prefix)\(getpid())"
    private var nearEnd: String { "\(name)a" }
    private var farEnd: String { "\(name)b" }

    /// The near end of the cable. Of the block that is set aside for tests (RFC 2544) each process takes four addresses
    /// by its id: one that was killed leaves its network, and a second route to the same address would lead there.
    private let nearAddress: String
    /// The address at the far end of the cable.
    let address: String

    init() throws {
        Self.removeAbandoned()
        let block = UInt32(getpid()) % (1 << 15) * 4
        func text(_ number: UInt32) -> String { "198.\(18 + number >> 16).\(number >> 8 & 0xFF).\(number & 0xFF)" }
        nearAddress = text(block + 1)
        address = text(block + 2)
        let (near, far) = (nearEnd, farEnd)
        let inside = ["ip", "-n", name]
        let steps = [
            ["ip", "netns", "add", name], ["ip", "link", "add", near, "type", "veth", "peer", "name", far],
            ["ip", "link", "set", far, "netns", name], ["ip", "address", "add", "\(nearAddress)/30", "dev", near],
            ["ip", "link", "set", near, "up"], inside + ["address", "add", "\(address)/30", "dev", far],
            inside + ["link", "set", far, "up"], inside + ["link", "set", "lo", "up"],
        ]
        for step in steps where !SystemTool.run(step) {
            remove()
            throw Federation.Failure(message: "\(step.joined(separator: " ")) failed")
        }
    }

    /// What goes in front of a command that is to run in it.
    var words: [String] { ["/usr/bin/env", "ip", "netns", "exec", name] }

    /// Packets that are on their way are lost, and so are later ones; nobody is told.
    func pullCable() throws { try set("down") }

    func plugCable() throws { try set("up") }

    /// Whether packets pass to the far end and back: nobody listens there, and only its answer tells so.
    private func answers() -> Bool {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        guard descriptor >= 0 else { return false }
        defer { close(descriptor) }
        var limit = timeval(tv_sec: 3, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
        var target = sockaddr_in()
        target.sin_family = sa_family_t(AF_INET)
        target.sin_port = in_port_t(9).bigEndian
        inet_pton(AF_INET, address, &target.sin_addr)
        let connected = withUnsafePointer(to: &target) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        return connected != 0 && errno == ECONNREFUSED
    }

    /// Removes the networks of processes that were killed before they could.
    private static func removeAbandoned() {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: "/run/netns")) ?? []
        for name in names where name.hasPrefix(prefix) {
            guard let owner = pid_t(name.dropFirst(prefix.count)), kill(owner, 0) != 0, errno == ESRCH else { continue }
            _ = SystemTool.run(["ip", "netns", "delete", name])
        }
    }

    /// Takes the network away; what still runs in it loses it.
    func remove() {
        _ = SystemTool.run(["ip", "link", "delete", nearEnd])
        _ = SystemTool.run(["ip", "netns", "delete", name])
    }

    private func set(_ state: String) throws {
        // The far end: with the near one this side would look for another way to the address.
        guard SystemTool.run(["ip", "-n", name, "link", "set", farEnd, state]) else {
            throw Federation.Failure(message: "cannot set \(farEnd) \(state)")
        }
    }
}
