import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("D22: a price per card-hour above nearly all others")
struct PriceOutlierTests {
    private static let rule = Rule.detector("price-outlier", "D22", .flag) { $0.leastPeers = 10 }

    private static let flagged = Verdict(
        .reserved,
        [
            .detected(
                "price-outlier", .priceOutlier, as: .flag, [.differs(.invoiceAmount), .differs(.cardHours)])
        ])

    /// A claim at that price for ten card-hours, on the one contract of all these claims.
    private func claim(
        _ number: String, _ serial: Int, fenPerHour: Int64, resource: String = "H20", hours: Int64? = 10
    ) -> Claim {
        .sample(
            number, contract: "HT-1", resource: resource, hours: hours,
            invoices: [.serial(serial, Money(rawValue: fenPerHour * 10))])
    }

    /// A journal with that many peers at ten yuan an hour.
    private func journal(peers: Int, rule: Rule = rule, resource: String = "H20") -> Journal {
        var journal = Journal(detecting: rule)
        for serial in 0..<peers {
            journal.file(claim("P\(serial)", serial, fenPerHour: 1_000, resource: resource), in: .hangzhou)
        }
        return journal
    }

    @Test("a price above what 99 of 100 peers paid is flagged and stays reserved")
    func above() {
        var journal = journal(peers: 10)

        #expect(journal.file(claim("A", 900, fenPerHour: 2_000), in: .hangzhou).verdict == Self.flagged)
    }

    @Test(
        "a price within the peers' class of about three per cent, or below, is in order",
        arguments: [(Int64(1_000), false), (1_007, false), (1_008, true), (500, false), (992, false)])
    func boundary(fenPerHour: Int64, isFlagged: Bool) {
        var journal = journal(peers: 10)

        let outcome = journal.file(claim("A", 900, fenPerHour: fenPerHour), in: .hangzhou)

        #expect(outcome.verdict == (isFlagged ? Self.flagged : Verdict(.reserved)))
    }

    @Test("the price is that of all invoices together over the card-hours")
    func allInvoices() {
        var journal = journal(peers: 10)
        let invoices: [Claim.Invoice] = [.serial(900), .serial(901), .serial(902)]

        let outcomes = [
            journal.file(
                .sample("A", contract: "HT-1", resource: "H20", hours: 30, invoices: invoices), in: .hangzhou),
            journal.file(
                .sample("B", contract: "HT-1", resource: "H20", hours: 29, invoices: [.serial(903, .yuan(300))]),
                in: .hangzhou),
        ]

        #expect(outcomes.map(\.verdict) == [Verdict(.reserved), Self.flagged])
    }

    @Test("one in a hundred may have paid more, two may not", arguments: [(1, true), (2, false)])
    func percentile(dear: Int, isFlagged: Bool) {
        var journal = journal(
            peers: 100 - dear, rule: .detector("price-outlier", "D22", .flag) { $0.leastPeers = 100 })
        for serial in 0..<dear {
            journal.file(claim("D\(serial)", 500 + serial, fenPerHour: 5_000), in: .hangzhou)
        }

        let outcome = journal.file(claim("A", 900, fenPerHour: 2_000), in: .hangzhou)

        #expect(outcome.verdict == (isFlagged ? Self.flagged : Verdict(.reserved)))
    }

    @Test("the percentile is the policy's")
    func otherPercentile() {
        let rule = Rule.detector("price-outlier", "D22", .flag) {
            $0.leastPeers = 10
            $0.percentile = 50
        }
        var journal = journal(peers: 5, rule: rule)
        for serial in 0..<5 { journal.file(claim("D\(serial)", 500 + serial, fenPerHour: 5_000), in: .hangzhou) }

        #expect(journal.file(claim("A", 900, fenPerHour: 2_000), in: .hangzhou).verdict == Self.flagged)
    }

