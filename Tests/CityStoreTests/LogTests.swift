import FederationWire
import GRDB
import Replication
import Testing

@testable import CityStore

@Suite("The city's log")
struct LogTests {
    private let node: TestNode

    init() throws { node = try TestNode() }

    private static let twentyYears: UInt64 = 20 * 365 * 86_400_000

    @Test("the log is gapless from one and each entry names the hash of the one before")
    func chained() throws {
        try node.issueVoucher()
        for index in 1...5 { try node.file(Form.claim(index), Form.claim(index + 10)) }
        try node.start(.second)
        var chain = Chain(city: .shenzhen, head: .empty, time: .zero)
        for entry in try node.log() { try chain.append(entry) }

        #expect(chain.head.sequence == 12)
        #expect(try node.store.syncState().logHead == 12)
        let hashes = try node.store.pool.read { database in
            try [12, 13, .max].map { try CityStore.hash(at: $0, database) }
        }
        #expect(hashes == [chain.head.hash, nil, nil])
        #expect(try node.store.verifyLog() == 12)
    }

    @Test(
        "clocks rise from entry to entry whatever the wall clock does",
        arguments: [
            [UInt64.noon, .noon, .noon], [.noon, .noon - 3_600_000, .noon],
            [.noon, .noon - twentyYears, .noon - twentyYears], [.noon, .noon + twentyYears, .noon],
            [.noon, 0, 0], [0, 0, 0], [.noon, .noon + 1, .noon + 1],
        ])
    func clocksRise(readings: [UInt64]) throws {
        for (index, now) in readings.enumerated() {
            try node.issue([Form.voucher("A\(index)"), Form.voucher("B\(index)")], now: now)
        }
        let times = try node.log().map(\.time)

        #expect(times.count == 6)
        #expect(zip(times, times.dropFirst()).allSatisfy { $0 < $1 })
        #expect(times.last.map { $0.milliseconds >= readings.max() ?? 0 } == true)
    }

    @Test("clocks go on rising after a restart with a clock that was set back")
    func clocksRiseAfterRestart() throws {
        try node.issueVoucher(now: .noon)
        try node.reopen()
        try node.file(Form.claim(1), now: .noon - Self.twentyYears)

        let times = try node.log().map(\.time)
        #expect(times[0] < times[1])
    }

    @Test("each entry names the newest feed head that was applied")
    func namesFeedHead() throws {
        let registry = try TestRegistry()
        try node.issueVoucher()
        try node.sync(with: registry)
        let head = try node.store.feedHead()
        try node.file(Form.claim(1))

        #expect(try node.log().map(\.feedHead) == [.empty, head])
        #expect(head.position == 2)
    }

    @Test("a new epoch begins with one note that a process started, and the chain goes on")
    func newEpoch() throws {
        try node.issueVoucher()
        let nonce = [UInt8](repeating: 9, count: 16)
        let hello = try node.store.prepareHello(processNonce: nonce)
        try node.start(.second, nonce: nonce)
        try node.start(.second, nonce: nonce)

        #expect(hello.epoch == .first)
        #expect(try node.log().map(\.epoch) == [.first, .second])
        #expect(try node.log().last?.kind == .nodeStarted)
        #expect(try node.store.syncState().epoch == .second)
        #expect(try node.store.verifyLog() == 2)
    }

