import Foundation
package import Hummingbird
import Mustache
import NIOCore

/// An OpenAPI document, served as it is and rendered for people. It tells nothing that needs a token.
package struct APIDocumentation: Sendable {
    package struct Failure: Error { package let message: String }

    private let document: [UInt8]
    /// As HTML.
    let page: String

    /// - Parameter document: OpenAPI 3.1 as JSON.
    package init(_ document: [UInt8]) throws {
        self.document = document
        guard let root = try JSONSerialization.jsonObject(with: Data(document)) as? [String: Any],
            PageText.isRegistered
        else { throw Failure(message: "this is no OpenAPI document") }
        var library = MustacheLibrary()
        for (name, bytes) in [
            ("api", PackageResources.api_mustache), ("api_content", PackageResources.api_content_mustache),
            ("api_fields", PackageResources.api_fields_mustache), ("api_type", PackageResources.api_type_mustache),
        ] { try library.register(PageText.pragma + String(decoding: bytes, as: UTF8.self), named: name) }
        guard let page = library.render(APIDocumentation.values(root), withTemplate: "api") else {
            throw Failure(message: "there is no template api")
        }
        self.page = page
    }

    /// Adds `GET /openapi.json` and `GET /docs`.
    package func add<Context: RequestContext>(to router: Router<Context>) {
        router.get("openapi.json") { _, _ in
            var response = Response(
                status: .ok, headers: [.contentType: "application/json; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(bytes: document)))
            SafetyHeaders.add(to: &response)
            return response
        }
        router.get("docs") { _, _ in
            var response = Response(
                status: .ok, headers: [.contentType: "text/html; charset=utf-8"],
                body: .init(byteBuffer: ByteBuffer(string: page)))
            SafetyHeaders.add(to: &response)
            return response
        }
    }

    private static let methods = ["get", "post", "put", "delete"]

    private static func values(_ root: [String: Any]) -> [String: Any] {
        let info = root["info"] as? [String: Any] ?? [:]
        let paths = root["paths"] as? [String: Any] ?? [:]
        let schemas = SchemaText(root: root)
        let operations = paths.keys.sorted().flatMap { path -> [[String: Any]] in
            let item = paths[path] as? [String: Any] ?? [:]
            return methods.compactMap { method in
                (item[method] as? [String: Any]).map { values(of: $0, method, path, schemas) }
            }
        }
        return [
            "title": info["title"] as? String ?? "", "version": info["version"] as? String ?? "",
            "description": paragraphs(info["description"]), "operations": operations,
            "schemas": schemas.named,
        ]
    }

    private static func values(
        of operation: [String: Any], _ method: String, _ path: String, _ schemas: SchemaText
    ) -> [String: Any] {
        let parameters = (operation["parameters"] as? [[String: Any]] ?? []).map(schemas.resolved)
        let body = (operation["requestBody"] as? [String: Any]).map(schemas.resolved)
        let responses = operation["responses"] as? [String: Any] ?? [:]
        return [
            "method": method.uppercased(), "path": path, "id": operation["operationId"] as? String ?? "",
            "summary": operation["summary"] as? String ?? "", "description": paragraphs(operation["description"]),
            "has_parameters": !parameters.isEmpty,
            "parameters": parameters.map { parameter in
                [
                    "name": parameter["name"] as? String ?? "", "place": parameter["in"] as? String ?? "",
                    "description": parameter["description"] as? String ?? "",
                    "is_required": parameter["required"] as? Bool ?? false,
                ] as [String: Any]
            },
            "has_body": body != nil, "body_description": paragraphs(body?["description"]),
            "is_body_required": body?["required"] as? Bool ?? false,
            "body": body.map(schemas.contents) ?? [],
            "responses": responses.keys.sorted().map { status -> [String: Any] in
                let response = schemas.resolved(responses[status] as? [String: Any] ?? [:])
                return [
                    "status": status, "description": response["description"] as? String ?? "",
                    "contents": schemas.contents(of: response),
                ]
            },
        ]
    }

    private static func paragraphs(_ text: Any?) -> [String] {
        (text as? String ?? "").split(separator: "\n\n").map(String.init)
    }
}
