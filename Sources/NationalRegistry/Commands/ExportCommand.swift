import ArgumentParser
import Crypto
import FederationHTTP
import FederationWire
import Foundation
import RegistryStore
import Replication
import Terminal
import VoucherDomain

struct ExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export", abstract: "Write a file with a signed manifest, of any size.",
        discussion: """
            FILE gets the rows, and FILE.manifest.json what the registry vouches for: the question, the entry of the \
            feed up to which it was answered, the number of rows and the SHA-256 of all bytes. The same question as of \
            the same position gives the same bytes again. `audit verify-export` checks both, offline.
            """,
        subcommands: [Claims.self, Duplicates.self])

    struct Target: ParsableArguments {
        @Option(help: "csv or ndjson.") var format = Export.Format.csv
        @Option(help: "The file to write.") var output: String
        @Option(help: "Whom the manifest is made for.") var by = "operator"
    }

    struct Claims: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Export decided claims.")

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var filter: ClaimFilterOptions
        @OptionGroup var target: Target

        func run() async throws { try await ExportCommand.write(.claims, filter.values, target, database) }
    }

    struct Duplicates: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Export the claims that met under one key, by rule.")

        @OptionGroup var database: DatabaseOptions
        @OptionGroup var filter: DuplicateFilterOptions
        @OptionGroup var target: Target

        func run() async throws { try await ExportCommand.write(.duplicates, filter.values, target, database) }
    }

    private static func write(
        _ dataset: Export.Dataset, _ values: [String: String], _ target: Target, _ database: DatabaseOptions
    ) async throws {
        try await database.withStore { store in
            let export = try await Export(dataset, target.format, values, RegistryQueries(store: store))
            let file = try OutputFile(target.output)
            var pieces = export.pieces
            while let piece = try await pieces.next() { try file.write(piece) }
            try file.close()
            let manifest = try await export.manifest(of: pieces, for: target.by, now: WallClock.now)
            let signed = try JSONBody.encode(try manifest.signed(by: store.secrets.signingKey))
            let path = "\(target.output).manifest.json"
            let manifestFile = try OutputFile(path)
            try manifestFile.write(signed + [UInt8(ascii: "\n")])
            try manifestFile.close()
            Output.line(
                "\(pieces.count) rows as of position \(export.asOf.position) in \(target.output); manifest in \(path)")
        }
    }
}

/// A file that is written piece by piece.
private final class OutputFile {
    private let path: String
    private let handle: FileHandle

    init(_ path: String) throws {
        self.path = path
        guard FileManager.default.createFile(atPath: path, contents: nil),
            let handle = FileHandle(forWritingAtPath: path)
        else { throw RegistryRefusal(.invalid, "cannot write \(path): \(String(cString: strerror(errno)))") }
        self.handle = handle
    }

    func write(_ bytes: [UInt8]) throws {
        do { try handle.write(contentsOf: bytes) } catch {
            throw RegistryRefusal(.invalid, "cannot write \(path): is the disk full?")
        }
    }

    func close() throws {
        try handle.synchronize()
        try handle.close()
    }
}

struct VerifyExportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "verify-export", abstract: "Check an exported file against its manifest, offline.",
        discussion: """
            Needs no database: only the registry's public key, as `national-registry status --json` prints it \
            (signing_key), from a source that you trust. Exits 1 when the file or the manifest was changed.
            """)

    @Argument(help: "The exported file.") var file: String
    @Option(help: "Its manifest (default: FILE.manifest.json).") var manifest: String?
    @Option(help: "The registry's public key, 64 hexadecimal digits.") var key: String
    @Flag(help: "Print JSON.") var json = false

    func validate() throws {
        guard PublicKey(bytes: [UInt8](hexadecimal: key) ?? []) != nil else {
            throw ValidationError("--key is a public key of 64 hexadecimal digits")
        }
    }

    func run() async throws {
        guard let key = PublicKey(bytes: [UInt8](hexadecimal: key) ?? []) else { return }
        do {
            let envelope = try Self.read(manifest ?? "\(file).manifest.json")
            let manifest = try ExportManifest(file: envelope, signedBy: key)
            let (digest, bytes) = try Self.digest(of: file)
            guard digest == manifest.sha256 else {
                throw ExportManifest.Fault(
                    message:
                        "\(file) is not what the manifest vouches for: it has \(bytes) bytes with SHA-256 \(digest), "
                        + "the manifest says \(manifest.bytes) bytes with \(manifest.sha256)")
            }
            if json { return try Output.json(manifest) }
            let question = manifest.parameters.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
            Output.line("valid: \(manifest.count) rows of \(manifest.dataset), \(question.joined(separator: " "))")
            Output.line(
                "as of position \(manifest.as_of.position) (incarnation \(manifest.as_of.incarnation), hash "
                    + "\(manifest.as_of.hash)), made \(manifest.made_at) for \(manifest.made_for)")
        } catch let fault as ExportManifest.Fault {
            Output.note("national-registry: \(fault.message)")
            throw ExitCode.failure
        }
    }

    private static func read(_ path: String) throws(ExportManifest.Fault) -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw .init(message: "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        return Array(data)
    }

    private static func digest(of path: String) throws -> (hexadecimal: String, bytes: Int) {
        guard let handle = FileHandle(forReadingAtPath: path) else {
            throw ExportManifest.Fault(message: "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        defer { try? handle.close() }
        var (hash, count) = (SHA256(), 0)
        while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
            hash.update(data: piece)
            count += piece.count
        }
        return (Array(hash.finalize()).hexadecimal, count)
    }
}

extension Export.Format: ExpressibleByArgument {}
