import Foundation
import Simulation
import Testing

@testable import Laboratory

/// That each check of what clients saw passes a sound history, and finds one that is broken in its own way.
@Suite("Checks of what clients saw")
struct ClientCheckTests {
    private static let first = content("110000", "A-1", "24110000000000000001")
    private static let second = content("310000", "B-1", "24110000000000000001")

    private static func content(_ city: String, _ number: String, _ invoice: String) -> ClaimContent {
        ClaimContent(
            city_code: city, claim_no: number, enterprise_uscc: "91110000600037341L",
            provider_uscc: "9144030071526726XG", contract_no: "HT-1", invoices: [invoice], claimed_yuan: "3.00")
    }

    private static func shown(
        _ content: ClaimContent, _ state: String, at position: UInt64?, receipt: String? = "r",
        blockedBy blocker: ClaimContent? = nil, reference: String? = nil
    ) -> ShownClaim {
        let blocking = blocker.map { [ShownClaim.Blocker(city_code: $0.city_code, claim_no: $0.claim_no)] }
        return ShownClaim(
            city_code: content.city_code, claim_no: content.claim_no, enterprise_uscc: content.enterprise_uscc,
            provider_uscc: content.provider_uscc, contract_no: content.contract_no,
            invoices: content.invoices.map { .init(number: $0) }, claimed_yuan: content.claimed_yuan, state: state,
            reasons: blocking.map { [.init(rule: "invoice-once", outcome: "block", blocking: $0)] } ?? [],
            receipt: receipt.map { .init(id: $0) }, position: position.map { .init(position: $0) },
            payment: reference.map { .init(stage: "paid", reference: $0, amount_yuan: "3.00") })
    }

    /// One invoice in two cities; the first claim is paid.
    private static var sound: [ClientHistory.Observation] {
        let paid = shown(first, "paid", at: 7, reference: "ref-1")
        let refused = shown(second, "refused", at: 8, blockedBy: first)
        return [
            .began(fault: "a fault"), .asked(claim: first), .recorded(claim: first), .asked(claim: second),
            .asked(claim: second), .recorded(claim: second),
            .shown(by: "110000", claims: [shown(first, "reserved", at: 7)]),
            .paid(claim: first.name, reference: "ref-1", amount_yuan: "3.00"),
            .paid(claim: first.name, reference: "ref-1", amount_yuan: "3.00"), .ended(fault: "a fault", occurred: true),
            .standing(city: "110000", unsent: 0, undecided: 0), .shown(by: "110000", claims: [paid]),
            .shown(by: "310000", claims: [refused]), .shown(by: "registry", claims: [paid, refused]),
            .audited(what: "audit verify", agrees: true, said: "all agree"),
        ]
    }

    private static func found(_ observations: [ClientHistory.Observation]) -> Set<String> {
        var history = ClientHistory()
        for observation in observations { history.add(observation) }
        return Set(ClientCheck.violations(in: history).map(\.invariant))
    }

    @Test("a sound history has nothing to find")
    func soundHistory() {
        #expect(Self.found(Self.sound) == [])
    }

    @Test("a history comes back from its lines as it was")
    func lines() throws {
        var history = ClientHistory()
        for observation in Self.sound { history.add(observation) }

        let read = try ClientHistory(lines: try history.lines)

        #expect(read.observations == history.observations)
    }

    /// Sound but for one observation at the end, which belongs to the invariant that it breaks.
    private static let breaches: [(invariant: String, observations: [ClientHistory.Observation])] = [
        (
            "I1",
            both(shown(first, "paid", at: 7, reference: "ref-1"), shown(second, "reserved", at: 8))
        ),
        ("I2", [.paid(claim: first.name, reference: "ref-2", amount_yuan: "3.00")]),
        ("I2", [.paid(claim: first.name, reference: "ref-1", amount_yuan: "4.00")]),
        ("I2", [.paid(claim: second.name, reference: "ref-3", amount_yuan: "3.00")]),
        ("I3", [.shown(by: "110000", claims: [shown(first, "paid", at: 9, reference: "ref-1")])]),
        ("I3", [.shown(by: "310000", claims: [shown(second, "reserved", at: 8)])]),
        ("I4", [.recorded(claim: content("330100", "C-1", "24110000000000000002"))]),
        ("I4", [.recorded(claim: content("110000", "A-1", "24110000000000000002"))]),
        ("I4", [.turnedDown(claim: first, status: 422, detail: "no")]),
        ("I4", [.shown(by: "310000", claims: [shown(second, "refused", at: 8, receipt: "other", blockedBy: first)])]),
        ("I17", [.standing(city: "310000", unsent: 0, undecided: 1)]),
        ("I17", [.standing(city: "310000", unsent: nil, undecided: nil)]),
        ("I18", [.asked(claim: content("330100", "C-1", "24110000000000000002"))]),
        ("I18", [.shown(by: "310000", claims: [])]),
        (
            "I18",
            [
                .shown(
                    by: "310000",
                    claims: Array(repeating: shown(second, "refused", at: 8, blockedBy: first), count: 2))
            ]
        ),
        (
            "I19",
            both(
                shown(first, "paid", at: 7, reference: "ref-1"), shown(second, "refused", at: 8, blockedBy: second))
        ),
        ("audit", [.audited(what: "audit recompute", agrees: false, said: "position 8 differs")]),
        ("I24", [.ended(fault: "a fault", occurred: false)]),
    ]

    /// Both sides show these two.
    private static func both(_ one: ShownClaim, _ other: ShownClaim) -> [ClientHistory.Observation] {
        [
            .shown(by: "110000", claims: [one]), .shown(by: "310000", claims: [other]),
            .shown(by: "registry", claims: [one, other]),
        ]
    }

    @Test("each check finds its breach", arguments: breaches.indices)
    func breach(index: Int) {
        let (invariant, observations) = Self.breaches[index]

        #expect(Self.found(Self.sound + observations).contains(invariant))
    }
}
