import Arbitration
import Replication
import Simulation
import Testing
import VoucherDomain

/// A checker that cannot fail proves nothing: each is shown a history that is wrong in one place.
@Suite("Checkers")
struct CheckerTests {
    private typealias Sample = BrokenHistory

    @Test("nothing is wrong with a sound history")
    func sound() {
        var sample = Sample()
        sample.issueVouchers()
        sample.decide(Sample.entry(2), .filed(Sample.claim("C1")), .reserved)
        sample.decide(
            Sample.entry(2, of: Sample.other),
            .filed(Sample.claim("D1", of: Sample.other, invoices: ["invoice of C1"])),
            .refused, blockers: [.init(rule: "invoice-once", claim: Sample.claim("C1").name)])
        sample.end(states: ["C1": "reserved"])

        #expect(Checker.oneHolder.check(sample.history) == [])
        #expect(Checker.oneDecision.check(sample.history) == [])
        #expect(Checker.blockersHold.check(sample.history) == [])
        #expect(Checker.positionsAreGapless.check(sample.history) == [])
        #expect(Checker.countsAgree.check(sample.history) == [])
    }

    @Test("I1: two live claims on one invoice, in two cities on one contract, or over the voucher are found")
    func oneHolder() {
        let seconds = [
            Sample.claim("D1", of: Sample.other, invoices: ["invoice of C1"]),
            Sample.claim("D1", of: Sample.other, contract: "contract of C1"), Sample.claim("D1", claimed: 95),
        ]
        for second in seconds {
            var sample = Sample()
            sample.issueVouchers()
            sample.decide(Sample.entry(2), .filed(Sample.claim("C1")), .reserved)
            sample.decide(Sample.entry(3), .filed(second), .reserved)

            #expect(Checker.oneHolder.check(sample.history).count == 1)
        }
    }

    @Test("I2: what is paid without authorisation, twice, or for an invoice that another claim was paid for is found")
    func paidOnce() {
        let (first, second) = (Sample.claim("C1"), Sample.claim("C2", invoices: ["invoice of C1"]))
        func faults(_ claims: [ClaimFact], authorized: [ClaimFact]) -> Int {
            var sample = Sample()
            sample.decide(Sample.entry(2), .filed(first), .reserved)
            sample.decide(Sample.entry(3), .filed(second), .reserved)
            for claim in authorized {
                sample.decide(Sample.entry(4), .other, .noted, effects: [claim.name: .authorized])
            }
            for claim in claims { sample.add(.paid(claim.name, amount: claim.claimed)) }
            return Checker.paidOnce.check(sample.history).count
        }

        #expect(faults([first], authorized: [first]) == 0)
        #expect(faults([first], authorized: []) == 1)
        #expect(faults([first, first], authorized: [first]) == 1)
        #expect(faults([first, second], authorized: [first, second]) == 1)
    }

    @Test("I2: what was paid, and the registry does not know of in the end, is found")
    func paidUnknown() {
        let claim = Sample.claim("C1")
        func faults(then states: Outcome.Decision...) -> Int {
            var sample = Sample()
            sample.decide(Sample.entry(2), .filed(claim), .reserved)
            sample.decide(Sample.entry(3), .other, .noted, effects: [claim.name: .authorized])
            sample.add(.paid(claim.name, amount: claim.claimed))
            for state in states { sample.decide(Sample.entry(4), .other, .noted, effects: [claim.name: state]) }
            sample.end()
            return Checker.paidOnce.check(sample.history).count
        }

        #expect(faults(then: .paid) == 0)
        #expect(faults(then: .paid, .reversed) == 0)
        #expect(faults() == 1)
        #expect(faults(then: .reserved) == 1)
    }

