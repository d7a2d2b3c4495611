import Arbitration
import Replication
import Testing
import VoucherDomain

@testable import FederationWire

@Suite("Reason coding")
struct ReasonCodingTests {
    static let findings: [Reason.Finding] =
        KeyKind.allCases.map(Reason.Finding.held) + [
            .overCapacity(
                .voucher, used: Money(rawValue: 1), adding: Money(rawValue: 2), capacity: Money(rawValue: .max)),
            .capacityDiffers(.invoice, stated: .zero, standing: Money(rawValue: .min)),
            .overlapping(.service), .outsideVoucher(.validity), .outsideProgramme(.validity), .unknownVoucher,
            .otherEnterprise, .voucherReused, .faultyEntry(""), .faultyEntry("编号重复 / repeated"),
            .payment("未发放 / it is not released"), .overRate(claimed: Money(rawValue: 2), limit: Money(rawValue: 1)),
            .invoiceReversed(reversed: Money(rawValue: 5), uncovered: Money(rawValue: .max)),
        ]
        + Detection.allCases.map { .detected($0, [.init(.invoice, .near), .init(.headOffice, .same)]) }
        + [.detected(.priceOutlier, []), .detected(.wrongName, FieldMatch.Field.allCases.map { .init($0, .differs) })]

    private func detail(_ reasons: [Reason]) -> OutcomeDetail {
        OutcomeDetail(claimNumber: "SZ-2026-000123", caseID: "K7M2P-Q", reasons: reasons)
    }

    @Test("every finding comes back under every outcome", arguments: findings, Rule.Outcome.allCases)
    func roundTrip(finding: Reason.Finding, outcome: Rule.Outcome) throws {
        let blocking = [ClaimName(city: .beijing, number: "BJ/1"), ClaimName(city: .shenzhen, number: "深-2")]
        let detail = detail([
            Reason(rule: "invoice-once", outcome: outcome, finding: finding, blocking: blocking),
            Reason(rule: "", outcome: outcome, finding: finding),
        ])

        #expect(try ReasonCoding.decode(ReasonCoding.encode(detail)) == detail)
    }

    @Test("the canonical key of a reason stays inside the registry")
    func keyDoesNotTravel() throws {
        let key = Key.bankReceipt("BR20260501001")
        let bytes = ReasonCoding.encode(
            detail([Reason(rule: "evidence-once", outcome: .hold, finding: .held(.bankReceipt), key: key)]))

        let expected = detail([Reason(rule: "evidence-once", outcome: .hold, finding: .held(.bankReceipt))])
        #expect(try ReasonCoding.decode(bytes) == expected)
        #expect(!String(decoding: bytes, as: UTF8.self).contains("BR20260501001"))
    }

    @Test("no reasons are no bytes, and some reasons come back from a list alone")
    func listAlone() throws {
        let reasons = [Reason(rule: "stack-cap", outcome: .block, finding: .unknownVoucher)]

        #expect(ReasonCoding.encode([Reason]()) == [])
        #expect(try ReasonCoding.decode(ReasonCoding.encode(reasons)).reasons == reasons)
        #expect(try ReasonCoding.decode([]).reasons == [])
    }

    @Test("a reason that this version does not know, or with broken numbers, is refused")
    func faults() {
        let changes: [(String, (inout WireReason) -> Void)] = [
            ("an unknown outcome", { $0.outcome = 0 }), ("an unknown outcome", { $0.outcome = 4 }),
            ("an unknown outcome", { $0.outcome = .max }),
            ("finding 15 is not known: this node needs an update", { $0.finding = 15 }),
            ("a detection that is not known: this node needs an update", { $0.finding = 11 }),
            ("finding 0 is not known: this node needs an update", { $0.finding = 0 }),
            ("an unknown key kind", { $0.keyKind = 9 }), ("an unknown key kind", { $0.keyKind = 257 }),
            ("a reason with 2 numbers, 3 expected", { $0.numbers.removeLast() }),
            ("a reason with a broken interval", { ($0.finding, $0.numbers) = (4, [2, 1]) }),
            ("a reason with a broken interval", { ($0.finding, $0.numbers) = (5, [1]) }),
            ("a reason with a broken interval", { ($0.finding, $0.numbers) = (6, [1, 1 << 40]) }),
            ("1000000 is no city code", { $0.blocking[0].city = 1_000_000 }),
        ]
        let reason = Reason(
            rule: "voucher-balance", outcome: .block,
            finding: .overCapacity(.voucher, used: .zero, adding: .zero, capacity: .zero),
            blocking: [ClaimName(city: .beijing, number: "1")])
        for (message, change) in changes {
            guard var wire = try? WireOutcomeDetail(decoding: ReasonCoding.encode([reason])) else { continue }
            change(&wire.reasons[0])
            #expect(throws: WireFault(message)) { try ReasonCoding.decode(wire.bytes) }
        }
    }

    @Test("a detail damaged at random is refused or read, never a trap")
    func damaged() {
        let bytes = ReasonCoding.encode(
            detail(ReasonCodingTests.findings.map { Reason(rule: "r", outcome: .flag, finding: $0) }))
        var generator = SeededGenerator(seed: 6)
        var refused = 0
        for _ in 0..<2_000 where (try? ReasonCoding.decode(bytes.damaged(&generator))) == nil { refused += 1 }

        #expect(refused > 0)
    }
}
