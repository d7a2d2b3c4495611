import ArgumentParser
import FederationHTTP
import Foundation
import PostgresClient
import RegistryStore
import Terminal

struct BackupCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "backup", abstract: "Save the database into a new file, also while it is served.",
        discussion: """
            The file is PostgreSQL's own (pg_dump), with a manifest beside it. The keys in --state are not in it: keep a \
            copy of that directory apart from it, once is enough.
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "A file that is not there yet.") var file: String

    func run() async throws {
        try await database.withDatabase { url, state in
            let store = RegistryStore(pool: PostgresPool(url: url, size: 2), secrets: state.secrets)
            try await store.checkKeys()
            let manifest = try await RegistryBackup(path: file).save(
                url: url, store: store, madeAt: Date().formatted(.iso8601))
            Output.line("saved the registry with \(manifest.feed_position) or more feed entries to \(file)")
        }
    }
}

struct RestoreCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "restore",
        abstract: "Fill an empty database from a backup, and get the rest back from the cities.",
        discussion: """
            What was decided after the backup is with the cities: the next serve is in recovery mode until they have given \
            it back, and decides it again as it was; national-registry status says which city is waited for. Stop every \
            server of the old database first, and use the same --state directory.
            """)

    @OptionGroup var database: DatabaseOptions
    @Argument(help: "A file that national-registry backup made.") var file: String

    func run() async throws {
        try await database.withDatabase { url, state in
            let manifest = try await RegistryBackup(path: file).restore(url: url, state: state, now: WallClock.now)
            Output.line("put back the registry of \(manifest.made_at), feed position \(manifest.feed_position)")
            let store = RegistryStore(pool: PostgresPool(url: url, size: 1), secrets: state.secrets)
            let now = Int64(WallClock.now)
            let tokens = try await store.tokens().filter { $0.revokedAt == nil && $0.expiresAt ?? .max > now }.count
            if tokens > 0 {
                Output.line(
                    "\(tokens) API token(s) are valid as they were then: revoke again those that were revoked since "
                        + "(national-registry token list)")
            }
            Output.line("now run national-registry serve: the cities give back what was decided since")
        }
    }
}