    @Test("I15: a claim that is authorised after its withdrawal is found")
    func neverBoth() {
        let claim = Sample.claim("C1")
        var sample = Sample()
        sample.decide(Sample.entry(2), .filed(claim), .reserved)
        sample.decide(Sample.entry(3), .withdrew(claim.name), .withdrawn, effects: [claim.name: .withdrawn])
        #expect(Checker.neverBoth.check(sample.history) == [])

        sample.decide(Sample.entry(4), .other, .noted, effects: [claim.name: .authorized])
        #expect(Checker.neverBoth.check(sample.history).count == 1)
    }

    @Test("I3: a claim that is decided twice is found, and so is an entry")
    func oneDecision() {
        var sample = Sample()
        sample.decide(Sample.entry(2), .filed(Sample.claim("C1")), .refused)
        sample.decide(Sample.entry(2), .filed(Sample.claim("C1")), .refused)

        #expect(Checker.oneDecision.check(sample.history).count == 2)
    }

    @Test("I3: two entries with one id are found, unless the second is rejected")
    func oneID() {
        var sample = Sample()
        sample.receive(Sample.entry(1))
        sample.receive(Sample.entry(1, hash: 9), isRejected: true)
        #expect(Checker.oneDecision.check(sample.history) == [])

        sample.receive(Sample.entry(1, hash: 8))
        #expect(Checker.oneDecision.check(sample.history).count == 1)
    }

    @Test("I14: a city that acts as the registry, and one that withdraws a claim of another city, are found")
    func owners() {
        var sample = Sample()
        let act = Sample.entry(2, kind: .citySuspended)
        sample.decide(act, .other, .invalid)
        #expect(Checker.ownersAct.check(sample.history) == [])

        sample.decide(act, .other, .noted)
        sample.decide(
            Sample.entry(3), .other, .withdrawn, effects: [Sample.claim("D1", of: Sample.other).name: .withdrawn])
        #expect(Checker.ownersAct.check(sample.history).count == 2)
    }

    @Test("I4: a claim that was recorded and never received is found, unless its disk was lost")
    func nothingLost() {
        var sample = Sample()
        sample.add(.acknowledged(Sample.claim("C1").name, Sample.entry(1)))
        var lost = sample
        lost.add(.diskLost(Sample.city))
        sample.end()
        lost.end()

        #expect(Checker.nothingLost.check(sample.history).count == 1)
        #expect(Checker.nothingLost.check(lost.history) == [])
    }

    @Test("I4: one number that was recorded twice is found, unless the disk was lost in between")
    func recordedTwice() {
        func faults(diskLost: Bool) -> Int {
            var sample = Sample()
            for sequence: UInt64 in 1...2 {
                sample.add(.acknowledged(Sample.claim("C1").name, Sample.entry(sequence)))
                if diskLost { sample.add(.diskLost(Sample.city)) }
            }
            return Checker.nothingLost.check(sample.history).count
        }

        #expect(faults(diskLost: false) == 1)
        #expect(faults(diskLost: true) == 0)
    }

    @Test("I4: a receipt for what the registry has not is found even when the disk was lost")
    func falseReceipt() {
        var sample = Sample()
        sample.add(.receipted(Sample.city, sequence: 1, hash: Sample.digest(1)))
        sample.add(.diskLost(Sample.city))

        #expect(Checker.nothingLost.check(sample.history).count == 1)
    }

    @Test("I6: gaps, broken links, older epochs and a node with another log are found")
    func logs() {
        func faults(_ entries: [EntryFact], log: [EntryFact]? = nil) -> Int {
            var sample = Sample()
            for entry in entries { sample.receive(entry) }
            sample.end(log: log ?? entries)
            return Checker.logsAreGapless.check(sample.history).count
        }

        #expect(faults([Sample.entry(1), Sample.entry(2)]) == 0)
        #expect(faults([Sample.entry(1), Sample.entry(3, previous: 1)]) == 1)
        #expect(faults([Sample.entry(1), Sample.entry(2, previous: 9)]) == 1)
        #expect(faults([Sample.entry(1, epoch: 2), Sample.entry(2, epoch: 1)]) == 1)
        #expect(faults([Sample.entry(1)], log: [Sample.entry(1, hash: 9)]) == 1)
    }

