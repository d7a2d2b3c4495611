import Testing

@testable import Laboratory

@Suite("Quality report")
struct QualityReportTests {
    // MARK: Caught and missed

    @Test("a group whose expectation is met was caught, any other was missed")
    func caughtAndMissed() throws {
        var set = HandMadeSet()
        set.add(.invoiceOnce, ["reserved", "refused"])
        set.add(.invoiceOnce, ["refused", "reserved", "refused"])
        set.add(.invoiceOnce, ["reserved", "reserved"])

        let row = try #require(set.report.row(.invoiceOnce))

        #expect([row.cases, row.caught, row.missed, row.wronglyFired] == [3, 2, 1, 0])
        #expect(row.recall == 2.0 / 3)
        #expect(row.precision == 1)
    }

    @Test("no rule finds clean groups, guards and invalid rows: they have no precision")
    func withoutRule() {
        var set = HandMadeSet()
        set.add(.clean, ["reserved"])
        set.add(.guardSpelling, ["reserved", "reserved"])
        set.add(.invalidCode, ["invalid"], outcome: "invalid")

        let report = set.report

        #expect(report.rows.map(\.pattern) == ["clean", "guard-spelling", "invalid-uscc"])
        #expect(report.rows.map(\.precision) == [nil, nil, nil])
        #expect(report.rows.map(\.recall) == [1, 1, 1])
    }

    @Test("a claim that was never decided is a miss of its group", arguments: [Pattern.invoiceOnce, .clean])
    func missingClaim(pattern: Pattern) {
        var set = HandMadeSet()
        set.add(pattern, pattern == .clean ? ["reserved"] : ["reserved", "refused"])
        #expect(set.report.isSufficient)
        set.lose("G1-1")

        let report = set.report

        #expect(report.row(pattern)?.missed == 1)
        #expect(!report.isSufficient)
        #expect(report.totals.claims == set.labels.count)
    }

    @Test("a claim is found by its city and its number")
    func sameNumberElsewhere() {
        let labels = ["330100", "440300"].map { city in
            Sample.Label(
                group: city, pattern: "clean", expectation: "clean", city: city, claim: "C1", outcome: "",
                capacityFen: nil)
        }
        let claims: [DecidedClaim] = [.sample("C1", in: "330100", "reserved"), .sample("C1", in: "440300", "held")]

        let report = QualityReport(labels, claims)

        #expect(report.row(.clean)?.caught == 1)
        #expect(report.totals.cleanHeld == 1)
    }

    @Test("an expectation that is not known is never met")
    func unknownExpectation() {
        var set = HandMadeSet()
        set.add(.invoiceOnce, ["reserved", "refused"], expectation: "whatever")

        #expect(set.report.row(.invoiceOnce)?.missed == 1)
        #expect(!set.report.isSufficient)
    }

    @Test("claims may also be looked up one by one, with the same result")
    func lookedUp() {
        var set = HandMadeSet()
        set.add(.invoiceOnce, ["reserved", "refused"])
        set.add(.invoiceOnce, ["reserved", "reserved"])
        set.add(.clean, ["held"], reasons: [.hold(.relatedParties)])
        let claims = set.claims

        let report = QualityReport(set.labels) { label in claims.first { $0.claim_no == label.claim } }

        #expect(report.text == set.report.text)
    }

    // MARK: Wrongly fired

    @Test("a rule that stops a clean claim or a guard fired wrongly", arguments: [Pattern.clean, .guardEqualAmounts])
    func wronglyFired(pattern: Pattern) throws {
        var set = HandMadeSet()
        set.add(3, .relatedParties, ["held"], reasons: [.hold(.relatedParties)])
        set.add(pattern, ["held"], reasons: [.hold(.relatedParties)])

        let row = try #require(set.report.row(.relatedParties))

        #expect([row.cases, row.caught, row.missed, row.wronglyFired] == [3, 3, 0, 1])
        #expect(row.precision == 0.75)
        #expect(row.recall == 1)
    }

    @Test("a rule that stops a claim of another pattern fired wrongly where that pattern was missed, else not")
    func firedOnAnotherPattern() {
        var set = HandMadeSet()
        set.add(.relatedParties, ["held"], reasons: [.hold(.relatedParties)])
        set.add(.invoiceOnce, ["reserved", "refused"], reasons: [.block(.invoiceOnce), .hold(.relatedParties)])
        #expect(set.report.row(.relatedParties)?.wronglyFired == 0)

        set.add(.invoiceOnce, ["reserved", "held"], reasons: [.hold(.relatedParties)])

        #expect(set.report.row(.relatedParties)?.wronglyFired == 1)
    }

    @Test("a rule that fires on its own pattern does not fire wrongly, even where the expectation is missed")
    func firedOnItsOwn() {
        var set = HandMadeSet()
        set.add(.invoiceOnce, ["refused", "refused"], reasons: [.block(.invoiceOnce)])

        #expect(set.report.row(.invoiceOnce)?.missed == 1)
        #expect(set.report.row(.invoiceOnce)?.wronglyFired == 0)
    }

