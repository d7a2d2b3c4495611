import Foundation

/// What people read of the schemas in an OpenAPI document, as values for the templates of `/docs`.
///
/// Each named schema stands on the page once, and all others lead to it: a schema may name itself.
struct SchemaText {
    /// The document.
    let root: [String: Any]

    /// What a `$ref` within the document leads to.
    func resolved(_ value: [String: Any]) -> [String: Any] {
        guard let reference = value["$ref"] as? String else { return value }
        var place: Any? = root
        for name in reference.split(separator: "/").dropFirst() {
            place = (place as? [String: Any])?[String(name).replacing("~1", with: "/").replacing("~0", with: "~")]
        }
        return place as? [String: Any] ?? [:]
    }

    /// All named schemas, in the order of their names.
    var named: [[String: Any]] {
        let components = root["components"] as? [String: Any] ?? [:]
        let schemas = components["schemas"] as? [String: Any] ?? [:]
        return schemas.keys.sorted().map { name in
            let schema = schemas[name] as? [String: Any] ?? [:]
            return values(of: schema).merging(["name": name, "anchor": SchemaText.anchor(name)]) { $1 }
        }
    }

    /// What a body or an answer holds, by media type.
    func contents(of holder: [String: Any]) -> [[String: Any]] {
        let content = holder["content"] as? [String: Any] ?? [:]
        return content.keys.sorted().map { media in
            let item = content[media] as? [String: Any] ?? [:]
            return values(of: item["schema"] as? [String: Any] ?? [:]).merging([
                "media": media, "examples": examples(of: item),
            ]) { $1 }
        }
    }

    /// A schema as it stands in its place: its type, what bounds it, and its fields where it has some of its own.
    private func values(of schema: [String: Any]) -> [String: Any] {
        let fields = fields(of: schema)
        return [
            "types": types(of: schema), "description": schema["description"] as? String ?? "",
            "bounds": bounds(of: schema), "fields": fields, "has_fields": !fields.isEmpty,
        ]
    }

    /// The compulsory ones first, in the order in which the schema requires them.
    private func fields(of schema: [String: Any]) -> [[String: Any]] {
        let properties = schema["properties"] as? [String: Any] ?? [:]
        let required = schema["required"] as? [String] ?? []
        let optional = properties.keys.filter { !required.contains($0) }.sorted()
        return (required.filter { properties[$0] != nil } + optional).map { name in
            let property = properties[name] as? [String: Any] ?? [:]
            return [
                "name": name, "is_required": required.contains(name), "types": types(of: property),
                "description": property["description"] as? String ?? "", "bounds": bounds(of: property),
            ]
        }
    }

    // MARK: Types

    /// The words of a type, some of which lead to a named schema.
    private func types(of schema: [String: Any]) -> [[String: Any]] {
        if let reference = schema["$ref"] as? String {
            let name = reference.split(separator: "/").last.map(String.init) ?? ""
            return [["text": name, "target": SchemaText.anchor(name), "is_link": true]]
        }
        for (key, word) in [("oneOf", " or "), ("anyOf", " or "), ("allOf", " and ")] {
            guard let parts = schema[key] as? [[String: Any]] else { continue }
            return Array(parts.map(types).joined(separator: [SchemaText.text(word)]))
        }
        let names = schema["type"] as? [String] ?? (schema["type"] as? String).map { [$0] } ?? ["anything"]
        let own = [SchemaText.text(names.joined(separator: " or "))]
        if let items = schema["items"] as? [String: Any] { return own + [SchemaText.text(" of ")] + types(of: items) }
        guard schema["properties"] == nil, let values = schema["additionalProperties"] as? [String: Any] else {
            return own
        }
        return own + [SchemaText.text(" of ")] + types(of: values)
    }

    private static func text(_ text: String) -> [String: Any] { ["text": text, "target": "", "is_link": false] }

    private static func anchor(_ name: String) -> String { "schema-\(name)" }

    private static let bounds = [
        ("minLength", "at least", "characters"), ("maxLength", "at most", "characters"), ("minimum", "from", ""),
        ("maximum", "to", ""), ("minItems", "at least", "items"), ("maxItems", "at most", "items"),
        ("pattern", "matches", ""), ("format", "a", ""),
    ]

    /// What its values keep to, such as `one of HIT, UNKNOWN` or `at most 64 characters`; empty where nothing does.
    private func bounds(of schema: [String: Any]) -> String {
        let words = (schema["enum"] as? [Any]).map { "one of " + $0.map { "\($0)" }.joined(separator: ", ") }
        let others = SchemaText.bounds.compactMap { key, before, after in
            schema[key].map { "\(before) \($0)" + (after.isEmpty ? "" : " \(after)") }
        }
        return ([words].compactMap(\.self) + others).joined(separator: "; ")
    }

    // MARK: Examples

    private func examples(of item: [String: Any]) -> [[String: Any]] {
        let several = item["examples"] as? [String: Any] ?? [:]
        let labelled = several.keys.sorted().compactMap { name -> (label: String, value: Any)? in
            resolved(several[name] as? [String: Any] ?? [:])["value"].map { (label: name, value: $0) }
        }
        let all = (item["example"].map { [(label: "", value: $0)] } ?? []) + labelled
        return all.map { ["label": $0.label, "text": SchemaText.json($0.value)] }
    }

    /// A text as it is, everything else as JSON.
    private static func json(_ value: Any) -> String {
        if let text = value as? String { return text }
        let options: JSONSerialization.WritingOptions = [
            .prettyPrinted, .sortedKeys, .withoutEscapingSlashes, .fragmentsAllowed,
        ]
        return (try? JSONSerialization.data(withJSONObject: value, options: options)).map {
            String(decoding: $0, as: UTF8.self)
        } ?? "\(value)"
    }
}