    @Test("I7: a clock that does not rise and an entry before the promise are found, unless they are rejected")
    func clocks() {
        var sample = Sample()
        sample.receive(Sample.entry(1, time: 5_000))
        sample.receive(Sample.entry(2, time: 5_000), isRejected: true)
        #expect(Checker.clocksRise.check(sample.history) == [])

        sample.receive(Sample.entry(3, time: 5_000))
        sample.add(.promised(Sample.city, Sample.entry(9, time: 9_000).time))
        sample.receive(Sample.entry(4, time: 8_000))
        #expect(Checker.clocksRise.check(sample.history).count == 2)
    }

    @Test("I8: a position that is left out is found")
    func positions() {
        var sample = Sample()
        sample.decide(Sample.entry(1), .other, .noted)
        sample.decide(Sample.entry(2), .other, .noted, at: 3)

        #expect(Checker.positionsAreGapless.check(sample.history).count == 1)
    }

    @Test("I9: a node with another feed or key index, and a decision that the small policy does not make, are found")
    func agreement() {
        var sample = Sample()
        sample.issueVouchers()
        sample.decide(Sample.entry(2), .filed(Sample.claim("C1")), .refused)
        sample.end(feed: 2)
        sample.changeEnd { $0.registryFeedPosition = 3 }
        #expect(Checker.nodesAgree.check(sample.history).count == 2)

        sample.changeEnd { $0.registryIndexDigest = Sample.digest(1) }
        #expect(Checker.nodesAgree.check(sample.history).count == 3)
    }

    @Test("I10: another feed from the same journal is found")
    func refolding() {
        var sample = Sample()
        sample.end()
        sample.changeEnd { $0.refoldedHash = Sample.digest(1) }

        #expect(Checker.refolding.check(sample.history).count == 1)
    }

    @Test("I11: an entry that is applied twice, left out or another than the feed's is found")
    func applied() {
        func faults(_ positions: [UInt64], hash: UInt8? = nil) -> Int {
            var sample = Sample()
            for sequence in 1...3 as ClosedRange<UInt64> { sample.decide(Sample.entry(sequence), .other, .noted) }
            for position in positions {
                sample.add(.applied(position: position, hash: Sample.digest(hash ?? UInt8(200 + position))))
            }
            return Checker.appliedIsPrefix.check(sample.history).count
        }

        #expect(faults([1, 2, 3]) == 0)
        #expect(faults([1, 1]) == 1)
        #expect(faults([1, 3]) == 1)
        #expect(faults([1], hash: 9) == 1)
    }

    @Test("I13: a replay that changed something is found")
    func replays() {
        var sample = Sample()
        sample.end()
        sample.changeEnd { $0.changingReplays = ["push"] }

        #expect(Checker.replaysChangeNothing.check(sample.history).count == 1)
    }

    @Test("I17: a run that never rests, an entry that nobody decides and a log that is blocked are found")
    func everythingDecided() {
        var sample = Sample()
        sample.receive(Sample.entry(1))
        #expect(Checker.everythingDecided.check(sample.history).count == 1)

        sample.end(unsent: 1)
        #expect(Checker.everythingDecided.check(sample.history).count == 2)
    }

    @Test("I18: a claim that is shown otherwise than it was decided is found, and one that nobody decided")
    func counts() {
        var sample = Sample()
        sample.decide(Sample.entry(2), .filed(Sample.claim("C1")), .reserved)
        sample.end(states: ["C1": "refused", "C2": "reserved", "C3": "invalid"])

        #expect(Checker.countsAgree.check(sample.history).count == 2)
    }