    @Test("a rule fires once on a claim, however many reasons it gives")
    func firedOnce() {
        var set = HandMadeSet()
        set.add(.clean, ["held"], reasons: [.hold(.evidenceOnce), .hold(.evidenceOnce), .hold(.wrongName)])

        let report = set.report

        #expect(report.row(.evidenceOnce)?.wronglyFired == 1)
        #expect(report.row(.wrongName)?.wronglyFired == 1)
    }

    @Test("a rule that no label names has a row where it stopped something wrongly")
    func unlabelledRule() throws {
        var set = HandMadeSet()
        set.add(.clean, ["reserved"], reasons: [.flag(.stackCap)])
        set.add(.clean, ["held"], reasons: [.hold(.evidenceOnce)])

        let report = set.report
        let row = try #require(report.row(.evidenceOnce))

        #expect(report.rows.map(\.pattern) == ["clean", "evidence-once"])
        #expect([row.cases, row.caught, row.missed, row.wronglyFired] == [0, 0, 0, 1])
        #expect(row.precision == 0)
        #expect(row.recall == nil)
    }

    // MARK: Flags

    @Test("a flag is no stop: of a rule that stops it counts for nothing")
    func flagOfStoppingRule() {
        var set = HandMadeSet()
        set.add(.relatedParties, ["held"], reasons: [.hold(.relatedParties)])
        set.add(.clean, ["reserved"], reasons: [.flag(.relatedParties)])

        #expect(set.report.row(.relatedParties)?.wronglyFired == 0)
        #expect(set.report.isSufficient)
    }

    @Test("a rule that is to flag fires with flags, and stops nothing by them")
    func flagOfFlaggingRule() throws {
        var set = HandMadeSet()
        set.add(.unlistedProvider, ["reserved"], reasons: [.flag(.unlistedProvider)])
        set.add(.unlistedProvider, ["reserved"])
        set.add(.guardSpelling, ["reserved", "reserved"], reasons: [.flag(.unlistedProvider)])

        let report = set.report
        let row = try #require(report.row(.unlistedProvider))

        #expect([row.cases, row.caught, row.missed, row.wronglyFired] == [2, 1, 1, 1])
        #expect([row.precision, row.recall] == [0.5, 0.5])
        #expect([report.totals.guardsRefused, report.totals.guardsHeld] == [0, 0])
        #expect(report.row(.guardSpelling)?.recall == 1)
    }

    @Test("a pattern that only another rule has stopped is missed")
    func otherRule() {
        var set = HandMadeSet()
        set.add(.relatedParties, ["held"], reasons: [.hold(.wrongName)])
        set.add(.relatedParties, ["held"], reasons: [.hold(.wrongName), .hold(.relatedParties)])

        #expect(set.report.row(.relatedParties)?.recall == 0.5)
    }

    // MARK: Totals

    @Test("money is protected by refusing and holding, in groups that were caught")
    func protectedMoney() {
        var set = HandMadeSet()
        set.add(.invoiceOnce, ["reserved", "refused", "refused"])
        set.add(.invoiceOnce, ["reserved", "reserved", "refused"])
        set.add(.relatedParties, ["held"], reasons: [.hold(.relatedParties)])
        set.add(.unlistedProvider, ["reserved"], reasons: [.flag(.unlistedProvider)])
        set.add(.clean, ["refused"])

        let report = set.report

        #expect(report.row(.invoiceOnce)?.protectedFen == 20_000)
        #expect(report.row(.relatedParties)?.protectedFen == 10_000)
        #expect(report.row(.unlistedProvider)?.protectedFen == 0)
        #expect(report.row(.clean)?.protectedFen == 0)
        #expect(report.totals.protectedFen == 30_000)
    }

    @Test("the totals count groups, claims, and what was stopped wrongly")
    func totals() {
        var set = HandMadeSet()
        set.add(.invoiceOnce, ["reserved", "refused"])
        set.add(.clean, ["refused"])
        set.add(.clean, ["invalid"])
        set.add(.clean, ["held"])
        set.add(.guardSequence, ["reserved", "refused", "held", "held"])

        let totals = set.report.totals

        #expect([totals.groups, totals.claims] == [5, 9])
        #expect([totals.cleanRefused, totals.cleanHeld] == [2, 1])
        #expect([totals.guardsRefused, totals.guardsHeld] == [1, 2])
    }

    @Test("percentages are rounded down, so that 100 is all of them")
    func text() {
        var set = HandMadeSet()
        set.add(2, .invoiceOnce, ["reserved", "refused"])
        set.add(.invoiceOnce, ["reserved", "reserved"])

        #expect(set.report.text.contains("100.00 %"))
        #expect(set.report.text.contains("66.66 %"))
    }
}