    private func nonce(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: 16) }

    private func numbered(_ index: Int) -> [UInt8] {
        [UInt8](repeating: 0, count: 14) + [UInt8(index / 256), UInt8(index % 256)]
    }

    /// What the registry says of who holds the log.
    private func holder(_ epoch: Epoch, _ nonce: [UInt8]) -> LogPage {
        LogPage(entries: [], receipts: [], grantedEpoch: epoch, processNonce: nonce)
    }

    @Test("a hello names both heads and the epoch that was adopted last, also after restarts")
    func hello() throws {
        try node.issueVoucher()
        _ = try node.store.prepareHello(processNonce: nonce(3))
        try node.reopen()
        let second = try node.store.prepareHello(processNonce: nonce(4))
        let repeated = try node.store.prepareHello(processNonce: nonce(4))

        #expect(second.processNonce == nonce(4))
        #expect(repeated == second)
        #expect(second.epoch == .first)
        #expect(second.promise == 0)
        #expect(second.logHead == (try node.log().last?.head))
        #expect(second.feedHead == .empty)
        #expect(second.city == .shenzhen)
    }

    @Test("a fenced hello is followed by one that names the epoch which an earlier process of the store was granted")
    func follows() throws {
        for byte: UInt8 in [3, 4] { _ = try node.store.prepareHello(processNonce: nonce(byte)) }
        try node.reopen()
        let fenced = try node.store.prepareHello(processNonce: nonce(5))

        for byte: UInt8 in [3, 4] {
            let next = try node.store.hello(after: fenced, followingThatOf: holder(.second, nonce(byte)))
            #expect(next?.epoch == .second)
            #expect(next?.processNonce == nonce(5))
            #expect(next?.logHead == fenced.logHead)
        }
        #expect(try node.store.hello(after: fenced, followingThatOf: holder(.second, nonce(6))) == nil)
        #expect(try node.store.hello(after: fenced, followingThatOf: holder(.second, [])) == nil)
    }

    @Test("a hello names what was compared, and so does the one that follows it")
    func namesCompared() throws {
        try node.issueVoucher()
        let compared = try node.store.logHead()
        _ = try node.store.prepareHello(processNonce: nonce(3))
        let fenced = try node.store.prepareHello(processNonce: nonce(5), compared: compared)

        #expect(fenced.compared == compared)
        let next = try node.store.hello(after: fenced, followingThatOf: holder(.second, nonce(3)))
        #expect(next?.compared == compared)
    }

    @Test("a store that lacks what the holder has written is an old copy: it does not stand in the holder's way")
    func lacksEntries() throws {
        _ = try node.store.prepareHello(processNonce: nonce(3))
        let fenced = try node.store.prepareHello(processNonce: nonce(5))
        try node.issueVoucher()
        let ahead = LogPage(
            entries: try node.log(), receipts: [], grantedEpoch: .second, processNonce: nonce(3))

        #expect(try node.store.hello(after: fenced, followingThatOf: ahead) == nil)
        try node.store.markRestored()
        #expect(try node.store.hello(after: fenced, followingThatOf: ahead)?.epoch == .second)
    }

    @Test("the process of the adopted grant is no sign of a lost answer: a clone knows it too, until it speaks again")
    func clonedHolder() throws {
        let clone = try node.store.prepareHello(processNonce: nonce(5))
        #expect(try node.store.hello(after: clone, followingThatOf: holder(.second, nonce(7))) == nil)

        _ = try node.store.prepareHello(processNonce: nonce(7))
        let restarted = try node.store.prepareHello(processNonce: nonce(6))
        #expect(try node.store.hello(after: restarted, followingThatOf: holder(.second, nonce(7)))?.epoch == .second)
    }

    @Test("a grant ends the memory of the nonces before it")
    func grantForgetsNonces() throws {
        for byte: UInt8 in [3, 4] { _ = try node.store.prepareHello(processNonce: nonce(byte)) }
        try node.start(.second, nonce: nonce(4))
        let fenced = try node.store.prepareHello(processNonce: nonce(5))

        for byte: UInt8 in [3, 4] {
            #expect(try node.store.hello(after: fenced, followingThatOf: holder(.third, nonce(byte))) == nil)
        }
    }

    @Test("of very many processes without an answer the newest are remembered")
    func manyNonces() throws {
        for index in 0..<70 {
            _ = try node.store.prepareHello(processNonce: numbered(index))
        }
        let fenced = try node.store.prepareHello(processNonce: nonce(9))

        for (index, isRemembered) in [(0, false), (6, false), (7, true), (69, true)] {
            let next = try node.store.hello(after: fenced, followingThatOf: holder(.second, numbered(index)))
            #expect((next != nil) == isRemembered, "\(index)")
        }
    }

    @Test("a store that was put back follows whoever holds the log, until it has a grant")
    func restored() throws {
        try node.store.markRestored()
        let fenced = try node.store.prepareHello(processNonce: nonce(5))
        #expect(try node.store.hello(after: fenced, followingThatOf: holder(.second, nonce(9)))?.epoch == .second)
        #expect(try node.store.hello(after: fenced, followingThatOf: holder(.first, nonce(9))) == nil)

        try node.start(.third, nonce: nonce(5))
        #expect(try node.store.hello(after: fenced, followingThatOf: holder(.second, nonce(9))) == nil)
    }

    /// What the registry says of the log, which another process holds.
    private func record(_ entries: [Entry], grantedEpoch: Epoch = .first) -> LogPage {
        LogPage(entries: entries, receipts: [], grantedEpoch: grantedEpoch, processNonce: nonce(7))
    }

    @Test("before its first hello a process compares what the registry has behind the last receipt, to the end")
    func compares() throws {
        try node.issueVoucher()
        try node.push(to: try TestRegistry())
        try node.file(Form.claim(1), Form.claim(2))
        let log = try node.log()

        // The answer to a push of one of both was lost.
        let head = try #require(try node.store.headToCompare(processNonce: nonce(5)))
        #expect(head == log[0].head)
        #expect(try node.store.compare(record([log[1]]), after: head) == log[1].head)
        #expect(try node.store.compare(record([]), after: log[1].head) == nil)
    }

    @Test("a copy that another store of the city has outrun stops, whatever it has written itself", arguments: [0, 1])
    func outrun(written: Int) throws {
        let copy = try TestNode()
        try node.issueVoucher()
        try copy.store.become(node.store)
        try node.file(Form.claim(1), Form.claim(2))
        for index in 0..<written { try copy.file(Form.claim(10 + index)) }
        let before = try copy.everything()

        let log = try node.log()
        let refusal = #expect(throws: StoreRefusal.self) {
            try copy.store.compare(record(Array(log.dropFirst())), after: log[0].head)
        }
        #expect(refusal?.code == .damaged)
        #expect(refusal?.message.contains("entry 2") == true)
        #expect(refusal?.message.contains("city-node restore --in-place") == true)
        #expect(try copy.everything() == before)
    }

    @Test("a page that comes again is no end of asking")
    func repeatedPage() throws {
        try node.issueVoucher()
        try node.file(Form.claim(1))
        let first = try node.log()[0]

        #expect(try node.store.compare(record([first]), after: .empty) == first.head)
        #expect(throws: StoreRefusal.self) { try node.store.compare(record([first]), after: first.head) }
    }

    @Test("the process that holds the grant asks nothing, nor does a store that was put back")
    func comparesNothing() throws {
        try node.start(.second, nonce: nonce(5))
        #expect(try node.store.headToCompare(processNonce: nonce(5)) == nil)
        #expect(try node.store.headToCompare(processNonce: nonce(6)) == .empty)

        try node.store.markRestored()
        #expect(try node.store.headToCompare(processNonce: nonce(6)) == nil)
    }

    @Test("a registry that the city has outlived is not compared with: it refuses the hello, and is told so")
    func outlivedRegistry() throws {
        let other = try TestNode()
        try other.issueVoucher()
        try node.start(Epoch(incarnation: 2, counter: 2, nonce: 1))

        #expect(try node.store.compare(record(try other.log()), after: .empty) == nil)
    }

    @Test("a new key's grant is taken over unless the log could not go on under it: below the epoch that the store has")
    func lowerGrantOfJoin() throws {
        try node.start(.second)
        let before = try node.everything()
        for epoch in [Epoch.first, Epoch(incarnation: 1, counter: 2, nonce: 0)] {
            let refusal = #expect(throws: StoreRefusal.self) {
                try node.store.rekey(TestNode.identity, epoch: epoch, processNonce: nonce(9))
            }
            #expect(refusal?.code == .conflict)
        }
        #expect(try node.everything() == before)

        // The answer of the join was lost, and it came again.
        for epoch in [Epoch.second, .third] {
            try node.store.rekey(TestNode.identity, epoch: epoch, processNonce: nonce(9))
            try node.issue([Form.voucher("V-\(epoch.counter)")])
        }
        #expect(try node.log().map(\.epoch) == [.second, .second, .third])
        #expect(try node.store.verifyLog() == 3)
    }

    @Test("a new key's grant of a registry that the city has promised to accept nothing of is not taken over")
    func outlivedGrantOfJoin() throws {
        let call = RecoveryCall(city: .shenzhen, incarnation: 3, recoveryID: nonce(1))
        try node.store.promise(call, signed: try call.signed(by: .registry))

        #expect(throws: StoreRefusal.self) {
            try node.store.rekey(
                TestNode.identity, epoch: Epoch(incarnation: 2, counter: 9, nonce: 1), processNonce: nonce(9))
        }
        try node.store.rekey(
            TestNode.identity, epoch: Epoch(incarnation: 3, counter: 1, nonce: 1), processNonce: nonce(9))
    }

    @Test("nothing is written under a lower epoch than that of the last entry")
    func epochsRise() throws {
        try node.start(.second)
        let before = try node.everything()

        #expect(throws: StoreRefusal.self) { try node.start(.first) }

        #expect(try node.everything() == before)
    }

    @Test("every entry has an id of its own")
    func ids() throws {
        try node.issue((1...40).map { Form.voucher("SLQ-\($0)") }, now: .noon)

        #expect(Set(try node.log().map(\.id)).count == 40)
    }
}
