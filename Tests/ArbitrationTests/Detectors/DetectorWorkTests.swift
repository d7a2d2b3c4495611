import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("The work of detectors")
struct DetectorWorkTests {
    private static let seeds = UInt64(1)...8

    /// A policy of the detectors that compare claims with each other, and nothing that refuses any.
    private static let comparing = Policy(
        version: 1, programmes: [],
        rules: Rule.detectors.filter {
            ["invoice-alias", "split-contracts", "shared-workload", "moved-company", "typo-variant"].contains($0.id)
        })

    private static let splitting = Rule.detector("split-contracts", "D08") {
        $0.thresholdFen = 50_000_000
        $0.withinPermille = 50
    }

    private func justUnder(_ number: String, _ serial: Int, contract: String) -> Claim {
        .sample(number, contract: contract, contractAmount: .yuan(490_000), invoices: [.serial(serial)])
    }

    private func generated(_ seed: UInt64) -> [JournalEntry] {
        var generator = JournalGenerator(
            seed: seed, statesOtherAmounts: true, policy: .sample(version: 1, with: Rule.detectors))
        return generator.journal(length: 250)
    }

    /// A journal of claims that resemble each other, with withdrawals, under ``comparing``; fewer than are looked at
    /// under one trace.
    private func resembling(_ seed: UInt64) -> [JournalEntry] {
        var numbers = ResemblingClaims(seed: seed)
        let companies: [Register.Company] = [
            .sample(.buyer, [.sample(.phone)]), .sample(.otherBuyer, headOffice: .buyer, [.sample(.phone)]),
        ]
        var contents: [(CityCode, JournalEntry.Content)] = [
            (.registry, .policyPublished(Self.comparing)), (.registry, .companiesListed(companies)),
        ]
        while contents.count < Trace.mostNeighbours { contents.append(numbers.act()) }
        return contents.enumerated().map { index, act in .sample(position: Int64(index) + 1, city: act.0, act.1) }
    }

    // MARK: Bounds

    @Test("at most 64 claims are looked at under one trace, the latest ones")
    func mostNeighbours() {
        var journal = Journal(detecting: Self.splitting)
        let outcomes = (1...70).map { serial in
            journal.file(justUnder("C\(serial)", serial, contract: "HT-\(serial)"), in: .hangzhou)
        }

        let named = outcomes.map { $0.reasons.first?.blocking ?? [] }
        #expect(Trace.mostNeighbours == 64)
        #expect(named[64] == (1...64).map { ClaimName.hangzhou("C\($0)") })
        #expect(named[69] == (6...69).map { ClaimName.hangzhou("C\($0)") })
        #expect(outcomes.allSatisfy { $0.reasons.allSatisfy { $0.unnamed == 0 } })
    }

    @Test("withdrawn claims take no place among those that are looked at")
    func withdrawnTakeNoPlace() {
        var journal = Journal(detecting: Self.splitting)
        journal.file(justUnder("A", 1, contract: "HT-1"), in: .hangzhou)
        journal.file(justUnder("B", 2, contract: "HT-2"), in: .hangzhou)
        for serial in 3...(2 + Trace.mostNeighbours) {
            journal.file(justUnder("W\(serial)", serial, contract: "HT-3"), in: .hangzhou)
            journal.withdraw("W\(serial)", in: .hangzhou)
        }

        let outcome = journal.file(justUnder("C", 900, contract: "HT-3"), in: .hangzhou)

        #expect(outcome.decision == .held)
        #expect(outcome.reasons.first?.blocking == [.hangzhou("A"), .hangzhou("B")])
    }

    @Test("a claim leaves and looks up its traces whatever the registry knows of it by then", arguments: seeds)
    func lookupsBeforeDeciding(seed: UInt64) {
        var fold = Fold()
        for entry in generated(seed) {
            let before = fold.ledger
            guard let filing = fold.apply(entry).filing, let policy = before.policy else { continue }

            let lookups = Needs([entry]).lookups([policy], before.register)
            #expect(lookups == policy.lookups(of: [filing], before.register))
        }
    }

    // MARK: Nothing missed

    @Test("looking up traces finds what looking at every earlier claim finds", arguments: seeds)
    func againstEveryClaim(seed: UInt64) {
        var fold = Fold()
        var filings: [Filing] = []
        for entry in resembling(seed) {
            let register = fold.ledger.register
            let outcome = fold.apply(entry)
            if outcome.decision == .withdrawn {
                for index in filings.indices where filings[index].name == outcome.claim {
                    filings[index].state = .withdrawn
                }
            }
            guard let filing = outcome.filing else { continue }

            #expect(outcome.reasons == findings(on: filing, among: filings, register), "at \(entry.position)")
            filings.append(filing)
        }
    }

    private func findings(on filing: Filing, among earlier: [Filing], _ register: Register) -> [Reason] {
        Self.comparing.detectorRules.flatMap { appointed in
            let view = DetectorView(
                appointed: appointed, filing: filing, traces: appointed.traces(of: filing, register),
                neighbours: earlier, surroundings: Surroundings(register: register, prices: PriceHistogram()))
            return appointed.detector.matches(view).map { match in
                Reason(
                    rule: appointed.rule.id, outcome: appointed.rule.outcome,
                    finding: .detected(match.detection, match.evidence),
                    blocking: match.neighbours.map(\.name))
            }
        }
    }

