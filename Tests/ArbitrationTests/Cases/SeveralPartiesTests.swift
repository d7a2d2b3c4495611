import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Ruling in cases of several claims, and in several cases")
struct SeveralPartiesTests {
    private static let (claimA, claimB) = (ClaimName.hangzhou("A"), ClaimName.beijing("B"))
    private static let claimC = ClaimName.shenzhen("C")

    /// What becomes of a claim, without what it gives back.
    private struct Fate: Hashable {
        let name: ClaimName
        let state: Outcome.Decision
        let isGrouped: Bool

        init(_ name: ClaimName, _ state: Outcome.Decision, isGrouped: Bool = false) {
            self.name = name
            self.state = state
            self.isGrouped = isGrouped
        }

        init(_ effect: Outcome.Effect) { self.init(effect.name, effect.state, isGrouped: effect.group != nil) }
    }

    // MARK: One case

    @Test("of three claims all may stay, in one group")
    func keepsAll() {
        var journal = CaseJournal()
        let id = journal.contestedByThree()

        let outcome = journal.rule(id, keep: [Self.claimA, Self.claimB, Self.claimC])

        let names = [Self.claimB, Self.claimA, Self.claimC]
        #expect(outcome.effects.map(Fate.init) == names.map { Fate($0, .reserved, isGrouped: true) })
        #expect(Set(outcome.effects.map(\.group)).count == 1)
        #expect(outcome.effects.map(\.position) == names.map { journal.position(of: $0) })
    }

    @Test("of three claims one of the earlier ones may go, and the two others stand together")
    func rulesOutOneEarlier() {
        var journal = CaseJournal()
        let id = journal.contestedByThree()

        let outcome = journal.rule(id, keep: [Self.claimA, Self.claimC], out: [Self.claimB])

        let fates = [
            Fate(Self.claimB, .refused), Fate(Self.claimA, .reserved, isGrouped: true),
            Fate(Self.claimC, .reserved, isGrouped: true),
        ]
        #expect(outcome.effects.map(Fate.init) == fates)
        #expect(outcome.cases.map(\.parties) == [[.live(Self.claimC), .gone(Self.claimB), .live(Self.claimA)]])
        #expect(journal.isShared(.bankReceipt("R1")))
    }

    @Test("of three claims the one that waited may stay alone, in no group")
    func keepsWaitingAlone() {
        var journal = CaseJournal()
        let id = journal.contestedByThree()

        let outcome = journal.rule(id, keep: [Self.claimC], out: [Self.claimA, Self.claimB])

        let fates = [Fate(Self.claimB, .refused), Fate(Self.claimA, .refused), Fate(Self.claimC, .reserved)]
        #expect(outcome.effects.map(Fate.init) == fates)
    }

    @Test("of three claims the one that waited may go: the others stay reserved")
    func rulesOutWaiting() {
        var journal = CaseJournal()
        let id = journal.contestedByThree()

        journal.rule(id, keep: [Self.claimA, Self.claimB], out: [Self.claimC])

        let states = [Self.claimA, Self.claimB, Self.claimC].map(journal.state)
        #expect(states == [.reserved, .reserved, .refused])
    }

    @Test("a claim that is kept beside one that is gone has nobody to share with, and joins no group")
    func keptBesideOneGone() {
        var journal = CaseJournal()
        let id = journal.contested()
        journal.rule(id, keep: [.shenzhen("B")], out: [.hangzhou("A")])
        journal.reopen(id)

        let outcome = journal.rule(id, keep: [.shenzhen("B"), .hangzhou("A")])

        #expect(outcome.decision == .noted)
        #expect(outcome.effects == [])
        #expect(journal.state(of: .hangzhou("A")) == .refused)
    }

    // MARK: Several cases

    @Test("a claim that waits for a case of its own goes on waiting when another case lets it stay")
    func waitsForItsOwnCase() {
        var journal = CaseJournal()
        let (first, second) = journal.contestedTwice()

        let outcome = journal.rule(second, keep: [.hangzhou("A"), .shenzhen("B"), .beijing("C")])

        let fates = [
            Fate(.beijing("C"), .reserved, isGrouped: true), Fate(.hangzhou("A"), .reserved, isGrouped: true),
            Fate(.shenzhen("B"), .held, isGrouped: true),
        ]
        #expect(outcome.effects.map(Fate.init) == fates)
        #expect(journal[first]?.state == .open)
        #expect(journal.state(of: .shenzhen("B")) == .held)
    }

