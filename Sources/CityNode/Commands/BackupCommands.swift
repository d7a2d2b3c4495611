import ArgumentParser
import CityStore
import FederationHTTP
import Terminal

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Save the node into a new directory, also while it serves.",
        discussion: """
            The backup holds the store as it stands at one moment, the city's key and a manifest. It can sign for the \
            city: keep it as you keep the key. Every entry is read back against its hash before the manifest is written.
            """)

    @OptionGroup var node: DataOptions
    @Argument(help: "A directory that is not there yet.") var directory: String

    func run() async throws {
        try await node.run { node in
            let report = try NodeBackup(path: directory).save(node, now: WallClock.now)
            Output.line("saved city \(report.city) with \(report.entries) entries to \(directory)")
        }
    }
}

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore", abstract: "Put a node back from a backup, and get the rest back from the registry.",
        discussion: """
            What the city wrote after the backup and had sent is with the registry: the next serve gets it back before \
            anything can be written. It also takes the place of any other node of the city, which then stops. What was \
            written and never sent is lost with the disk.

            With --in-place there is no backup to read: the store in --data was put back by other means, or is the copy \
            that is to go on. What it has beside the registry's record is appended late: city-node log late lists it.
            """)

    @OptionGroup var node: DataOptions
    @Argument(help: "A directory that city-node backup made.") var backup: String?
    @Flag(help: "Move a store that is there aside.") var replace = false
    @Flag(help: "Go on with the store that is there.") var inPlace = false

    func validate() throws {
        if (backup == nil) != inPlace { throw ValidationError("name the backup's directory, or give --in-place") }
        if inPlace, replace { throw ValidationError("--in-place replaces nothing") }
    }

    func run() async throws {
        try await node.run { node in
            if let backup {
                let report = try NodeBackup(path: backup).restore(
                    to: node, isReplacing: replace, now: WallClock.now)
                Output.line("put back city \(report.city) with \(report.entries) entries, as of \(report.madeAt)")
                if let replaced = report.replaced { Output.line("the files that were there are in \(replaced)") }
            } else {
                try goOn(node)
            }
            Output.line("now run city-node serve: it first gets back what the registry has besides")
        }
    }

    private func goOn(_ node: NodeDirectory) throws {
        try node.requireStore()
        let lock = try node.lockAlone()
        defer { withExtendedLifetime(lock) {} }
        let store = try CityStore(directory: node.path)
        let count = try store.verifyLog()
        try store.markRestored()
        try store.close()
        Output.line("going on with the store of \(count) entries in \(node.path)")
    }
}