    @Test("the resembling claims reach every detector that compares")
    func notVacuous() {
        var found: Set<Detection> = []
        for seed in Self.seeds {
            var fold = Fold()
            for reason in resembling(seed).flatMap({ fold.apply($0).reasons }) {
                if case .detected(let detection, _) = reason.finding { found.insert(detection) }
            }
        }

        let expected: Set<Detection> = [
            .invoiceAlias, .splitContracts, .sharedWorkload, .movedCompany, .similarInvoice, .similarContract,
        ]
        #expect(found == expected)
    }

    @Test("a claim that a finding names shares a trace with the claim that it is about", arguments: seeds)
    func sharedTrace(seed: UInt64) {
        var fold = Fold()
        var traces: [ClaimName: Set<Trace>] = [:]
        for entry in generated(seed) {
            let before = fold.ledger
            let outcome = fold.apply(entry)
            guard let filing = outcome.filing, let policy = before.policy else { continue }
            let lookups = policy.lookups(of: [filing], before.register)
            for reason in outcome.reasons where reason.finding.isDetected {
                for name in reason.blocking { #expect(!lookups.isDisjoint(with: traces[name] ?? []), "\(name)") }
            }
            traces[filing.name] = Set(outcome.imprint.traces)
        }
    }

    // MARK: The same again

    @Test("the same journal gives the same outcomes and the same ledger", arguments: seeds)
    func foldedTwice(seed: UInt64) {
        let journal = generated(seed)
        var (first, second) = (Fold(), Fold())

        let outcomes = (journal.map { first.apply($0) }, journal.map { second.apply($0) })

        #expect(outcomes.0 == outcomes.1)
        #expect(first.ledger == second.ledger)
    }

    @Test("traces are in ascending order, each once", arguments: seeds)
    func ascendingTraces(seed: UInt64) {
        var fold = Fold()
        for entry in generated(seed) {
            let traces = fold.apply(entry).imprint.traces

            #expect(traces == Set(traces).sorted())
        }
    }

    // MARK: Amount classes

    @Test("amounts within one per cent are in one class or in neighbouring ones", arguments: seeds)
    func amountClasses(seed: UInt64) {
        var numbers = SeededGenerator(seed: seed)
        for _ in 0..<500 {
            let amount = numbers.number(in: Int64(1)...Money.maximum.rawValue) >> numbers.number(in: Int64(0)...39)
            let classes = Trace.amountClass(amount) - Trace.amountClass(amount - amount / 100)

            #expect((0...1).contains(classes), "\(amount)")
            #expect(Trace.amountClass(amount + 1) >= Trace.amountClass(amount), "\(amount)")
        }
    }

    // MARK: Rules

    @Test("a detector holds or flags and never blocks", arguments: Rule.detectors)
    func neverBlocks(rule: Rule) {
        let blocking = Rule(
            id: rule.id, pattern: rule.pattern, primitive: .detector, parameters: rule.parameters, outcome: .block)

        #expect(rule.fault == nil)
        #expect(blocking.fault == "a detector holds or flags; only a key can block")
    }

    @Test("a rule names a detector that exists")
    func unknownDetector() throws {
        let fault = try #require(Rule.detector("second-sight", "D99").fault)

        #expect(fault.hasPrefix("no detector has this id; there are cross-programme, "))
        #expect(Set(Rule.detectors.map(\.id)) == Set(DetectorCatalogue.ids))
        #expect(Policy.sample(with: Rule.detectors).faults == [])
    }
}

/// Draws claims from small pools of values at and around the limits of the detectors.
private struct ResemblingClaims {
    private var numbers: SeededGenerator
    private var filed: [ClaimName] = []

    private static let amounts = [10_000, 9_900, 9_899, 10_101, 10_102, 20_000, 19_800].map(Money.init(rawValue:))
    private static let invoices = [
        "26330012345678901234", "26330012345678901235", "26330012345678991234", "26330012345768901234",
        "26330012340608991234", "27330012345678901234", "033001900111:78901234", "033001900111:78991234",
        "26440055566678901234", "26330012345678901234=033001900111:78901234",
    ]

    init(seed: UInt64) { numbers = SeededGenerator(seed: seed) }

    mutating func act() -> (CityCode, JournalEntry.Content) {
        if !filed.isEmpty, numbers.once(in: 10) {
            let name = numbers.pick(filed)
            return (name.city, .claimWithdrawn(claimNumber: name.number))
        }
        let city = numbers.pick([CityCode.beijing, .hangzhou, .shenzhen])
        let claim = claim()
        filed.append(ClaimName(city: city, number: claim.number))
        return (city, .claimFiled(claim))
    }

    private mutating func claim() -> Claim {
        let first = valid(CalendarDate("2026-06-01"))
        let date = CalendarDate(rawValue: first.rawValue + numbers.number(in: Int32(0)...12))
        let invoice = Claim.Invoice.named(
            numbers.pick(Self.invoices), numbers.pick(Self.amounts), on: numbers.once(in: 2) ? nil : date.iso8601)
        return .sample(
            "C\(filed.count)", buyer: numbers.pick([.buyer, .otherBuyer]),
            supplier: numbers.pick([.supplier, .supplier, .otherSupplier]),
            contract: numbers.pick(["HT-AB-1", "HT-AC-1", "HT-BA-1", "HT-AB-2", "1", "01", "2", "3"]),
            contractAmount: numbers.pick([.yuan(285), .yuan(284, fen: 99), .yuan(299, fen: 99), .yuan(300)]),
            service: numbers.pick([.june, .june, .july, .nextYear]), resource: numbers.pick(["", "H20", "H20"]),
            hours: numbers.pick([nil, 0, 100, 100]), invoices: [invoice],
            proof: numbers.once(in: 3) ? [UInt8](repeating: 7, count: 32) : [],
            group: numbers.pick(["", "", "", "G", "H"]))
    }
}
