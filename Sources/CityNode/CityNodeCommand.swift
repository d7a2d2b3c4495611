package import ArgumentParser
import AsyncHTTPClient
import CityStore
import FederationHTTP
import FederationWire
import Foundation
import Logging
import Terminal

/// `city-node`.
package struct CityNodeCommand: AsyncParsableCommand {
    package static let version = "city-node 0.1.0 (protocol 1)"

    package static let configuration = CommandConfiguration(
        commandName: "city-node",
        abstract: "A city's own store of vouchers and claims, in step with the nation. 城市节点。",
        discussion: """
            The node's directory is named by --data DIR (or CITY_NODE_DATA). Every verb works beside a running serve.
            Exit codes: 0 done, 1 failed, 64 wrong usage.
            """,
        version: version,
        subcommands: [
            JoinCommand.self, ServeCommand.self, ImportCommand.self, VoucherCommand.self, ClaimCommand.self,
            PaymentCommand.self, CaseCommand.self, CheckCommand.self, CheckReceiptCommand.self, StatusCommand.self,
            LogCommand.self, BackupCommand.self, RestoreCommand.self,
        ])

    package init() {}

    /// A sentence for the person at the terminal.
    static func explain(_ error: any Error) -> String {
        switch error {
        case let failure as NodeDirectory.Failure: return failure.message
        case let failure as CSVFile.Failure: return failure.message
        case let failure as Folder.Failure: return failure.message
        case let failure as RegistryClient.Unreachable: return failure.message
        case let refusal as StoreRefusal: return refusal.message
        case let fault as WireFault: return fault.message
        case let refusal as RegistryClient.Refusal: return "the registry refused: \(refusal.detail)"
        case let error as HTTPClientError:
            return "no answer: \(error); check that the other side runs and can be reached"
        default:
            if error.isDiskFull { return "cannot save, disk full: free some space and try again" }
            if error.isDiskFailure {
                return "the store is damaged or its disk fails: \(error); run city-node log verify"
            }
            let text = "\(error)"
            if text.contains("EADDRINUSE") || text.contains("Address already in use") {
                return "the address is in use by another program: stop it, or give another --listen HOST:PORT"
            }
            return text
        }
    }
}

/// Which node.
struct DataOptions: ParsableArguments {
    @Option(help: "The node's directory (or CITY_NODE_DATA).")
    var data: String?

    var directory: NodeDirectory {
        get throws {
            guard let path = data ?? ProcessInfo.processInfo.environment["CITY_NODE_DATA"], !path.isEmpty else {
                throw ValidationError("name the node's directory: --data DIR, or CITY_NODE_DATA")
            }
            return NodeDirectory(path: path)
        }
    }

    func validate() throws { _ = try directory }

    /// Runs a command's body with errors told to the person.
    func run<T>(_ body: (NodeDirectory) async throws -> T) async throws -> T {
        let directory = try directory
        return try await CommandFailure.catching(
            "city-node", explain: CityNodeCommand.explain, pass: { $0 is ExitCode || $0 is ValidationError },
            exit: ExitCode.failure
        ) { try await body(directory) }
    }

    /// Runs a command's body against the node, whether it is served or not.
    func withNode<T>(_ body: (NodeConnection) async throws -> T) async throws -> T {
        try await run { directory in
            let node = try await NodeConnection.open(directory)
            do {
                let value = try await body(node)
                await node.close()
                return value
            } catch {
                await node.close()
                throw error
            }
        }
    }
}
