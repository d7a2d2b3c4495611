import Arbitration
import FederationHTTP
import FederationWire
import Foundation
import RegistryStore
import VoucherDomain

extension Question {
    /// The names of both cities of a pair, such as `110000,310000`.
    func pair() throws -> RegistryStore.CityPair? {
        try value("pair", "two city codes, such as 110000,310000") { text in
            let codes = text.split(separator: ",", omittingEmptySubsequences: false).map { CityCode(String($0)) }
            guard codes.count == 2, let one = codes[0], let other = codes[1], one != other else { return nil }
            return RegistryStore.CityPair(one, other)
        }
    }

    /// How far in the feed a database must have come for a page of a list: as far as the one that answered the page before it,
    /// or else what was decided in between would be skipped. `seen` says how far that was.
    ///
    /// Without it a settled list, which only grows at its end, goes on wherever its place is known; any other one at the primary.
    ///
    /// - Parameter place: The position that the page goes on from, in a list by positions.
    /// - Throws: ``Problem`` when `seen` is no position.
    func reach(behind place: Int64? = nil, isSettled: Bool) throws -> Int64 {
        let seen = try number("seen", in: 0...Int64.max)
        guard text("after") != nil else { return seen ?? 0 }
        return max(place ?? 0, seen ?? (isSettled ? 0 : .max))
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