    @Test("I19: a claim that is named as blocking and holds nothing of it is found")
    func blockers() {
        var sample = Sample()
        sample.issueVouchers()
        sample.decide(Sample.entry(2), .filed(Sample.claim("C1")), .reserved)
        sample.decide(
            Sample.entry(3), .filed(Sample.claim("C2")), .refused,
            blockers: [.init(rule: "invoice-once", claim: Sample.claim("C1").name)])

        #expect(Checker.blockersHold.check(sample.history).count == 1)
    }

    @Test("I22: one epoch for two processes, a counter that jumps, a push or an entry without the last grant are found")
    func oneLiveHolder() {
        func faults(_ events: [History.Event]) -> Int {
            var sample = Sample()
            for event in events { sample.add(event, at: .registry) }
            return Checker.oneLiveHolder.check(sample.history).count
        }
        let first = History.Event.granted(Sample.city, Sample.epoch(1), process: [1])

        #expect(faults([first, .granted(Sample.city, Sample.epoch(2), process: [2])]) == 0)
        #expect(faults([first, .granted(Sample.city, Sample.epoch(3), process: [2])]) == 1)
        #expect(
            faults([
                first, .granted(Sample.city, Sample.epoch(2), process: [2]), .pushed(Sample.city, Sample.epoch(1)),
            ]) == 1)
        let stranger = Sample.entry(1, epoch: 7)
        #expect(faults([first, .received(stranger, session: Sample.epoch(1), isRejected: false)]) == 1)
    }

    @Test("what a suspended city sends or reads is found, and a suspension that the journal has not")
    func suspension() {
        func faults(_ events: [History.Event], acts: [Member.Change] = []) -> Int {
            var sample = Sample()
            for event in events { sample.add(event, at: .registry) }
            for change in acts {
                sample.decide(Sample.entry(1, of: .registry), .member(Sample.city, change), .noted)
            }
            sample.end()
            return Checker.suspendedStayOut.check(sample.history).count
        }
        let entry = Sample.entry(1)
        let received = History.Event.received(entry, session: entry.epoch, isRejected: false)
        let (out, back) = (History.Event.suspended(Sample.city), History.Event.reinstated(Sample.city))

        #expect(faults([received, out, back, .served(Sample.city)], acts: [.suspended, .reinstated]) == 0)
        #expect(faults([out, received], acts: [.suspended]) == 1)
        #expect(faults([out, .served(Sample.other)], acts: [.suspended]) == 0)
        for event in [
            .served(Sample.city), .pushed(Sample.city, Sample.epoch(1)), .promised(Sample.city, entry.time),
            .granted(Sample.city, Sample.epoch(2), process: [1]),
        ] as [History.Event] {
            #expect(faults([out, event], acts: [.suspended]) == 1)
        }
        #expect(faults([out, back], acts: [.suspended]) == 1)
    }

    @Test("a node that stops without a copy of its store in play is found")
    func falseAlarm() {
        var sample = Sample()
        sample.add(.alarm(Sample.city, "why"))
        var excused = Sample()
        excused.add(.fault(.clone))
        excused.add(.alarm(Sample.city, "why"))

        #expect(Checker.noFalseAlarm.check(sample.history).count == 1)
        #expect(Checker.noFalseAlarm.check(excused.history) == [])
    }

    @Test("an honest claim that is answered invalid is found")
    func honestClaims() {
        var sample = Sample()
        sample.add(.acknowledged(Sample.claim("C1").name, Sample.entry(1)))
        sample.decide(Sample.entry(1), .other, .invalid)
        sample.end()

        #expect(Checker.honestClaimsAreValid.check(sample.history).count == 1)
    }

    @Test("what was never seen is listed")
    func coverage() {
        var sample = Sample()
        sample.add(.fault(.clone))
        sample.add(.sometimes(.reserved))
        var coverage = Coverage()
        coverage.take(sample.history)

        #expect(coverage.missing.count == FaultKind.allCases.count + Sometimes.allCases.count - 2)
        #expect(!coverage.missing.contains("fault clone"))
    }
}
