package import Arbitration
package import VoucherDomain

/// What a check asks: one question, or a batch of them under `items`.
///
/// A batch is answered whole or not at all. A question that is none refuses it, and is named by its place: an answer
/// that is missing, or an UNKNOWN among a thousand, is too easily taken for CLEAR.
package struct CheckRequests: Sendable {
    package let items: [CheckRequestDocument]
    /// Whether they came as a batch, and are answered as one.
    package let isBatch: Bool

    package static let maximumItems = 1_000
    /// A body of 4 MiB: 1,000 questions of 4 KiB, each with about 150 invoices.
    package static let maximumBytes = 4 << 20

    package init(_ only: CheckRequestDocument) {
        items = [only]
        isBatch = false
    }

    /// Reads a body.
    ///
    /// - Throws: ``WireFault`` that names the first question at fault, such as `items[3]: …`.
    package init(json: [UInt8]) throws(WireFault) {
        let read = try OneOrMany<CheckRequestDocument>(json: json)
        guard (1...CheckRequests.maximumItems).contains(read.items.count) else {
            throw WireFault("items: \(read.items.count) questions, 1 to \(CheckRequests.maximumItems) are allowed")
        }
        var items: [CheckRequestDocument] = []
        for (index, item) in read.items.enumerated() {
            guard let item else {
                throw WireFault(CheckRequests.place(index, isBatch: read.isList) + CheckRequestDocument.form)
            }
            items.append(item)
        }
        self.items = items
        isBatch = read.isList
    }

    /// The questions in their order, with identifiers normalised.
    ///
    /// - Parameter city: The city that asks, where a question names none.
    /// - Throws: ``WireFault`` that names the first question at fault.
    package func questions(askedBy city: CityCode?) throws(WireFault) -> [PreCheck] {
        var questions: [PreCheck] = []
        for (index, item) in items.enumerated() {
            do {
                questions.append(try item.question(askedBy: city))
            } catch {
                throw WireFault(CheckRequests.place(index, isBatch: isBatch) + error.message)
            }
        }
        return questions
    }

    private static func place(_ index: Int, isBatch: Bool) -> String { isBatch ? "items[\(index)]: " : "" }
}
