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
        #expect(try node.store.hash(at: 12) == chain.head.hash)
        #expect(try node.store.hash(at: 13) == nil)
        #expect(try node.store.hash(at: .max) == nil)
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

    @Test("a hello names both heads and every nonce since the last grant, also after restarts")
    func hello() throws {
        try node.issueVoucher()
        let nonces = [7, 3, 4].map { [UInt8](repeating: $0, count: 16) }
        let first = try node.store.prepareHello(processNonce: nonces[1])
        try node.reopen()
        let second = try node.store.prepareHello(processNonce: nonces[2])
        let repeated = try node.store.prepareHello(processNonce: nonces[2])

        #expect(first.previousProcessNonces == [nonces[0]])
        #expect(second.previousProcessNonces == [nonces[0], nonces[1]])
        #expect(second.processNonce == nonces[2])
        #expect(repeated == second)
        #expect(second.logHead == (try node.log().last?.head))
        #expect(second.feedHead == .empty)
        #expect(second.city == .shenzhen)
    }

    @Test("a grant ends the memory of the nonces before it")
    func grantForgetsNonces() throws {
        let nonces = [3, 4].map { [UInt8](repeating: $0, count: 16) }
        _ = try node.store.prepareHello(processNonce: nonces[0])
        try node.start(.second, nonce: nonces[0])

        #expect(try node.store.prepareHello(processNonce: nonces[1]).previousProcessNonces == [nonces[0]])
    }

    @Test("every entry has an id of its own")
    func ids() throws {
        try node.issue((1...40).map { Form.voucher("SLQ-\($0)") }, now: .noon)

        #expect(Set(try node.log().map(\.id)).count == 40)
    }
}
