import Testing

@testable import Laboratory

@Suite("When a quality report is sufficient")
struct QualitySufficiencyTests {
    @Test("everything caught and nothing clean stopped is sufficient")
    func everythingCaught() {
        var set = HandMadeSet()
        set.add(.clean, ["reserved"])
        set.add(.guardSequence, ["reserved", "reserved", "reserved"])
        set.add(.invoiceOnce, ["reserved", "refused"], reasons: [.block(.invoiceOnce)])
        set.add(.relatedParties, ["held"], reasons: [.hold(.relatedParties)])

        #expect(set.report.isSufficient)
    }

    @Test(
        "one clean claim or one guard that is stopped is too much",
        arguments: [Pattern.clean, .guardSequence], ["refused", "held", "invalid"])
    func cleanStopped(pattern: Pattern, state: String) {
        var set = HandMadeSet()
        set.add(100, pattern, ["reserved"])
        set.add(pattern, [state])

        #expect(!set.report.isSufficient)
    }

    @Test("one exact group that was missed is too much")
    func exactMissed() {
        var set = HandMadeSet()
        set.add(100, .invoiceOnce, ["reserved", "refused"])
        set.add(.invoiceOnce, ["reserved", "reserved"])

        #expect(!set.report.isSufficient)
    }

    @Test(
        "a detector finds 95 in 100 of its pattern", arguments: [(19, 1, true), (18, 1, false), (190, 10, true)])
    func recall(caught: Int, missed: Int, isSufficient: Bool) throws {
        var set = HandMadeSet()
        set.add(caught, .relatedParties, ["held"], reasons: [.hold(.relatedParties)])
        set.add(missed, .relatedParties, ["reserved"])

        #expect(set.report.row(.relatedParties)?.recall == Double(caught) / Double(caught + missed))
        #expect(set.report.isSufficient == isSufficient)
    }

    @Test(
        "of what a detector finds, 95 in 100 are of its pattern",
        arguments: [(19, 1, true), (18, 1, false), (190, 10, true)])
    func precision(caught: Int, wronglyFired: Int, isSufficient: Bool) {
        var set = HandMadeSet()
        set.add(caught, .unlistedProvider, ["reserved"], reasons: [.flag(.unlistedProvider)])
        set.add(wronglyFired, .clean, ["reserved"], reasons: [.flag(.unlistedProvider)])

        #expect(set.report.row(.unlistedProvider)?.precision == Double(caught) / Double(caught + wronglyFired))
        #expect(set.report.isSufficient == isSufficient)
    }

    @Test("an exact rule may fire where something else was missed by a detector")
    func exactPrecision() {
        var set = HandMadeSet()
        set.add(19, .splitContracts, ["reserved", "reserved", "held"], reasons: [.hold(.splitContracts)])
        set.add(.splitContracts, ["reserved", "reserved", "refused"], reasons: [.block(.invoiceOnce)])
        set.add(.invoiceOnce, ["reserved", "refused"])

        #expect(set.report.row(.invoiceOnce)?.precision == 0.5)
        #expect(set.report.isSufficient)
    }
}
