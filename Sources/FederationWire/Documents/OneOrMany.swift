import Foundation

/// A JSON document, or several under `items`.
package struct OneOrMany<Item: Decodable>: Decodable {
    /// In their order; `nil` where one has not the right form.
    package let items: [Item?]
    /// Whether they came as a list, if only of one.
    package let isList: Bool

    /// - Throws: ``WireFault`` when the bytes are no JSON object, or `items` is no array.
    package init(json: [UInt8]) throws(WireFault) {
        do {
            self = try JSONDecoder().decode(OneOrMany.self, from: Data(json))
        } catch {
            throw WireFault("expected a JSON object, or objects in an array under items")
        }
    }

    private enum CodingKeys: String, CodingKey { case items }

    /// Never fails, so that those behind a broken one keep their places.
    private struct Attempt: Decodable {
        let item: Item?

        init(from decoder: any Decoder) { item = try? Item(from: decoder) }
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        isList = container.contains(.items)
        if isList {
            items = try container.decode([Attempt].self, forKey: .items).map(\.item)
        } else {
            items = [Attempt(from: decoder).item]
        }
    }
}
