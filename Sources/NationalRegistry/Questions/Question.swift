import Arbitration
import FederationHTTP
import FederationWire
import Foundation
import HTTPTypes
import Hummingbird
import RegistryStore
import VoucherDomain

/// What a query asks for, by name. Names that it does not know are refused: a filter with a typo in it must not
/// give more than was asked for.
struct Question {
    /// Values that are not empty, by name.
    private(set) var values: [String: String]

    /// - Throws: ``Problem`` for a name that is not among `known`.
    init(_ values: [String: String], known: [String]) throws {
        for name in values.keys.sorted() where !known.contains(name) {
            throw Problem(
                .badRequest, "query",
                known.isEmpty
                    ? "\(name): nothing can be asked for here"
                    : "\(name): there is no such parameter; there are \(known.joined(separator: ", "))")
        }
        for (name, value) in values where value.unicodeScalars.contains(where: { $0.value < 0x20 || $0.value == 0x7F })
        {
            throw Problem(.badRequest, "query", "\(name) has a control character in it")
        }
        self.values = values.filter { !$0.value.isEmpty }
    }

    init(_ request: Request, known: [String]) throws {
        var values: [String: String] = [:]
        for part in (request.uri.query ?? "").split(separator: "&") {
            let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            // As forms encode it: a plus sign is a space.
            let texts = pair.map { $0.replacing("+", with: " ").removingPercentEncoding }
            guard let name = texts.first ?? nil, let value = texts.count == 2 ? texts[1] : "" else {
                throw Problem(.badRequest, "query", "\(part) is not percent-encoded UTF-8")
            }
            guard values.updateValue(value, forKey: name) == nil else {
                throw Problem(.badRequest, "query", "\(name) is given twice")
            }
        }
        try self.init(values, known: known)
    }

    func text(_ name: String) -> String? { values[name] }

    /// What `parse` makes of a value.
    func value<T>(_ name: String, _ form: String, _ parse: (String) -> T?) throws -> T? {
        guard let text = values[name] else { return nil }
        guard let value = parse(text) else { throw Problem(.badRequest, "query", "\(name): expected \(form)") }
        return value
    }

    func number(_ name: String, in range: ClosedRange<Int64>) throws -> Int64? {
        try value(name, "a number from \(range.lowerBound) to \(range.upperBound)") { text in
            Int64(text).flatMap { range.contains($0) ? $0 : nil }
        }
    }

    /// The most items of a page: 1 to 1,000, and 100 when left out.
    func limit() throws -> Int { Int(try number("limit", in: 1...1_000) ?? 100) }

    /// The names of both cities of a pair, such as `110000,310000`.
    func pair() throws -> RegistryStore.CityPair? {
        try value("pair", "two city codes, such as 110000,310000") { text in
            let codes = text.split(separator: ",", omittingEmptySubsequences: false).map { CityCode(String($0)) }
            guard codes.count == 2, let one = codes[0], let other = codes[1], one != other else { return nil }
            return RegistryStore.CityPair(one, other)
        }
    }

    /// A day in China's time, or a time; milliseconds since 1970.
    func time(_ name: String) throws -> Int64? {
        try value(name, "a day such as 2026-07-01, or a time such as 2026-07-01T08:00:00+08:00") { text in
            // Whoever has not encoded the plus sign of an offset means it all the same.
            CalendarDate(text).map { $0.startInChina } ?? StatedTime(text.replacing(" ", with: "+"))?.rawValue
        }
    }
}

extension RegistryStore.ClaimFilter {
    /// The parameters that claims are looked for by, in the order in which they are told.
    static let parameters = [
        "city_code", "state", "enterprise_uscc", "provider_uscc", "name", "contract_no", "invoice", "voucher_no",
        "rule", "case_id", "pair", "received_from", "received_until", "claimed_min_yuan", "claimed_max_yuan", "as_of",
    ]

    /// - Throws: ``Problem`` that names the parameter and the form that was expected.
    init(_ question: Question) throws {
        self.init()
        city = try question.value("city_code", "six digits", CityCode.init(_:))
        state = try question.value(
            "state", "reserved, refused, held, withdrawn, authorized, paid or reversed", Outcome.Decision.init(name:))
        enterprise = try question.value("enterprise_uscc", "a credit code") {
            try? CreditCode.parse($0).get().code
        }
        provider = try question.value("provider_uscc", "a credit code") { try? CreditCode.parse($0).get().code }
        partyName = try question.value("name", "at least two characters of a name") { $0.count < 2 ? nil : $0 }
        contract = try question.value("contract_no", "a contract number", ContractNumber.init(_:))
        voucherNumber = question.text("voucher_no")
        if let invoice = try question.value("invoice", "an invoice number", { try? InvoiceNumber($0) }) {
            keys = invoice.names.map(Key.invoice)
        }
        rule = question.text("rule")
        caseID = question.text("case_id")
        pair = try question.pair()
        receivedFrom = try question.time("received_from")
        receivedUntil = try question.time("received_until")
        claimedAtLeast = try question.value("claimed_min_yuan", "yuan with two decimals") { Money(yuan: $0) }
        claimedAtMost = try question.value("claimed_max_yuan", "yuan with two decimals") { Money(yuan: $0) }
        asOf = try question.number("as_of", in: 0...Int64.max)
    }
}

extension RegistryStore.DuplicateFilter {
    static let parameters = ["rule", "pair", "as_of"]

    /// - Throws: ``Problem`` that names the parameter and the form that was expected.
    init(_ question: Question) throws {
        self.init()
        rule = question.text("rule")
        pair = try question.pair()
        asOf = try question.number("as_of", in: 0...Int64.max)
    }
}
