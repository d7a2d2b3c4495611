import Foundation

/// A network of its own, joined to this one by a cable that can be pulled. Making one needs the right to.
struct NetworkNamespace: Sendable {
    /// Whether this process may make one; tried out once.
    static let isPossible: Bool = {
        guard getuid() == 0, let network = try? NetworkNamespace() else { return false }
        network.remove()
        return true
    }()

    static let reason = "needs root, the program ip and the right to make network namespaces"

    private let name = "vf\(getpid())"
    private var nearEnd: String { "\(name)a" }
    private var farEnd: String { "\(name)b" }

    /// The address at the far end of the cable: of a block that is set aside for tests (RFC 2544).
    let address = "198.18.0.2"

    init() throws {
        let (near, far) = (nearEnd, farEnd)
        let inside = ["ip", "-n", name]
        let steps = [
            ["ip", "netns", "add", name], ["ip", "link", "add", near, "type", "veth", "peer", "name", far],
            ["ip", "link", "set", far, "netns", name], ["ip", "address", "add", "198.18.0.1/30", "dev", near],
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
