import Arbitration
import FederationWire
import GRDB
import Replication
import Testing
import VoucherDomain

@testable import CityStore

/// What undoes a payment or a claim that asked for one; and the feed and the disk that carry it.
extension PaymentTests {
    // MARK: Withdrawals

    @Test("a claim with a withdrawal under way is not asked to be paid")
    func withdrawnFirst() throws {
        try desk.withdraw()

        try desk.refused(.conflict) { try desk.take(.request) }
    }

    @Test("a claim that is withdrawn by the feed has no payment any more", arguments: [true, false])
    func withdrawn(isRequestTold: Bool) throws {
        try desk.reach(isRequestTold ? .requested : .asked)
        try desk.withdraw()
        try node.sync(with: registry)

        #expect(try node.state("SZ-1") == "withdrawn")
        #expect(try node.store.payment(ofClaim: "SZ-1") == nil)
        #expect(try node.store.payments(limit: 10) == [])
        try desk.refused(.conflict) { try desk.take(.request) }
    }

    /// A withdrawal is under way when the feed tells of the release.
    private func withdrawDuringRelease() throws {
        try desk.reach(.requested)
        try registry.hear([.beijing])
        try desk.withdraw()
        try desk.hear([.shenzhen, .beijing])
    }

    @Test("a claim with a withdrawal under way is not submitted, until that is answered")
    func withdrawnDuringRelease() throws {
        try withdrawDuringRelease()
        #expect(try desk.view().stage == "released")
        #expect(try node.store.claim("SZ-1")?.isBeingWithdrawn == true)
        try desk.refused(.conflict) { try desk.take(.submit) }
        try node.push(to: registry)
        try desk.refused(.conflict) { try desk.take(.submit) }
        try registry.decide(try #require(try node.log().last))
        try node.pull(from: registry)

        #expect(registry.outcomes.last?.decision == .tooLate)
        #expect(try desk.entries { try desk.take(.submit) } == [.paymentSubmitted])
    }

    @Test("a withdrawal that was too late says so at the next attempt, and leaves the payment")
    func tooLate() throws {
        try withdrawDuringRelease()
        try node.sync(with: registry)

        #expect(try node.state("SZ-1") == "authorized")
        #expect(try node.store.claim("SZ-1")?.isBeingWithdrawn == false)
        #expect(try desk.agrees())
        let refusal = try desk.refused(.conflict) { try desk.withdraw() }
        #expect(refusal?.message.contains("once its payment is cancelled or paid back") == true)
    }

    @Test("once its payment is cancelled, a claim can be withdrawn, also when that was too late before")
    func withdrawnAfterCancellation() throws {
        try withdrawDuringRelease()
        try node.sync(with: registry)
        try desk.takeAndSync(PaymentDesk.cancelled)
        #expect(try node.state("SZ-1") == "reserved")
        #expect(try desk.entries { try desk.withdraw() } == [.claimWithdrawn])
        try node.sync(with: registry)

        #expect(try node.state("SZ-1") == "withdrawn")
    }

    @Test("a claim that was withdrawn before its payment was found can be withdrawn again once that is cancelled")
    func foundAfterWithdrawal() throws {
        try desk.reach(.requested)
        try desk.withdraw()
        try node.sync(with: registry)
        try #require(try node.state("SZ-1") == "withdrawn")
        let reference = try #require(PaymentReference("000102030405060708090a0b0c0d0e0f"))
        try registry.find(reference, filedBy: try #require(try node.log().first { $0.kind == .claimFiled }))
        try node.pull(from: registry)
        #expect(try node.state("SZ-1") == "authorized")
        #expect(try desk.agrees())
        try desk.takeAndSync(PaymentDesk.cancelled)

        #expect(try desk.entries { try desk.withdraw() } == [.claimWithdrawn])
        try node.sync(with: registry)
        #expect(try node.state("SZ-1") == "withdrawn")
    }

    @Test(
        "a claim whose payment is authorised, and not ended, is not withdrawn",
        arguments: [PaymentDesk.Place.authorized, .released, .submitted, .paid, .reversed])
    func notWithdrawn(place: PaymentDesk.Place) throws {
        try desk.reach(place)

        try desk.refused(.conflict) { try desk.withdraw() }
    }

    // MARK: Rulings and money that comes back

    @Test("a request ends with its claim when a ruling goes against it")
    func ruledOut() throws {
        let desk = try PaymentDesk(PaymentDesk.receipt)
        try desk.reach(.requested)
        try desk.ruleOut()

        #expect(try desk.node.state("SZ-1") == "refused")
        #expect(try desk.node.store.payment(ofClaim: "SZ-1") == nil)
        try desk.refused(.conflict) { try desk.take(.request) }
    }

    @Test("a payment that a ruling stops is shown so, is not submitted, and ends when it is cancelled")
    func stopped() throws {
        let desk = try PaymentDesk(PaymentDesk.receipt)
        try desk.reach(.authorized)
        try desk.ruleOut()
        #expect(try desk.view().isStopped)
        #expect(try desk.view().stage == "authorized")
        #expect(try desk.view().clawback == Money(rawValue: 2_000_000))
        try desk.hear([.shenzhen, .beijing])
        #expect(try desk.view().stage == "released")
        #expect(try desk.view().isStopped)
        #expect(try desk.agrees())
        let refusal = try desk.refused(.conflict) { try desk.take(.submit) }
        #expect(refusal?.message.contains("stopped") == true)
        try desk.takeAndSync(PaymentDesk.cancelled)

        #expect(try desk.view().stage == "failed")
        #expect(try desk.node.state("SZ-1") == "refused")
        try desk.refused(.conflict) { try desk.take(.request) }
    }

    @Test("a payment that was stopped before the city knew is refused by the registry when it is submitted")
    func stoppedMeanwhile() throws {
        let desk = try PaymentDesk(PaymentDesk.receipt)
        try desk.reach(.released)
        try desk.take(.submit)
        try desk.ruleOut()
        try desk.node.sync(with: desk.registry)

        #expect(try desk.view().isStopped)
        #expect(try desk.view().problem?.contains("stopped") == true)
        // The registry does not hold that word: the bank is not called.
        #expect(try !desk.view().isSubmissionReceived)
        #expect(try desk.agrees())
    }

    @Test("what comes back in parts adds up, and the claim is reversed with the last of them")
    func refunds() throws {
        try desk.reach(.paid)
        try desk.takeAndSync(.reverse(PaymentDesk.record("R1", 500_000), reason: "红冲"))
        #expect(try desk.view().refunded == Money(rawValue: 500_000))
        #expect(try node.state("SZ-1") == "paid")
        try desk.takeAndSync(.reverse(PaymentDesk.record("R2", 1_600_000), reason: "红冲"))
        #expect(try desk.view().problem?.contains("15000.00") == true)
        #expect(try desk.view().refunded == Money(rawValue: 500_000))
        try desk.takeAndSync(.reverse(PaymentDesk.record("R3", 1_500_000), reason: "红冲"))

        #expect(try desk.view().problem == nil)
        #expect(try desk.view().stage == "reversed")
        #expect(try desk.view().refunded == Money(rawValue: 2_000_000))
        #expect(try node.state("SZ-1") == "reversed")
        #expect(try desk.agrees())
    }

    // MARK: The feed

    @Test("payments of other cities are not seen, and what only their cities may read stops nobody")
    func others() throws {
        try registry.requestInBeijing(2)
        try desk.hear([.shenzhen])
        try desk.hear([.shenzhen, .beijing])

        #expect(registry.outcomes.last?.effects.first?.payment?.stage == .released)
        #expect(try node.store.payments(limit: 10) == [])
        #expect(try node.state("SZ-1") == "reserved")
        #expect(try node.store.feedHead() == registry.head)
    }

    /// What can have happened to what the city alone reads.
    enum Harm: CaseIterable { case firstBit, lastBit, cut, empty, otherPosition }

    private func harmed(_ entry: FeedEntry, _ harm: Harm) throws -> FeedEntry {
        var entry = entry
        let index = try #require(entry.effects.firstIndex { $0.payment != nil })
        var bytes = entry.effects[index].detail
        switch harm {
        case .firstBit: bytes[0] ^= 1
        case .lastBit: bytes[bytes.count - 1] ^= 0x80
        case .cut: bytes.removeLast()
        case .empty: bytes = []
        case .otherPosition: bytes = try #require(registry.feed.dropLast().last?.entry.effects.first).detail
        }
        entry.effects[index].detail = bytes
        return entry
    }

    @Test("a page in which a payment's detail is damaged is refused whole", arguments: Harm.allCases)
    func damaged(harm: Harm) throws {
        try desk.reach(.requested)
        try registry.hear([.beijing])
        let forged = FeedCoding.encode(try harmed(try #require(registry.feed.last).entry, harm))

        try desk.refused(.damaged) {
            try node.store.apply([forged], sealed: forged.head, detailKey: TestNode.identity.detailKey, now: .noon)
        }
        try node.pull(from: registry)
        #expect(try desk.agrees())
    }

    @Test("pages of any size lead to the same payment", arguments: [1, 2, 3])
    func pageSizes(size: Int) throws {
        try desk.reach(.requested)
        try registry.hear([.beijing])
        try registry.requestInBeijing(2)
        try registry.hear([.shenzhen, .beijing])
        let page = registry.page(after: try node.store.feedHead())
        for start in stride(from: 0, to: page.count, by: size) {
            let part = Array(page[start..<min(start + size, page.count)])
            let head = try #require(part.last).head
            try node.store.apply(part, sealed: head, detailKey: TestNode.identity.detailKey, now: .noon)
        }

        #expect(try desk.view() == expected("released"))
    }

    // MARK: Lists

    @Test("payments are listed in the order of their claims, by stage, a page after a claim")
    func lists() throws {
        try node.file(Form.claim(2), Form.claim(3), Form.claim(4))
        try node.sync(with: registry)
        for number in ["SZ-3", "SZ-1"] { try desk.take(.request, ofClaim: number) }
        try node.sync(with: registry)
        try desk.hear([.beijing])
        try desk.take(.request, ofClaim: "SZ-4")

        func listed(_ stage: String?, after id: Int64 = 0, limit: Int = 10) throws -> [String] {
            try node.store.payments(stage: stage, after: id, limit: limit).map(\.claimNumber)
        }
        let ids = try node.store.claims(limit: 10).map(\.id)
        #expect(try listed(nil) == ["SZ-1", "SZ-3", "SZ-4"])
        #expect(try listed(nil, limit: 2) == ["SZ-1", "SZ-3"])
        #expect(try listed(nil, after: ids[0], limit: 1) == ["SZ-3"])
        #expect(try listed("authorized") == ["SZ-1", "SZ-3"])
        #expect(try listed("authorized", after: ids[0]) == ["SZ-3"])
        #expect(try listed("asked") == ["SZ-4"])
        #expect(try listed("paid") == [])
        #expect(try node.store.payments(ofClaims: Array(ids[0...1])) == [ids[0]: desk.view()])
        #expect(try node.store.payments(ofClaims: []) == [:])
    }

    // MARK: Crashes

    @Test("payments outlive the process wherever they stand", arguments: PaymentDesk.Place.allCases)
    func outlives(place: PaymentDesk.Place) throws {
        try desk.reach(place)
        let (before, payments) = (try desk.everything(), try node.store.payments(limit: 10))
        try node.reopen()

        #expect(try desk.everything() == before)
        #expect(try node.store.payments(limit: 10) == payments)
        #expect(throws: Never.self) { try node.store.verifyLog() }
    }

    @Test("a payment goes its way though the process ends after each step")
    func restarts() throws {
        let way: [() throws -> Void] = [
            { try desk.take(.request) }, { try node.sync(with: registry) }, { try desk.hear([.beijing]) },
            { try desk.hear([.shenzhen, .beijing]) }, { try desk.take(.submit) }, { try desk.take(.submit) },
            { try node.sync(with: registry) }, { try desk.take(.confirm(PaymentDesk.bank)) },
            { try desk.take(.confirm(PaymentDesk.bank)) }, { try node.sync(with: registry) },
        ]
        for step in way {
            try step()
            try node.reopen()
        }

        #expect(try desk.view() == expected("paid", isSubmissionReceived: true))
        #expect(try node.log().map(\.kind).filter { $0 == .paymentSubmitted || $0 == .paymentConfirmed }.count == 2)
        #expect(try node.store.verifyLog() == 5)
    }

    @Test("when a step cannot be kept, nothing is said", arguments: [PaymentDesk.Place.reserved, .released])
    func atomic(place: PaymentDesk.Place) throws {
        let step: CityStore.PaymentStep = place == .reserved ? .request : .submit
        try desk.reach(place)
        for event in ["INSERT", "UPDATE"] {
            try node.execute(
                "CREATE TRIGGER broken_\(event) BEFORE \(event) ON payment BEGIN SELECT RAISE(ABORT, 'no'); END")
        }
        let before = try desk.everything()

        #expect(throws: DatabaseError.self) { try desk.take(step) }
        #expect(try desk.everything() == before)
        for event in ["INSERT", "UPDATE"] { try node.execute("DROP TRIGGER broken_\(event)") }
        #expect(try desk.entries { try desk.take(step) }.count == 1)
    }

    @Test("when a payment's answer cannot be kept, nothing of its page is")
    func atomicPage() throws {
        try desk.reach(.requested)
        try registry.hear([.beijing])
        try node.execute(
            "CREATE TRIGGER broken BEFORE UPDATE OF reference ON payment BEGIN SELECT RAISE(ABORT, 'no'); END")
        let before = try desk.everything()

        #expect(throws: DatabaseError.self) { try node.pull(from: registry) }
        #expect(try desk.everything() == before)
        try node.execute("DROP TRIGGER broken")
        try node.pull(from: registry)
        #expect(try desk.view() == expected("authorized"))
    }
}
