import FederationHTTP
import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import RegistryStore
import VoucherDomain
import WebConsole

/// An export as a response that is written while it is read.
enum ExportResponse {
    /// - Returns: The rows; `Link` names the manifest of just these bytes.
    static func make(_ export: Export, asking request: Request) -> Response {
        var parts = URLComponents()
        parts.path = request.uri.path + "/manifest"
        parts.queryItems = ([("format", export.format.rawValue)] + export.parameters.sorted { $0.key < $1.key })
            .map { URLQueryItem(name: $0.0, value: $0.1) }
        // A plus sign would be read as a space.
        let link = (parts.string ?? "").replacing("+", with: "%2B")
        var response = Response(
            status: .ok,
            headers: [
                .contentType: export.format.mediaType,
                .contentDisposition: "attachment; filename=\"\(export.fileName)\"",
                .link: "<\(link)>; rel=\"describedby\"",
            ],
            body: ResponseBody { writer in
                var pieces = export.pieces
                while let piece = try await pieces.next() { try await writer.write(ByteBuffer(bytes: piece)) }
                try await writer.finish(nil)
            })
        SafetyHeaders.add(to: &response)
        return response
    }
}

/// A report as a file.
enum CSVResponse {
    static func make(_ report: RegistryStore.Report, name: String) -> Response {
        let text = ([report.columns] + report.rows.map { $0.map(CSVLine.harmless) }).map(CSVLine.encode).joined()
        var response = Response(
            status: .ok,
            headers: [
                .contentType: Export.Format.csv.mediaType,
                .contentDisposition: "attachment; filename=\"\(name)\"",
            ], body: .init(byteBuffer: ByteBuffer(bytes: CSVLine.byteOrderMark + Array(text.utf8))))
        SafetyHeaders.add(to: &response)
        return response
    }
}

extension HTTPField.Name {
    /// What an auditor asks for: percent-encoded text.
    static let queryPurpose = HTTPField.Name("Query-Purpose").unsafelyUnwrapped
    static let link = HTTPField.Name("Link").unsafelyUnwrapped
}
