import Arbitration
import Replication
import Simulation
import Testing
import VoucherDomain

/// The checkers of cases, rulings and gates, each shown a history that is wrong in one place.
@Suite("Checkers of cases")
struct CaseCheckerTests {
    private typealias Sample = BrokenHistory
    private let claim = BrokenHistory.claim("C1", receipt: "R")
    private let rival = BrokenHistory.claim("D1", of: BrokenHistory.other, receipt: "R")

    // MARK: Gates

    /// Both cities take part, and C1 is reserved, which the registry received at 1,000 ms.
    private func reserved() -> BrokenHistory {
        var sample = Sample()
        sample.decide(Sample.entry(1, of: .registry), .published(dwell: 60), .noted)
        for city in [Sample.city, Sample.other] {
            sample.decide(Sample.entry(2, of: .registry), .member(city, .joined), .noted)
        }
        sample.decide(Sample.entry(2), .filed(claim), .reserved, receivedAt: 1_000)
        return sample
    }

    /// A tick that counts for `interval` milliseconds, at which the other city was heard up to `watermark`.
    private func tick(hearing watermark: Int64, counting interval: Int64 = 0) -> SayingFact {
        .ticked(
            Tick(
                wallMilliseconds: 0, intervalMilliseconds: interval,
                reports: [CityReport(city: Sample.other, watermark: watermark, feedPosition: 0)]))
    }

    /// How many faults there are when C1 is authorised at the last of these entries.
    private func faults(_ sample: BrokenHistory, _ sayings: [SayingFact], cases: [CaseEvent] = []) -> Int {
        var sample = sample
        if !cases.isEmpty { sample.decide(Sample.entry(8), .other, .noted, cases: cases) }
        for saying in sayings.dropLast() { sample.decide(Sample.entry(9, of: .registry), saying, .noted) }
        if let last = sayings.last {
            sample.decide(Sample.entry(9, of: .registry), last, .noted, effects: [claim.name: .authorized])
        }
        return Checker.gatesHold.check(sample.history).count
    }

    @Test("gate: what is authorised before another city was heard or the dwell is over is found")
    func dwell() {
        #expect(faults(reserved(), [tick(hearing: 1_001)]) == 0)
        #expect(faults(reserved(), [tick(hearing: 1_000)]) == 1)
        // Time is counted from the first tick on.
        #expect(faults(reserved(), [tick(hearing: 0, counting: 1_000), tick(hearing: 0, counting: 60_000)]) == 0)
        #expect(faults(reserved(), [tick(hearing: 0, counting: 1_000), tick(hearing: 0, counting: 59_999)]) == 1)
    }

    @Test("gate: nobody waits for a suspended city, and everybody for one that is reinstated")
    func suspension() {
        let suspended = SayingFact.member(Sample.other, .suspended)

        #expect(faults(reserved(), [suspended, tick(hearing: 0)]) == 0)
        #expect(faults(reserved(), [suspended, .member(Sample.other, .reinstated), tick(hearing: 0)]) == 1)
    }

    @Test("gate: what is authorised while a case is open is found; an automatic case delays by one dwell")
    func openCase() {
        let names = [rival.name, claim.name]
        let heard = [tick(hearing: 1_001)]
        let later = [tick(hearing: 1_001), tick(hearing: 0, counting: 60_000)]
        let opened = Sample.event(.opened, of: names)
        let automatic = Sample.event(.opened, of: names, isAutomatic: true)

        #expect(faults(reserved(), heard, cases: [opened]) == 1)
        #expect(faults(reserved(), later, cases: [opened]) == 1)
        #expect(faults(reserved(), heard, cases: [opened, Sample.event(.settled, of: names)]) == 0)
        #expect(faults(reserved(), heard, cases: [automatic]) == 1)
        #expect(faults(reserved(), later, cases: [automatic]) == 0)
        #expect(faults(reserved(), heard, cases: [Sample.event(.opened, of: [rival.name])]) == 0)
    }

    // MARK: Rulings

    /// How many faults there are when a ruling has these effects, and an entry behind it those.
    private func faults(
        _ ruling: Ruling, from state: Outcome.Decision = .reserved, _ effects: [ClaimName: Outcome.Decision],
        then later: [ClaimName: Outcome.Decision] = [:]
    ) -> Int {
        var sample = Sample()
        sample.decide(Sample.entry(2), .filed(claim), state)
        sample.decide(Sample.entry(1, of: .registry), .ruled(ruling), .noted, effects: effects)
        sample.decide(Sample.entry(3), .other, .noted, effects: later)
        return Checker.rulingsStand.check(sample.history).count
    }

    @Test("ruling: a claim that is ruled out and stays, comes back, or goes while its money is out is found")
    func ruledOut() {
        let against = Sample.ruling(against: [claim.name])

        #expect(faults(against, [claim.name: .refused]) == 0)
        #expect(faults(against, [:]) == 1)
        #expect(faults(against, [claim.name: .refused], then: [claim.name: .reserved]) == 1)
        #expect(faults(against, from: .authorized, [claim.name: .authorized]) == 0)
        #expect(faults(against, from: .authorized, [claim.name: .refused]) == 1)
    }

