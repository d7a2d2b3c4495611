import GRDB
import VoucherDomain

extension CityStore {
    /// Which claims are looked for, and which of them come first.
    package struct ClaimFilter: Hashable, Sendable {
        /// Only claims in this state; `nil` for all.
        package var state: String?
        /// Only claims that have this in their number, or in the number of their voucher, contract or an invoice, or in
        /// their enterprise's name or credit code; `nil` for all. Width and case make no difference.
        ///
        /// A text that is a claim's number finds that claim alone, at once; any other is looked for claim by claim,
        /// until the page is full.
        package var text: String?
        /// Only claims on the voucher with this very number; `nil` for all. They are looked for claim by claim.
        package var voucherNumber: String?
        /// By default they come as they were filed.
        package var isNewestFirst: Bool

        package init(
            state: String? = nil, text: String? = nil, voucherNumber: String? = nil, isNewestFirst: Bool = false
        ) {
            self.state = state
            self.text = text
            self.voucherNumber = voucherNumber
            self.isNewestFirst = isNewestFirst
        }
    }

    /// What ``ClaimFilter/text`` is looked for in.
    ///
    /// - Parameter fields: The claim's, by column.
    static func searchText(_ number: String, _ fields: [String: String]) -> String {
        let columns = ["voucher_no", "contract_no", "invoice_numbers", "enterprise_name", "enterprise_uscc"]
        let texts = [number] + columns.map { fields[$0] ?? "" }
        // SQLite would keep it up to a zero byte.
        let bytes = Normaliser.folded(texts.joined(separator: "\n")).utf8.filter { $0 != 0 }
        return String(decoding: bytes, as: UTF8.self)
    }
}

extension CityStore.ClaimFilter {
    /// What ``CityStore/claimQuery(_:)`` asks for a page of it; `nil` where there is nothing to find.
    ///
    /// - Parameter last: The last claim of the page before; 0 for the first page.
    func condition(
        after last: Int64, limit: Int, _ database: Database
    ) throws -> (sql: String, arguments: StatementArguments)? {
        let bound = isNewestFirst && last == 0 ? .max : last
        var conditions = [isNewestFirst ? "v.id < ?" : "v.id > ?"]
        var arguments: StatementArguments = [bound]
        if let state {
            conditions.append("v.state = ?")
            arguments += [state]
        }
        let typed = Normaliser.trimmed(text ?? "")
        // SQLite would look for what stands before a zero byte, and find more.
        guard !typed.utf8.contains(0), !(voucherNumber ?? "").utf8.contains(0) else { return nil }
        if let voucherNumber {
            conditions.append("v.voucher_no = ?")
            arguments += [voucherNumber]
        }
        if !typed.isEmpty {
            let folded = Normaliser.folded(typed)
            if try CityStore.isNumber(typed, folded, database) {
                // By their ids, or SQLite would read all claims in the order of the page.
                conditions.append("v.id IN (SELECT id FROM claim WHERE claim_no IN (?, ?))")
                arguments += [typed, folded]
            } else {
                conditions.append("instr(c.search_text, ?) > 0")
                arguments += [folded]
            }
        }
        let order = isNewestFirst ? "v.id DESC" : "v.id"
        return ("\(conditions.joined(separator: " AND ")) ORDER BY \(order) LIMIT ?", arguments + [limit])
    }
}

extension CityStore {
    /// Whether a claim has one of these numbers.
    fileprivate static func isNumber(_ typed: String, _ folded: String, _ database: Database) throws -> Bool {
        try Bool.fetchOne(
            database.cachedStatement(sql: "SELECT EXISTS (SELECT 1 FROM claim WHERE claim_no IN (?, ?))"),
            arguments: [typed, folded]) ?? false
    }
}
