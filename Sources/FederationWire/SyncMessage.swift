import Foundation
import SwiftProtobuf

/// How a request or answer body is written: protobuf between nodes, proto3 JSON for people with curl.
package enum BodyFormat: Hashable, Sendable {
    case protobuf, json

    package var contentType: String {
        switch self {
        case .protobuf: "application/x-protobuf"
        case .json: "application/json"
        }
    }

    /// - Returns: `nil` for a media type that is neither.
    package init?(contentType: String) {
        let type = contentType.split(separator: ";").first.map { $0.lowercased().filter { $0 != " " } }
        switch type {
        case "application/x-protobuf", "application/protobuf": self = .protobuf
        case "application/json": self = .json
        default: return nil
        }
    }
}

/// A request or answer of the protocol, independent of how it is written.
package protocol SyncMessage: Sendable {
    init(_ bytes: [UInt8], as format: BodyFormat) throws(WireFault)
    func encoded(as format: BodyFormat) -> [UInt8]
}

extension Message {
    init(_ bytes: [UInt8], as format: BodyFormat) throws(WireFault) {
        switch format {
        case .protobuf: try self.init(decoding: bytes)
        case .json:
            var options = JSONDecodingOptions()
            options.messageDepthLimit = 10
            do {
                try self.init(jsonUTF8Bytes: bytes, options: options)
            } catch {
                throw WireFault(
                    "this is no proto3 JSON of \(Self.protoMessageName.split(separator: ".").last ?? "the message")")
            }
        }
    }

    func encoded(as format: BodyFormat) -> [UInt8] {
        switch format {
        case .protobuf: return bytes
        case .json:
            guard let bytes: [UInt8] = try? jsonUTF8Bytes() else {
                preconditionFailure("a message without a JSON form")
            }
            return bytes
        }
    }
}