    @Test("silent until enough peers are known: 1,000 where the policy does not say")
    func tooFewPeers() {
        var nine = journal(peers: 9)
        var some = journal(peers: 50, rule: .detector("price-outlier", "D22", .flag))

        let outcomes = [
            nine.file(claim("A", 900, fenPerHour: 90_000), in: .hangzhou),
            some.file(claim("A", 900, fenPerHour: 90_000), in: .hangzhou),
        ]

        #expect(outcomes.map(\.verdict) == [Verdict(.reserved), Verdict(.reserved)])
    }

    @Test("peers are those of the same resource class")
    func otherResource() {
        var journal = journal(peers: 10, resource: "910B")

        #expect(journal.file(claim("A", 900, fenPerHour: 2_000), in: .hangzhou).verdict == Verdict(.reserved))
    }

    @Test("a claim that does not say what was bought has no price and is nobody's peer")
    func notDescribed() {
        var journal = journal(peers: 9)
        let outcomes = [
            journal.file(claim("A", 900, fenPerHour: 90_000, hours: nil), in: .hangzhou),
            journal.file(claim("B", 901, fenPerHour: 90_000, hours: 0), in: .hangzhou),
            journal.file(claim("C", 902, fenPerHour: 90_000, resource: ""), in: .hangzhou),
            journal.file(claim("D", 903, fenPerHour: 90_000), in: .hangzhou),
        ]

        #expect(outcomes.map(\.verdict) == [Verdict](repeating: Verdict(.reserved), count: 4))
    }

    @Test("refused claims are no peers")
    func refused() {
        var journal = journal(peers: 9)
        for serial in 0..<5 {
            journal.file(
                .sample(
                    "R\(serial)", voucher: "V9", contract: "HT-1", resource: "H20", hours: 10,
                    invoices: [.serial(500 + serial)]),
                in: .hangzhou)
        }

        #expect(journal.file(claim("A", 900, fenPerHour: 2_000), in: .hangzhou).verdict == Verdict(.reserved))
    }

    @Test("withdrawn claims are no peers: nobody raises the price by filing and withdrawing")
    func withdrawn() {
        var journal = journal(peers: 10)
        for serial in 0..<10 {
            journal.file(claim("D\(serial)", 500 + serial, fenPerHour: 5_000), in: .hangzhou)
            journal.withdraw("D\(serial)", in: .hangzhou)
        }
        #expect(journal.file(claim("A", 900, fenPerHour: 2_000), in: .hangzhou).verdict == Self.flagged)

        var few = self.journal(peers: 10)
        few.withdraw("P0", in: .hangzhou)
        #expect(few.file(claim("A", 900, fenPerHour: 2_000), in: .hangzhou).verdict == Verdict(.reserved))
    }

    @Test("numbers that make no sense are named")
    func fault() {
        func fault(_ percentile: Int64?, _ peers: Int64?) -> String? {
            Rule.detector("price-outlier", "D22", .flag) {
                $0.percentile = percentile
                $0.leastPeers = peers
            }.fault
        }

        #expect(Self.rule.fault == nil)
        #expect(fault(nil, nil) == nil)
        #expect(fault(50, 1) == nil)
        #expect(fault(100, 1) == nil)
        #expect(fault(49, 1) == "percentile is 50 to 100")
        #expect(fault(101, 1) == "percentile is 50 to 100")
        #expect(fault(99, 0) == "least_peers is above zero")
    }
}

@Suite("Price classes")
struct PriceHistogramTests {
    @Test("classes rise with the price and are at most one thirty-second wide")
    func classes() {
        for price in [Int64(1), 31, 32, 33, 63, 64, 1_000, 1_008, 99_999, 1_000_000_000_000] {
            let own = PriceHistogram.priceClass(price)

            #expect(PriceHistogram.priceClass(price - 1) <= own)
            #expect(PriceHistogram.priceClass(price + price / 32 + 1) > own)
        }
    }

    @Test("the percentile is the first class up to which enough claims lie")
    func percentile() {
        let prices = PriceHistogram([10: 50, 20: 49, 30: 1])

        #expect([50, 51, 99, 100].map(prices.percentile) == [10, 20, 20, 30])
        #expect(prices.count == 100)
        #expect(PriceHistogram().percentile(99) == nil)
    }
}
