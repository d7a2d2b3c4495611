import Foundation
import VoucherDomain

/// Reads claims and vouchers from JSON into the text fields that a CSV row would have.
package enum FormDocument {
    /// A claim's fields: the CSV's columns, with `invoices` as an array of `{number, amount_yuan, issued_on?}`.
    ///
    /// - Throws: ``WireFault`` naming the field; unknown fields are refused, so that a typo is not lost silently.
    package static func claimFields(_ json: [UInt8]) throws(WireFault) -> [String: String] {
        var object = try object(json)
        let invoices = object.removeValue(forKey: "invoices")
        for shown in ["city_code", "state", "reasons", "repairs", "receipt", "position", "payment"] {
            object[shown] = nil
        }
        var fields = try texts(object, columns: ClaimForm.columns)
        guard let invoices, !(invoices is NSNull) else { return fields }
        guard let list = invoices as? [[String: Any]] else { throw WireFault("invoices: expected an array of objects") }
        var columns: (numbers: [String], amounts: [String], dates: [String]) = ([], [], [])
        for (index, item) in list.enumerated() {
            let item = try texts(item, columns: ["number", "amount_yuan", "issued_on"], place: "invoices[\(index)].")
            columns.numbers.append(item["number"] ?? "")
            columns.amounts.append(item["amount_yuan"] ?? "")
            columns.dates.append(item["issued_on"] ?? "")
        }
        fields["invoice_numbers"] = columns.numbers.joined(separator: ";")
        fields["invoice_amounts_yuan"] = columns.amounts.joined(separator: ";")
        if columns.dates.contains(where: { !$0.isEmpty }) {
            fields["invoice_dates"] = columns.dates.joined(separator: ";")
        }
        return fields
    }

    /// A voucher's fields, by CSV column.
    package static func voucherFields(_ json: [UInt8]) throws(WireFault) -> [String: String] {
        try texts(try object(json), columns: VoucherForm.columns)
    }

    private static func object(_ json: [UInt8]) throws(WireFault) -> [String: Any] {
        guard let value = try? JSONSerialization.jsonObject(with: Data(json)) else {
            throw WireFault("the body is no JSON")
        }
        guard let object = value as? [String: Any] else { throw WireFault("expected a JSON object") }
        return object
    }

    private static func texts(
        _ object: [String: Any], columns: [String], place: String = ""
    ) throws(WireFault) -> [String: String] {
        var fields: [String: String] = [:]
        for name in object.keys.sorted() {
            guard columns.contains(name) else { throw WireFault("\(place)\(name): there is no such field") }
            switch object[name] {
            case let text as String: fields[name] = text
            case is NSNull, nil: break
            case let number as NSNumber where name == "card_hours": fields[name] = number.stringValue
            default: throw WireFault("\(place)\(name): expected a string")
            }
        }
        return fields
    }
}
