import Arbitration
import FederationWire
import Foundation
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import CityStore

@Suite("A store that went on beside its city's log")
struct LateEntryTests {
    /// The store that the registry followed, and a copy of its earlier state that went on by itself.
    private struct Fork {
        let main = fixture(try? TestNode(), "node")
        let copy = fixture(try? TestNode(), "copy")
        let registry = fixture(try? TestRegistry(), "registry")
        private(set) var base: [Entry] = []

        /// The copy is made once `write` is done and a receipt for it is there.
        init(after write: (TestNode) throws -> Void) throws {
            try main.issueVoucher()
            try write(main)
            try main.push(to: registry)
            try copy.store.become(main.store)
            base = try main.log()
            try main.start(.second)
        }

        var aside: [Entry] { get throws { Array(try copy.log().dropFirst(base.count)) } }

        /// What the copy does once it is put in place: it gets the registry's record, page by page, and a new grant.
        func merge(pages size: Int = 100) throws {
            try main.push(to: registry)
            try put(copy, inPlaceOf: main, .third, pages: size)
        }

        /// One of both goes on where the registry's record of the other one ends.
        func put(_ node: TestNode, inPlaceOf other: TestNode, _ epoch: Epoch, pages size: Int = 100) throws {
            try node.store.markRestored()
            let log = try other.log()
            while case let head = try node.store.receivedHead(), head.sequence < log.count {
                let page = Array(log.dropFirst(Int(head.sequence)).prefix(size))
                try node.store.takeBack(page, [try registry.receipt(through: try #require(page.last?.head))])
                // It may be switched off after any of them.
                try node.reopen()
            }
            try node.start(epoch)
        }
    }

    private static let fourth = Epoch(incarnation: 1, counter: 4, nonce: 4)

    private static func isSame(_ one: Entry, _ other: Entry) -> Bool {
        one.id == other.id && one.kind == other.kind && one.payload == other.payload
    }

    @Test("the registry's record stands, and what was written beside it follows, with its ids, under the new epoch")
    func appendedAgain() throws {
        let fork = try Fork { try $0.file(Form.claim(1), Form.claim(2)) }
        try fork.main.file(Form.claim(3))
        try fork.copy.file(Form.claim(4, line: 7, ["provider_uscc": "91110108MA5PRQDRO7"]))
        try fork.copy.store.withdraw(claimNumber: "SZ-1", reason: "改正", now: .noon)
        let aside = try fork.aside

        try fork.merge()

        let (log, record) = (try fork.copy.log(), try fork.main.log())
        #expect(Array(log.prefix(record.count)) == record)
        let added = Array(log.dropFirst(record.count))
        #expect(added.map(\.kind) == [.nodeStarted, .claimFiled, .claimWithdrawn])
        #expect(zip(added.dropFirst(), aside).allSatisfy(Self.isSame))
        #expect(added.allSatisfy { $0.epoch == .third })
        #expect(try fork.copy.store.verifyLog() == log.count)
        let claim = try #require(try fork.copy.store.claim("SZ-4"))
        #expect(claim.sourceRow == 7)
        #expect(claim.repairs.map(\.typed) == ["91110108MA5PRQDRO7"])
        #expect(try fork.copy.store.claim("SZ-1")?.isBeingWithdrawn == true)
        #expect(try fork.copy.state("SZ-3") == "received")
    }

    @Test("an officer is shown what was appended late, and what became of it, until it is noted as seen")
    func listed() throws {
        let fork = try Fork { try $0.file(Form.claim(1)) }
        try fork.main.file(Form.claim(2))
        try fork.copy.file(Form.claim(2, ["claimed_yuan": "19000.00"]), Form.claim(3))
        try fork.merge()
        #expect(try fork.copy.store.syncState().unseenLate == 2)
        try decideAll(fork)

        let late = try fork.copy.store.lateEntries()

        #expect(late.map(\.subject) == ["SZ-2", "SZ-3"])
        #expect(late.map(\.decision) == [.invalid, .reserved])
        #expect(late.map(\.writtenSequence) == [3, 4])
        #expect(late.map(\.sequence) == [6, 7])
        // The claim that the registry has under the number is the one that officers see.
        #expect(try fork.copy.store.claim("SZ-2")?.fields["claimed_yuan"] == "20000.00")
        #expect(try fork.copy.state("SZ-2") == "reserved")
        try fork.copy.store.noteLateEntriesSeen()
        #expect(try fork.copy.store.syncState().unseenLate == 0)
        #expect(try fork.copy.store.lateEntries().allSatisfy(\.isSeen))
    }

    @Test("what was said of a claim whose number the log gives to another one is withheld: that one stands")
    func withheld() throws {
        let fork = try Fork { try $0.file(Form.claim(1)) }
        try fork.main.file(Form.claim(2))
        try fork.copy.file(Form.claim(2, ["claimed_yuan": "19000.00"]))
        try fork.copy.store.withdraw(claimNumber: "SZ-2", reason: "填错", now: .noon)
        try fork.copy.store.withdraw(claimNumber: "SZ-1", reason: "改正", now: .noon)
        // A voucher may have a claim's number.
        try fork.copy.issue([Form.voucher("SZ-2")])
        try fork.merge()

        let late = try fork.copy.store.lateEntries()
        #expect(late.map(\.isWithheld) == [false, true, false, false])
        try decideAll(fork)
        #expect(try fork.copy.state("SZ-2") == "reserved")
        #expect(try fork.copy.state("SZ-1") == "withdrawn")
        // Another start does not think better of it.
        try fork.copy.start(Self.fourth)
        #expect(try fork.copy.store.lateEntries().map(\.sequence) == late.map(\.sequence))
    }

    @Test("what was said of the record's claim after a first fork is not withheld after a second one")
    func wordAboutTheRecord() throws {
        let fork = try Fork { try $0.file(Form.claim(1)) }
        try fork.main.file(Form.claim(2))
        try fork.copy.file(Form.claim(2, ["claimed_yuan": "19000.00"]))
        try fork.merge()
        // The only claim that is shown under the number is the record's; then the log goes on elsewhere once more.
        try fork.copy.store.withdraw(claimNumber: "SZ-2", reason: "改正", now: .noon)
        try fork.main.file(Form.claim(3))
        try fork.main.push(to: fork.registry)
        try fork.put(fork.copy, inPlaceOf: fork.main, Self.fourth)

        #expect(try fork.copy.store.lateEntries().allSatisfy { !$0.isWithheld })
        try decideAll(fork)
        #expect(try fork.copy.state("SZ-2") == "withdrawn")
    }

    @Test("a claim that was withdrawn in both is withdrawn, whichever withdrawal took effect")
    func withdrawnTwice() throws {
        let fork = try Fork { try $0.file(Form.claim(1)) }
        for node in [fork.main, fork.copy] {
            try node.store.withdraw(claimNumber: "SZ-1", reason: "改正", now: .noon)
        }
        try fork.merge()

        try decideAll(fork)
        #expect(try fork.copy.state("SZ-1") == "withdrawn")
        #expect(try fork.copy.store.lateEntries().map(\.decision) == [.unchanged])
    }

    /// The registry decides the whole log of the copy, which applies that.
    private func decideAll(_ fork: Fork) throws {
        try fork.copy.push(to: fork.registry)
        for entry in try fork.copy.log() { try fork.registry.decide(entry) }
        try fork.copy.pull(from: fork.registry)
    }

    @Test("entries that the registry had received, but for which no receipt arrived, are not written beside anything")
    func receiptLost() throws {
        let fork = try Fork { try $0.file(Form.claim(1)) }
        try fork.main.file(Form.claim(2))
        try fork.copy.store.become(fork.main.store)
        try fork.copy.file(Form.claim(3))

        try fork.merge()

        #expect(try fork.copy.store.lateEntries() == [])
        #expect(try fork.copy.log().map(\.kind).suffix(3) == [.claimFiled, .claimFiled, .nodeStarted])
    }

    @Test("a log that forks twice loses nothing, and nothing is there twice")
    func forkedTwice() throws {
        let fork = try Fork { try $0.file(Form.claim(1)) }
        try fork.main.file(Form.claim(2))
        try fork.copy.file(Form.claim(3))
        try fork.merge()
        // The main store is put in place once more, and has got nothing of that.
        try fork.copy.push(to: fork.registry)
        try fork.main.file(Form.claim(4))
        try fork.put(fork.main, inPlaceOf: fork.copy, Self.fourth)

        let log = try fork.main.log()
        #expect(Set(log.map(\.id)).count == log.count)
        #expect(try fork.main.store.claimStates().map(\.number).sorted() == (1...4).map { "SZ-\($0)" })
        #expect(try fork.main.store.lateEntries().map(\.subject) == ["SZ-4"])
    }

    @Test("a registry that has another entry than it gave a receipt for is not believed")
    func receiptedEntry() throws {
        let fork = try Fork { try $0.file(Form.claim(1)) }
        try fork.main.file(Form.claim(2))
        try fork.copy.file(Form.claim(3))
        try fork.copy.push(to: fork.registry)
        try fork.copy.store.markRestored()
        let before = try fork.copy.everything()
        let record = try fork.main.log()

        #expect(throws: StoreRefusal.self) {
            try fork.copy.store.takeBack(
                Array(record.dropFirst(fork.base.count)),
                [try fork.registry.receipt(through: record[record.count - 1].head)])
        }
        #expect(try fork.copy.everything() == before)
    }

    @Test("whatever both wrote, nothing is lost, and the store is what the registry would give back", arguments: 1...40)
    func anyFork(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed))
        func write(_ node: TestNode, _ acts: Int) throws {
            for _ in 0..<acts {
                let index = Int.random(in: 1...6, using: &random)
                switch Int.random(in: 0..<10, using: &random) {
                case 0: try node.issue([Form.voucher("SLQ-\(index)")])
                case 1...3: try? node.store.withdraw(claimNumber: "SZ-\(index)", reason: "改正", now: .noon)
                case 4: try node.file(Form.claim(index, ["claimed_yuan": "many"]))
                default:
                    let amount = Bool.random(using: &random) ? "20000.00" : "1\(index)000.00"
                    try node.file(Form.claim(index, line: index, ["claimed_yuan": amount]))
                }
            }
        }
        let fork = try Fork { try write($0, Int.random(in: 0...4, using: &random)) }
        try write(fork.main, Int.random(in: 0...6, using: &random))
        try write(fork.copy, Int.random(in: 0...6, using: &random))
        let aside = try fork.aside

        try fork.merge(pages: Int.random(in: 1...4, using: &random))

        let (log, record) = (try fork.copy.log(), try fork.main.log())
        #expect(Array(log.prefix(record.count)) == record)
        let late = try fork.copy.store.lateEntries()
        #expect(late.map(\.writtenSequence) == aside.map(\.sequence))
        let appended = zip(aside, late).filter { !$1.isWithheld }.map(\.0)
        #expect(log.count == record.count + 1 + appended.count)
        #expect(zip(log.suffix(appended.count), appended).allSatisfy(Self.isSame))
        #expect(try fork.copy.store.verifyLog() == log.count)

        let rebuilt = try TestNode()
        try rebuilt.store.markRestored()
        try rebuilt.store.takeBack(log, [try fork.registry.receipt(through: log[log.count - 1].head)])
        for query in [
            "SELECT claim_no, sequence, fields, withdrawal_sequence FROM claim WHERE sequence IS NOT NULL ORDER BY claim_no",
            "SELECT voucher_no, sequence, fields FROM voucher ORDER BY voucher_no",
        ] {
            #expect(try fork.copy.rows(query) == rebuilt.rows(query))
        }
    }
}
