import Foundation
import Testing

/// A city of one test, with commands on its directory.
struct TestCity: Sendable {
    let code: String
    let data: String

    /// Serial of the voucher that its claims are on.
    var voucher: String { "V-\(code)" }

    /// A number for a claim that no other city uses.
    func claim(_ number: Int) -> String { "\(code)-\(number)" }

    /// Where replication stands.
    struct Sync: Decodable, Hashable {
        let log_head: Int
        let received_through: Int
        let unsent: Int
        let undecided: Int
        let connected: Bool
        let last_error: String?
    }

    /// What a claim's document says.
    struct Claim: Decodable, Hashable {
        struct Reason: Decodable, Hashable {
            let rule: String
            let message: String
        }
        struct Receipt: Decodable, Hashable { let id: String }
        let claim_no: String?
        let state: String
        let enterprise_name: String?
        let claimed_yuan: String?
        let reasons: [Reason]
        let receipt: Receipt?
    }

    func run(_ arguments: [String]) async throws -> CommandResult {
        try await Program.city.run(arguments + ["--data", data])
    }

    func importVouchers(_ file: some Sequence<UInt8>) async throws -> CommandResult {
        try await run(["import", "vouchers", try write(file, "vouchers.csv")])
    }

    func importClaims(_ file: some Sequence<UInt8>) async throws -> CommandResult {
        try await run(["import", "claims", try write(file, "claims.csv")])
    }

    /// Writes a file beside the node's directory.
    ///
    /// - Returns: Its path.
    func write(_ bytes: some Sequence<UInt8>, _ name: String) throws -> String {
        let path = "\(data).\(name)"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        return path
    }

    func sync() async throws -> Sync { try await run(["status", "--json"]).json(Sync.self) }

    func claims() async throws -> [Claim] {
        struct List: Decodable { let items: [Claim] }
        return try await run(["claim", "list", "--json"]).json(List.self).items
    }

    /// State by claim number.
    func states() async throws -> [String: String] {
        Dictionary(uniqueKeysWithValues: try await claims().map { ($0.claim_no ?? "", $0.state) })
    }

    func show(_ number: String) async throws -> Claim {
        try await run(["claim", "show", number, "--json"]).json(Claim.self)
    }

    /// Every entry of the log has its hash and its link.
    func expectSoundLog(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let verified = try await run(["log", "verify"])
        #expect(verified.status == 0, "\(verified.errors)", sourceLocation: sourceLocation)
        #expect(verified.output.contains("all agree"), sourceLocation: sourceLocation)
    }

    /// Lends a running node to `body`.
    ///
    /// - Parameter isOffline: Give it a registry address where nobody answers.
    func served<T>(isOffline: Bool = false, _ body: (Daemon) async throws -> T) async throws -> T {
        let away = isOffline ? ["--registry", "https://127.0.0.1:1"] : []
        return try await Daemon.with(.city, ["--data", data] + away, body)
    }

    /// Waits until the registry has decided everything.
    func settle(sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let waited = try await run(["status", "--wait", "--timeout", "60"])
        #expect(waited.status == 0, "\(waited.errors)", sourceLocation: sourceLocation)
    }
}
