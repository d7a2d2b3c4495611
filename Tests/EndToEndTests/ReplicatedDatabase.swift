import Foundation
import NationalRegistry
import Terminal
import Testing

@testable import Laboratory

/// A private cluster and its streaming standby, in a directory that goes away with them.
struct ReplicatedDatabase {
    /// Of both, of the registry's keys, and of whatever else a test makes there.
    let directory: String
    let primary: EmbeddedPostgres
    let standby: Standby

    /// Lends both, running.
    ///
    /// - Parameter options: More options of the standby's server.
    static func with(options: String = "", _ body: (ReplicatedDatabase) async throws -> Void) async throws {
        let directory = "/tmp/vf-pair-\(UUID().uuidString.prefix(8))"
        try Folder.make(directory, mode: 0o755)
        try await run(in: directory, options, body)
        try FileManager.default.removeItem(atPath: directory)
    }

    private static func run(
        in directory: String, _ options: String, _ body: (ReplicatedDatabase) async throws -> Void
    ) async throws {
        let primary = try EmbeddedPostgres(directory: "\(directory)/primary")
        defer { primary.stop() }
        let standby = try Standby(of: primary, directory: "\(directory)/standby", options: options)
        // One that a test has stopped is refused.
        defer { try? standby.stop() }
        try await body(ReplicatedDatabase(directory: directory, primary: primary, standby: standby))
    }

    /// The directory of the registry's keys.
    var state: String { "\(directory)/state" }

    /// The options of `national-registry` that name whichever of both takes writes.
    var eitherStorage: [String] { ["--database", standby.eitherURL, "--state", state] }

    var primaryStorage: [String] { ["--database", primary.url, "--state", state] }
}
