import VoucherDomain

extension Ledger {
    /// Where this ledger, which a database keeps, differs from the one that the journal gives; in words for an auditor.
    package func differences(from journal: Ledger, atMost limit: Int) -> [String] {
        var found: [String] = []
        for name in Set(claims.keys).union(journal.claims.keys).sorted() where claims[name] != journal.claims[name] {
            found.append(
                "claim \(name): the table says \(Ledger.text(claims[name])), the journal \(Ledger.text(journal.claims[name]))"
            )
        }
        for key in Set(vouchers.keys).union(journal.vouchers.keys).sorted() where vouchers[key] != journal.vouchers[key]
        {
            found.append("voucher \(key.readable): the table does not say what the journal says")
        }
        for key in Set(occupancies.keys).union(journal.occupancies.keys).sorted() {
            let (kept, due) = (Ledger.ordered(occupancies[key]), Ledger.ordered(journal.occupancies[key]))
            guard kept != due else { continue }
            let holders = [kept, due].map { $0.map(\.claim.description).joined(separator: ", ") }
            found.append(
                holders[0] == holders[1]
                    ? "key \(key.readable): the table has other amounts, dates or holders than the journal"
                    : "key \(key.readable): held by [\(holders[0])] in the table, by [\(holders[1])] in the journal")
        }
        return Array((found + surroundingDifferences(from: journal)).prefix(limit))
    }

    /// Differences in what detectors look at.
    private func surroundingDifferences(from journal: Ledger) -> [String] {
        var found: [String] = []
        var strays: Set<Int64> = []
        for trace in Set(traces.keys).union(journal.traces.keys) {
            strays.formUnion(Set(traces[trace] ?? []).symmetricDifference(journal.traces[trace] ?? []))
        }
        found += strays.sorted().map { "claim at position \($0): the table has other traces than the journal" }
        for id in Set(cases.keys).union(journal.cases.keys).sorted() where cases[id] != journal.cases[id] {
            found.append("case \(id): the table does not say what the journal says")
        }
        for name in Set(prices.keys).union(journal.prices.keys).sorted() where prices[name] != journal.prices[name] {
            found.append("prices of \(name): the table does not say what the journal says")
        }
        found += paymentDifferences(from: journal)
        let (own, other) = (register, journal.register)
        for code in Set(own.companies.keys).union(other.companies.keys).sorted()
        where own.companies[code] != other.companies[code] {
            found.append("company \(code): the table does not say what the journal says")
        }
        for code in Set(own.providers.keys).union(other.providers.keys).sorted()
        where own.providers[code] != other.providers[code] {
            found.append("provider \(code): the table does not say what the journal says")
        }
        return found
    }

    /// Differences in what payments wait for and where they stand.
    private func paymentDifferences(from journal: Ledger) -> [String] {
        var found: [String] = []
        let positions = Set(payments.all.map(\.position)).union(journal.payments.all.map(\.position))
        for position in positions.sorted() where payments[position] != journal.payments[position] {
            let payment = journal.payments[position] ?? payments[position]
            found.append("payment of \(payment?.claim.description ?? ""): the table does not say what the journal says")
        }
        for city in Set(members.cities.keys).union(journal.members.cities.keys).sorted()
        where members[city] != journal.members[city] {
            found.append("member \(city): the table does not say what the journal says")
        }
        if (policy, scheduled) != (journal.policy, journal.scheduled) {
            found.append("policies: the table does not say what the journal says")
        }
        if clock != journal.clock { found.append("ticks: the table does not say what the journal says") }
        for key in Set(redLetters.keys).union(journal.redLetters.keys).sorted()
        where redLetters[key] != journal.redLetters[key] {
            found.append("red letters on \(key.readable): the table does not say what the journal says")
        }
        return found
    }

    private static func text(_ record: ClaimRecord?) -> String {
        record.map { "\($0.state) at \($0.position)" } ?? "nothing"
    }

    private static func ordered(_ occupancy: Occupancy?) -> [Holding] {
        (occupancy?.holdings ?? []).sorted {
            $0.position == $1.position ? $0.item.lexicographicallyPrecedes($1.item) : $0.position < $1.position
        }
    }
}
