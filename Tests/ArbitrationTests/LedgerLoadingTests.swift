import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

extension Ledger {
    /// A ledger that holds what a batch needs and nothing else, loaded key by key in ascending order.
    func holdingOnly(_ needs: Needs) -> Ledger {
        var wanted: [Key: [Holding]] = [:]
        for key in needs.keys { wanted[key] = occupancies[key]?.holdings ?? [] }
        for name in needs.touchedClaims {
            guard let record = claims[name] else { continue }
            for holding in holdings(ofClaimAt: record.position) where !needs.keys.contains(holding.key) {
                wanted[holding.key, default: []].append(holding)
            }
        }
        var ledger = Ledger(policy: policy)
        for conflict in cases.values where needs.asks(for: conflict) {
            ledger.insert(conflict)
            for name in conflict.parties.map(\.claim) {
                if let record = claims[name] { ledger.insert(record, for: name) }
            }
        }
        for key in wanted.keys.sorted() {
            for holding in wanted[key] ?? [] { ledger.insert(holding) }
        }
        var loaded = Set(wanted.keys)
        while case let missing = ledger.missingLinks(of: loaded), !missing.isEmpty {
            loaded.formUnion(missing)
            for holding in missing.sorted().flatMap({ occupancies[$0]?.holdings ?? [] }) { ledger.insert(holding) }
        }
        for name in needs.claims {
            if let record = claims[name] { ledger.insert(record, for: name) }
        }
        for key in needs.vouchers {
            if let record = vouchers[key] { ledger.insert(record, under: key) }
        }
        return ledger
    }
}

extension Needs {
    fileprivate func asks(for conflict: ConflictCase) -> Bool {
        cases.contains(conflict.id) || conflict.parties.contains { touchedClaims.contains($0.claim) }
            || (dueBefore.map { conflict.untold != nil || conflict.state == .open && conflict.deadline < $0 } ?? false)
    }
}

@Suite("Loading a ledger")
struct LedgerLoadingTests {
    /// An order in which a store might deliver holdings.
    enum Order: CaseIterable, Sendable { case asTaken, descendingKeys, byKeyAndItem, byItem }

    private static func sorted(_ holdings: [Holding], in order: Order) -> [Holding] {
        switch order {
        case .asTaken: holdings
        case .descendingKeys: Dictionary(grouping: holdings, by: \.key).sorted { $0.key > $1.key }.flatMap(\.value)
        case .byKeyAndItem:
            holdings.sorted {
                $0.key == $1.key ? $0.item.lexicographicallyPrecedes($1.item) : $0.key < $1.key
            }
        case .byItem:
            holdings.sorted {
                $0.item == $1.item ? $0.key < $1.key : $0.item.lexicographicallyPrecedes($1.item)
            }
        }
    }

    @Test(
        "a withdrawal gives back the same holdings in key order, in whatever order they were loaded",
        arguments: Order.allCases)
    func loadingOrder(order: Order) {
        var journal = Journal()
        let taken = journal.file(
            .sample("A", contract: "007", resource: "H20", invoices: [.serial(2), .serial(1)], receipt: "B1"),
            in: .hangzhou
        ).taken
        var ledger = Ledger(policy: .sample())
        for holding in Self.sorted(taken, in: order) { ledger.insert(holding) }
        ledger.insert(Ledger.ClaimRecord(position: journal.position, state: .reserved), for: .hangzhou("A"))
        var fold = Fold(ledger: ledger)

        let outcome = fold.apply(
            .sample(position: journal.position + 1, city: .hangzhou, .claimWithdrawn(claimNumber: "A")))

        #expect(outcome == journal.withdraw("A", in: .hangzhou))
    }

    @Test("a batch needs all keys, vouchers and claims that its entries name")
    func needs() {
        let claim = Claim.sample("A", contract: "007", invoices: [.serial(1, .yuan(100), .both)])
        let entries: [JournalEntry.Content] = [
            .claimFiled(claim), .claimWithdrawn(claimNumber: "B"), .voucherIssued(.sample("V7")), .act, .unsupported,
        ]

        let needs = Needs(
            entries.enumerated().map { .sample(position: Int64($0.offset) + 1, city: .hangzhou, $0.element) })

        #expect(needs.keys == Set(claim.keys(in: .hangzhou)))
        #expect(
            needs.vouchers == [.voucher(city: .hangzhou, number: "V1"), .voucher(city: .hangzhou, number: "V7")])
        #expect(needs.claims == [.hangzhou("A"), .hangzhou("B")])
        #expect(needs.touchedClaims == [.hangzhou("B")])
    }
}
