import Foundation
import Replication
import VoucherDomain

@testable import FederationWire

/// One line of `Schemas/protocol/golden.json`: the exact bytes of one message of one kind, which never change.
///
/// A reader that gives these bytes for the message in `json`, and that message for these bytes, reads and writes what
/// every build since then has.
struct GoldenLine: Equatable {
    /// What it is a sample of; each name once.
    let name: String
    /// The message's name in the `.proto`.
    let message: String
    let bytes: [UInt8]
    /// Of messages that are hashed or signed.
    let domain: HashDomain?
    /// The Ed25519 signature by the city's or the registry's key of `vectors.json`, of messages that are signed.
    let signature: [UInt8]

    init(_ name: String, _ message: String, _ bytes: [UInt8], hashedAs domain: HashDomain? = nil) {
        self.init(name, message, bytes, domain, signature: [])
    }

    init(_ name: String, _ message: String, _ signed: SignedBytes, _ domain: HashDomain) {
        self.init(name, message, signed.body, domain, signature: signed.signature)
    }

    private init(_ name: String, _ message: String, _ bytes: [UInt8], _ domain: HashDomain?, signature: [UInt8]) {
        self.name = name
        self.message = message
        self.bytes = bytes
        self.domain = domain
        self.signature = signature
    }

    private var hash: [UInt8] { domain.map { Digest($0, bytes).rawValue } ?? [] }

    // MARK: The file

    static let file = DefaultPolicy.repository("Schemas/protocol/golden.json")

    /// One JSON object on one line, with the message in proto3 JSON for people.
    func text() throws -> String {
        var members = ["\"name\": \"\(name)\"", "\"message\": \"\(message)\"", "\"bytes\": \"\(bytes.hexadecimal)\""]
        if let domain {
            members.append("\"domain\": \"\(domain.rawValue)\"")
            members +=
                signature.isEmpty
                ? ["\"hash\": \"\(hash.hexadecimal)\""] : ["\"signature\": \"\(signature.hexadecimal)\""]
        }
        let json = try WireType.named(message)?.json(bytes) ?? []
        // The generated code writes the fields in their order; a file that is compared must not depend on it.
        let sorted = try JSONSerialization.data(
            withJSONObject: JSONSerialization.jsonObject(with: Data(json)),
            options: [.sortedKeys, .withoutEscapingSlashes])
        members.append("\"json\": \(String(decoding: sorted, as: UTF8.self))")
        return "{" + members.joined(separator: ", ") + "}"
    }

    /// A line of the file as it was published.
    struct Published {
        let name, message: String
        let bytes: [UInt8]
        let domain: HashDomain?
        let hash, signature: [UInt8]?
        /// Proto3 JSON.
        let json: [UInt8]
    }

    static func published() throws -> [Published] {
        struct Broken: Error {}
        let lines = try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [[String: Any]] ?? []
        return try lines.map { line in
            guard let name = line["name"] as? String, let message = line["message"] as? String,
                let bytes = [UInt8](hexadecimal: line["bytes"] as? String ?? ""), let json = line["json"]
            else { throw Broken() }
            func member(_ name: String) -> [UInt8]? { (line[name] as? String).flatMap { [UInt8](hexadecimal: $0) } }
            return Published(
                name: name, message: message, bytes: bytes,
                domain: (line["domain"] as? String).flatMap(HashDomain.init(rawValue:)), hash: member("hash"),
                signature: member("signature"), json: Array(try JSONSerialization.data(withJSONObject: json)))
        }
    }

    /// Writes the lines that the file has not, behind those that it has; what is there stays as it is.
    static func add(_ lines: [GoldenLine]) throws {
        let old = (try? String(contentsOf: file, encoding: .utf8)) ?? "[\n]\n"
        let kept = old.split(separator: "\n").filter { $0.hasPrefix("{") }.map {
            $0.hasSuffix(",") ? $0.dropLast() : $0
        }
        let all = try kept.map(String.init) + lines.map { try $0.text() }
        try Data("[\n\(all.joined(separator: ",\n"))\n]\n".utf8).write(to: file)
    }
}
