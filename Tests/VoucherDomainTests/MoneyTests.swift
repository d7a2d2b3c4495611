import Replication
import TestSupport
import Testing

@testable import VoucherDomain

@Suite("Money")
struct MoneyTests {
    @Test(
        "yuan with exactly two decimals are read as fen and written back",
        arguments: [
            ("0.00", 0), ("0.01", 1), ("0.10", 10), ("1.00", 100), ("52443.40", 5_244_340),
            ("9999999999.99", 999_999_999_999), ("10000000000.00", 1_000_000_000_000),
        ])
    func readAndWritten(text: String, fen: Int64) {
        #expect(Money(yuan: text) == Money(rawValue: fen))
        #expect(Money(rawValue: fen).yuan == text)
    }

    @Test(
        "another form, or more than a field may state, is refused",
        arguments: [
            "12.345", "12.3", "12", "12.", ".12", "-1.00", "+1.00", "1,000.00", "1，000.00", "99999999999999.00",
            "10000000000.01", "9223372036854775807.00", "1e3.00", "0x1.00", "１２.００", "12．00", "12.0０", "¥12.00",
            "12.00元", " 12.00", "12.00 ", "1 2.00", "12.00\n", "12,00", "1.2.00", "..00", "", "0", "NaN.00",
            "12.0\u{0}", "-0.00", "٣.٠٠", "00000000000000001.00",
        ])
    func refused(text: String) {
        #expect(Money(yuan: text) == nil)
    }

    @Test("negative amounts are written with a sign")
    func negative() {
        #expect(Money(rawValue: -1).yuan == "-0.01")
        #expect(Money(rawValue: -12_345).yuan == "-123.45")
        #expect(Money(rawValue: .min).yuan == "-92233720368547758.08")
    }

    @Test("every amount that may be stated reads back from what is written", arguments: 0..<20)
    func roundTrip(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let amounts = (0..<200).map { _ in Money(rawValue: random.number(in: 0...Money.maximum.rawValue)) }

        #expect(amounts.map { Money(yuan: $0.yuan) } == amounts)
    }

    @Test("a sum that does not fit is no sum")
    func sums() {
        let most = Money(rawValue: .max)

        #expect(Money(rawValue: 1).adding(Money(rawValue: 2)) == Money(rawValue: 3))
        #expect(most.adding(.zero) == most)
        #expect(most.adding(Money(rawValue: 1)) == nil)
        #expect(Money(rawValue: .min).adding(Money(rawValue: -1)) == nil)
        #expect([Money]().total == .zero)
        #expect([Money(rawValue: 5), Money(rawValue: 7)].total == Money(rawValue: 12))
        #expect([most, Money(rawValue: 1)].total == nil)
    }

    private static let shares: [(fen: Int64, numerator: Int64, denominator: Int64, share: Int64)] = [
        (100, 1, 3, 33), (-100, 1, 3, -33), (0, 7, 9, 0), (98_653_800, 1_005, 1_000, 99_147_069),
        (.max, .max, .max, .max),
        (1_000_000_000_000, 999_999_999_999, 1_000_000_000_000, 999_999_999_999),
    ]

    @Test("a share is rounded towards zero, also where the product needs more than 64 bits", arguments: shares)
    func share(fen: Int64, numerator: Int64, denominator: Int64, expected: Int64) {
        #expect(Money(rawValue: fen).scaled(by: numerator, over: denominator) == Money(rawValue: expected))
    }

    private static let splits: [(fen: Int64, weights: [Int64], parts: [Int64])] = [
        (100, [1, 1, 1], [34, 33, 33]),
        (101, [1, 1, 1], [34, 34, 33]),
        (1, [1, 1], [1, 0]),
        (0, [3, 4], [0, 0]),
        (100, [3, 1], [75, 25]),
        (7, [10], [7]),
        (5, [0, 0], [0, 0]),
        (5, [], []),
    ]

    @Test("an amount is split in proportion, the fen left over going to the first parts", arguments: splits)
    func apportioned(fen: Int64, weights: [Int64], expected: [Int64]) {
        let parts = weights.map(Money.init(rawValue:)).apportioning(Money(rawValue: fen))

        #expect(parts.map(\.rawValue) == expected)
    }

    @Test("the parts of an amount add up to it, each within one fen of its share", arguments: 0..<100)
    func apportionedExactly(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let bound = Money.maximum.rawValue
        let weights = (0..<random.number(in: 1...200)).map { _ in Money(rawValue: random.number(in: 1...bound)) }
        let amount = Money(rawValue: random.number(in: 0...bound))

        let parts = weights.apportioning(amount)

        #expect(parts.total == amount)
        #expect(parts.count == weights.count)
        let whole = weights.reduce(0) { $0 + $1.rawValue }
        let differences = zip(parts, weights).map { part, weight in
            part.rawValue - amount.scaled(by: weight.rawValue, over: whole).rawValue
        }
        #expect(differences.allSatisfy { (0...1).contains($0) })
    }

    @Test("amounts are ordered by size")
    func order() {
        let fen: [Int64] = [3, -1, 0, 2]

        #expect(fen.map(Money.init(rawValue:)).sorted() == fen.sorted().map(Money.init(rawValue:)))
    }
}
