import Foundation
import Testing

@testable import WebConsole

@Suite("The page of an API")
struct APIDocumentationTests {
    private static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent()

    private static let document = #"""
        {
          "openapi": "3.1.0", "info": {"title": "T", "version": "1"},
          "paths": {
            "/v1/things": {
              "post": {
                "operationId": "makeThing",
                "requestBody": {
                  "required": true, "description": "At most 4 MiB.",
                  "content": {
                    "application/json": {
                      "schema": {"oneOf": [{"$ref": "#/components/schemas/Thing"}, {"type": "array", "items": {"type": "string"}}]},
                      "examples": {"small": {"value": {"name": "<a>"}}}
                    }
                  }
                },
                "responses": {
                  "200": {
                    "description": "Made.",
                    "content": {"application/json": {"schema": {
                      "type": "object", "required": ["state"],
                      "properties": {
                        "at": {"type": "string", "format": "date-time", "description": "When."},
                        "state": {"type": "string", "enum": ["new", "old"]}
                      }
                    }}}
                  },
                  "400": {"$ref": "#/components/responses/Bad"}
                }
              }
            }
          },
          "components": {
            "responses": {"Bad": {"description": "No.", "content": {"text/plain": {"schema": {"type": "string"}, "example": "no"}}}},
            "schemas": {
              "Thing": {
                "type": "object", "description": "A thing with parts.", "required": ["name"],
                "properties": {
                  "parts": {"type": "array", "items": {"$ref": "#/components/schemas/Thing"}, "maxItems": 9},
                  "name": {"type": "string", "minLength": 1, "maxLength": 64, "description": "What it is called."},
                  "left": {"type": ["integer", "null"]}
                }
              }
            }
          }
        }
        """#

    /// What stands on the page without the markup, in single spaces.
    private func text(_ html: some StringProtocol) -> String {
        String(html).replacing(/<[^>]*>/, with: " ").split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }

    private func section(_ id: String, of page: String) throws -> Substring {
        let start = try #require(page.range(of: "<section class=\"card\" id=\"\(id)\">"))
        let rest = page[start.upperBound...]
        return rest[..<(try #require(rest.range(of: "</section>"))).lowerBound]
    }

    @Test("a body is shown with its type, whether it is compulsory, and its examples")
    func body() throws {
        let operation = try section("makeThing", of: APIDocumentation(Array(Self.document.utf8)).page)
        let text = text(operation)

        #expect(text.contains("Body * At most 4 MiB. application/json : Thing or array of string"))
        #expect(operation.contains(##"<a href="#schema-Thing">Thing</a>"##))
        #expect(text.contains("Example small { &quot;name&quot;"))
        #expect(text.contains("&quot;&lt;a&gt;&quot; }"))
    }

    @Test("an answer is shown with its fields, the compulsory ones first, and what each may be")
    func answers() throws {
        let text = text(try section("makeThing", of: APIDocumentation(Array(Self.document.utf8)).page))

        #expect(text.contains("200 Made. application/json : object"))
        #expect(text.contains("state * string one of new, old at string a date-time When."))
        #expect(text.contains("400 No. text/plain : string Example no"))
    }

    @Test("a schema stands on the page once, however often it names itself")
    func schemas() throws {
        let page = try APIDocumentation(Array(Self.document.utf8)).page
        let schema = try section("schema-Thing", of: page)
        let text = text(schema)

        #expect(page.components(separatedBy: "id=\"schema-Thing\"").count == 2)
        #expect(text.contains("Thing object A thing with parts."))
        #expect(text.contains("name * string at least 1 characters; at most 64 characters What it is called."))
        #expect(text.contains("left integer or null parts array of Thing at most 9 items"))
    }

    @Test(
        "of both APIs every field of every schema is on the page, and no link leads nowhere",
        arguments: ["city", "registry"])
    func complete(name: String) throws {
        let bytes = try Data(contentsOf: Self.root.appending(path: "Schemas/openapi/\(name).json"))
        let page = try APIDocumentation(Array(bytes)).page
        let object = try #require(try JSONSerialization.jsonObject(with: bytes) as? [String: Any])
        let components = try #require(object["components"] as? [String: Any])
        let schemas = try #require(components["schemas"] as? [String: [String: Any]])

        #expect(schemas.count > 30)
        for (name, schema) in schemas {
            let shown = text(try section("schema-\(name)", of: page))
            for property in (schema["properties"] as? [String: Any] ?? [:]).keys {
                #expect(shown.contains(" \(property) "), "\(name).\(property)")
            }
        }
        for link in page.matches(of: /href="#([^"]+)"/) {
            #expect(page.contains("id=\"\(link.1)\""), "\(link.1)")
        }
    }
}
