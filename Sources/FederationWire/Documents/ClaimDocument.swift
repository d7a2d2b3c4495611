package import Arbitration
import Foundation
package import Replication
package import VoucherDomain

/// A claim as JSON: the CSV's columns (an empty cell is null, `card_hours` a number), `invoices` as an array, and
/// what became of it. Both programs show claims in this one form.
package struct ClaimDocument: Encodable, Sendable {
    private let fields: [String: String]
    private let city: CityCode
    private let state: String
    private let reasons: [Reason]
    private let caseID: String?
    private let receipt: SignedBytes?
    private let position: FeedHead?
    private let payment: PaymentDocument?
    private let problems: [FieldProblem]
    private let repairs: [FieldRepair]

    /// - Parameter fields: Text by CSV column; of an invalid row, as it was typed.
    package init(
        fields: [String: String], city: CityCode, state: String, reasons: [Reason], caseID: String?,
        receipt: SignedBytes?, position: FeedHead?, payment: PaymentDocument? = nil,
        problems: [FieldProblem] = [], repairs: [FieldRepair] = []
    ) {
        self.fields = fields
        self.city = city
        self.state = state
        self.reasons = reasons
        self.caseID = caseID
        self.receipt = receipt
        self.position = position
        self.payment = payment
        self.problems = problems
        self.repairs = repairs
    }

    /// The columns that stand in the document under their own names.
    private static let plainColumns = ClaimForm.columns.filter {
        !["invoice_numbers", "invoice_amounts_yuan", "invoice_dates", "card_hours"].contains($0)
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: ColumnKey.self)
        for column in ClaimDocument.plainColumns {
            try container.encode(fields[column].flatMap { $0.isEmpty ? nil : $0 }, forKey: ColumnKey(column))
        }
        try container.encode(fields["card_hours"].flatMap { Int64($0) }, forKey: ColumnKey("card_hours"))
        try container.encode(invoices, forKey: ColumnKey("invoices"))
        try container.encode(city.description, forKey: ColumnKey("city_code"))
        try container.encode(state, forKey: ColumnKey("state"))
        let invalid = problems.map { ReasonDocument(problem: $0) }
        try container.encode(
            invalid + reasons.map { ReasonDocument($0, caseID: caseID) }, forKey: ColumnKey("reasons"))
        try container.encode(repairs.map(RepairDocument.init), forKey: ColumnKey("repairs"))
        try container.encode(receipt.map(ReceiptDocument.init(claimReceipt:)), forKey: ColumnKey("receipt"))
        try container.encode(position.map(PositionDocument.init), forKey: ColumnKey("position"))
        try container.encode(payment, forKey: ColumnKey("payment"))
    }

    private struct InvoiceDocument: Encodable {
        let number: String
        let amount_yuan: String?
        let issued_on: String?
    }

    private var invoices: [InvoiceDocument] {
        func list(_ column: String) -> [String] {
            (fields[column] ?? "").split(separator: ";", omittingEmptySubsequences: false).map(String.init)
        }
        let (amounts, dates) = (list("invoice_amounts_yuan"), list("invoice_dates"))
        return list("invoice_numbers").enumerated().filter { !$0.element.isEmpty }.map { index, number in
            let date = index < dates.count && !dates[index].isEmpty ? dates[index] : nil
            return InvoiceDocument(
                number: number, amount_yuan: index < amounts.count ? amounts[index] : nil, issued_on: date)
        }
    }
}

/// A column's name as a JSON key.
struct ColumnKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }

    init(_ name: String) { stringValue = name }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

/// One reason, in both languages, with every blocking claim.
package struct ReasonDocument: Encodable, Sendable {
    package struct Blocking: Encodable, NamedClaim, Sendable {
        package let city_code: String
        package let claim_no: String

        package init(_ name: ClaimName) {
            city_code = name.city.description
            claim_no = name.number
        }
    }

    package let rule: String
    package let outcome: String
    package let blocking: [Blocking]
    /// How many more stand in the way than are named.
    package let unnamed: Int
    package let `case`: String?
    package let message: String
    /// The column at fault, for a row that failed validation.
    package let column: String?

    package init(_ reason: Reason, caseID: String?) {
        rule = reason.rule
        outcome = reason.outcome.rawValue
        blocking = reason.blocking.map(Blocking.init)
        unnamed = reason.unnamed
        `case` = reason.outcome == .flag ? nil : caseID
        message = reason.message
        column = nil
    }

    package init(problem: FieldProblem) {
        rule = "row"
        outcome = "invalid"
        blocking = []
        unnamed = 0
        `case` = nil
        message = "\(problem.column): \(problem.message)"
        column = problem.column
    }
}

package struct RepairDocument: Encodable, Sendable {
    package let column: String
    package let typed: String
    package let read: String

    package init(_ repair: FieldRepair) {
        column = repair.column
        typed = repair.typed
        read = repair.read
    }
}

package struct ReceiptDocument: Encodable, Sendable {
    /// Lower-case hexadecimal.
    package let id: String
    /// Base64.
    package let signature: String

    package init(id: [UInt8], signature: [UInt8]) {
        self.id = id.hexadecimal
        self.signature = Data(signature).base64EncodedString()
    }

    /// The receipt of a batch, by its own id.
    package init(claimReceipt signed: SignedBytes) {
        let id = (try? WireReceiptBody(decoding: signed.body)).map { Array($0.id) } ?? []
        self.init(id: id, signature: signed.signature)
    }
}

package struct PositionDocument: Codable, Hashable, Sendable {
    package let incarnation: UInt32
    package let position: UInt64
    package let hash: String

    package init(_ head: FeedHead) {
        incarnation = head.incarnation
        position = head.position
        hash = head.hash.rawValue.hexadecimal
    }
}

/// A list in the APIs and in `--json`.
package struct ListDocument<Item: Encodable & Sendable>: Encodable, Sendable {
    package let items: [Item]
    /// Where the next page begins, or null at the end.
    package let next: String?

    package init(items: [Item], next: String?) {
        self.items = items
        self.next = next
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: ColumnKey.self)
        try container.encode(items, forKey: ColumnKey("items"))
        try container.encode(next, forKey: ColumnKey("next"))
    }
}

extension Outcome.Decision {
    /// The state's name in JSON and on screens.
    package var name: String {
        switch self {
        case .noted: "noted"
        case .reserved: "reserved"
        case .refused: "refused"
        case .held: "held"
        case .invalid: "invalid"
        case .withdrawn: "withdrawn"
        case .unchanged: "unchanged"
        case .unsupported: "unsupported"
        case .pending: "pending"
        case .authorized: "authorized"
        case .paid: "paid"
        case .reversed: "reversed"
        case .tooLate: "too_late"
        }
    }

    package init?(name: String) {
        guard let decision = Outcome.Decision.allCases.first(where: { $0.name == name }) else { return nil }
        self = decision
    }
}