    @Test("ruling: a claim that is kept and goes is found")
    func kept() {
        #expect(faults(Sample.ruling(keeping: [claim.name]), from: .held, [claim.name: .reserved]) == 0)
        #expect(faults(Sample.ruling(keeping: [claim.name]), [claim.name: .refused]) == 1)
    }

    @Test("ruling: a city that shows a case otherwise than it stands, or a case of others, is found")
    func shown() {
        func faults(_ shown: [String: String]) -> Int {
            var sample = Sample()
            let names = [claim.name, rival.name]
            sample.decide(Sample.entry(2), .other, .noted, cases: [Sample.event(.opened, of: names)])
            sample.decide(Sample.entry(3), .other, .noted, cases: [Sample.event(.ruled, of: names)])
            sample.decide(Sample.entry(4), .other, .noted, cases: [Sample.event(.left, of: names)])
            sample.end(cases: shown)
            return Checker.rulingsStand.check(sample.history).count
        }

        #expect(faults(["K": "closed"]) == 0)
        #expect(faults(["K": "open"]) == 1)
        #expect(faults([:]) == 1)
        #expect(faults(["K": "closed", "L": "open"]) == 1)
    }

    // MARK: Owners

    private func ownerFaults(_ build: (inout BrokenHistory) -> Void) -> Int {
        var sample = Sample()
        sample.decide(Sample.entry(2), .filed(claim), .reserved)
        build(&sample)
        return Checker.ownersAct.check(sample.history).count
    }

    @Test("I14: only a ruling that names a claim turns it down, or the failure of a payment that one has stopped")
    func turnedDown() {
        let act = Sample.entry(1, of: .registry, kind: .caseRuled)
        let against = SayingFact.ruled(Sample.ruling(against: [claim.name]))
        let refused = [claim.name: Outcome.Decision.refused]
        let failed = Sample.entry(3, kind: .paymentFailed)

        #expect(ownerFaults { $0.decide(act, against, .noted, effects: refused) } == 0)
        #expect(ownerFaults { $0.decide(act, .ruled(Sample.ruling()), .noted, effects: refused) } == 1)
        #expect(ownerFaults { $0.decide(act, .other, .noted, effects: refused) } == 1)
        #expect(ownerFaults { $0.decide(failed, .other, .noted, effects: refused) } == 1)
        let stopped = ownerFaults {
            $0.decide(Sample.entry(2, of: .registry), .other, .noted, effects: [claim.name: .authorized])
            $0.decide(act, against, .noted, effects: [claim.name: .authorized])
            $0.decide(failed, .other, .noted, effects: refused)
        }
        #expect(stopped == 0)
    }

    @Test("I14: a city that moves another's payment, and a registry that withdraws or pays, are found")
    func moved() {
        func faults(_ entry: EntryFact, _ state: Outcome.Decision) -> Int {
            ownerFaults { $0.decide(entry, .other, .noted, effects: [claim.name: state]) }
        }
        let (own, other) = (Sample.entry(3), Sample.entry(3, of: Sample.other))

        for state in [Outcome.Decision.authorized, .paid, .withdrawn, .reversed] {
            #expect(faults(own, state) == 0)
            #expect(faults(other, state) == 1)
        }
        for state in [Outcome.Decision.paid, .withdrawn, .reversed] {
            #expect(faults(Sample.entry(1, of: .registry), state) == 1)
        }
    }

    @Test("I14: an answer by a city that the case does not name is found, and one that moves a claim")
    func answers() {
        func faults(by city: CityCode, effects: [ClaimName: Outcome.Decision] = [:]) -> Int {
            ownerFaults {
                $0.decide(
                    Sample.entry(3, of: city, kind: .caseAnswered), .other, .noted, effects: effects,
                    cases: [Sample.event(.answered, of: [claim.name], by: city, answer: .contest)])
            }
        }

        #expect(faults(by: Sample.city) == 0)
        #expect(faults(by: Sample.other) == 1)
        #expect(faults(by: Sample.city, effects: [claim.name: .withdrawn]) == 1)
    }

    // MARK: The small policy

    @Test("I9: of two claims on one bank receipt the second is held, or the reference says so")
    func sharedReceipt() {
        func faults(_ decision: Outcome.Decision) -> Int {
            var sample = Sample()
            sample.issueVouchers()
            sample.decide(Sample.entry(2), .filed(claim), .reserved)
            sample.decide(Sample.entry(2, of: Sample.other), .filed(rival), decision)
            sample.end(feed: 4)
            sample.changeEnd { $0.registryFeedPosition = 4 }
            return Checker.nodesAgree.check(sample.history).count
        }

        #expect(faults(.held) == 0)
        #expect(faults(.reserved) == 1)
    }
}