    @Test("a claim that is ruled out in one case leaves the others, which stay open while two claims are left")
    func leavesOtherCase() throws {
        var journal = CaseJournal()
        let (first, second) = journal.contestedTwice()
        let other = try #require(journal[second])

        let outcome = journal.rule(first, keep: [.shenzhen("B")], out: [.hangzhou("A")])

        let left = other.with(parties: [.live(.beijing("C")), .gone(.hangzhou("A")), .live(.shenzhen("B"))])
        #expect(outcome.cases.map(\.id) == [first, second])
        #expect(outcome.cases.last == left)
        #expect(outcome.events.map(\.kind) == [.ruled, .left])
        #expect(journal.state(of: .beijing("C")) == .held)
    }

    @Test("a case whose waiting claim is ruled out elsewhere is settled")
    func settlesCaseOfClaimRuledOut() throws {
        var journal = CaseJournal()
        let (first, second) = journal.contestedTwice()
        let other = try #require(journal[first])

        let outcome = journal.rule(second, keep: [.beijing("C"), .hangzhou("A")], out: [.shenzhen("B")])

        let settled = other.with(parties: [.gone(.shenzhen("B")), .live(.hangzhou("A"))], state: .closed)
        #expect(outcome.cases.map(\.id) == [second, first])
        #expect(outcome.cases.last == settled)
        #expect(outcome.events.map(\.kind) == [.ruled, .settled])
        #expect(outcome.events.last == CaseEvent(.settled, settled))
    }

    @Test("a claim that is left alone in its own case by a ruling elsewhere is reserved")
    func settlesCaseOfClaimLeftAlone() throws {
        var journal = CaseJournal()
        let (first, second) = journal.contestedTwice()
        let other = try #require(journal[first])

        let outcome = journal.rule(second, keep: [.beijing("C"), .shenzhen("B")], out: [.hangzhou("A")])

        let settled = other.with(parties: [.live(.shenzhen("B")), .gone(.hangzhou("A"))], state: .closed)
        #expect(outcome.cases.last == settled)
        #expect(outcome.events.map(\.kind) == [.ruled, .settled])
        let states = [ClaimName.hangzhou("A"), .shenzhen("B"), .beijing("C")].map(journal.state)
        #expect(states == [.refused, .reserved, .reserved])
        #expect(journal.isShared(.bankReceipt("R1")))
    }

    // MARK: Co-funding that was declared

    @Test(
        "co-funding that was declared stays in force for claims that a ruling keeps",
        arguments: [[ClaimName.beijing("C")], []])
    func declaredGroup(alsoKept: [ClaimName]) throws {
        var journal = CaseJournal()
        journal.file(.sample("A", invoices: [.serial(1)], receipt: "R1", group: "G"), in: .hangzhou)
        journal.file(.sample("B", invoices: [.serial(1)], receipt: "R1", group: "G"), in: .shenzhen)
        let held = journal.file(.sample("C", invoices: [.serial(2)], receipt: "R1"), in: .beijing)
        let kept = [ClaimName.hangzhou("A"), .shenzhen("B")] + alsoKept
        journal.rule(try #require(held.caseID), keep: kept, out: alsoKept.isEmpty ? [.beijing("C")] : [])

        let outcome = journal.file(.sample("D", invoices: [.serial(1)], group: "G"), in: .beijing)

        #expect(outcome.verdict == Verdict(.reserved))
    }

    @Test("claims that share an invoice by declared co-funding still share it after a ruling on one of them")
    func declaredGroupOfOne() throws {
        let invoice = Claim.Invoice.serial(1)
        var journal = CaseJournal()
        journal.file(.sample("A", invoices: [invoice], receipt: "R1", group: "G"), in: .hangzhou)
        journal.file(.sample("B", invoices: [invoice], group: "G"), in: .shenzhen)
        let held = journal.file(.sample("C", invoices: [.serial(2)], receipt: "R1"), in: .beijing)

        journal.rule(try #require(held.caseID), keep: [.hangzhou("A"), .beijing("C")])

        #expect(journal.isShared(.invoice(invoice.number.primary)))
    }

    @Test("what one ruling let stand together still does when another lets one of them share with a third")
    func earlierRuling() throws {
        let proof = [UInt8](repeating: 7, count: 32)
        var journal = CaseJournal()
        journal.file(.sample("A", invoices: [.serial(1)], receipt: "R1", proof: proof), in: .hangzhou)
        let first = journal.file(.sample("B", invoices: [.serial(2)], receipt: "R1"), in: .shenzhen)
        let second = journal.file(.sample("C", invoices: [.serial(3)], proof: proof), in: .beijing)

        journal.rule(try #require(first.caseID), keep: [.hangzhou("A"), .shenzhen("B")])
        journal.rule(try #require(second.caseID), keep: [.hangzhou("A"), .beijing("C")])

        #expect(journal.isShared(.bankReceipt("R1")))
        #expect(journal.isShared(.usageProof(proof)))
    }
}
