import Arbitration
import FederationWire
import Replication
import Testing
import VoucherDomain

@testable import CityStore

/// A city's store between builds of two ages (FAULTS.md, F23).
@Suite("A city beside another version")
struct SkewTests {
    private let node: TestNode
    private let registry: TestRegistry
    private static let future = EntryKind(rawValue: 777)

    init() throws {
        node = try TestNode()
        registry = try TestRegistry()
        try node.issueVoucher()
    }

    @Test("a kind that this build does not know is kept, all else is applied, and the node says that it is old")
    func newerRegistry() throws {
        try registry.append(Self.future, [0xFF, 0x00], by: .registry)
        try registry.fileInBeijing(90)
        try registry.append(Self.future, [], by: .beijing)
        try node.file(Form.claim(1))
        try node.sync(with: registry)

        #expect(try node.store.feedHead() == registry.head)
        #expect(try node.state("SZ-1") == "reserved")
        #expect(try node.store.syncState().unreadKind == Self.future)
        #expect(try node.store.syncState().unreadByRegistry == 0)
        #expect(try node.store.verifyLog() == 2)
        let standing = RecoveryStanding(
            incarnation: 2, logHead: .empty, feedHead: .empty, wantsFeed: true, isComplete: false)
        let page = try #require(try node.store.refillPage(standing, signer: .city))
        #expect(page.feed == registry.feed.map(\.bytes))
    }

    @Test("a build that knows the kind needs no update, and a feed without it needs none either")
    func updatedNode() throws {
        try node.sync(with: registry)
        #expect(try node.store.syncState().unreadKind == nil)
        try registry.append(Self.future, [], by: .registry)
        try node.sync(with: registry)

        try node.reopen()
        #expect(try node.store.syncState().unreadKind == Self.future)
        try node.reopen(
            as: Dialect(versions: [1, 2], kinds: Dialect.current.kinds.union([Self.future])))
        #expect(try node.store.syncState().unreadKind == nil)
        #expect(try node.store.prepareHello(processNonce: .init(repeating: 9, count: 16)).versions == [1, 2])
    }

    @Test("an older registry's answer leaves a claim received, and its second one decides it")
    func olderRegistry() throws {
        let older = Dialect(versions: [1], kinds: Dialect.current.kinds.subtracting([.claimFiled]))
        try node.file(Form.claim(1))
        let pushed = try node.push(to: registry)
        for entry in pushed { try registry.decide(entry, in: older) }
        try node.pull(from: registry)

        #expect(try node.state("SZ-1") == "received")
        #expect(try node.store.syncState().unreadByRegistry == 1)
        #expect(try node.store.syncState().undecided == 0)

        let claim = try #require(pushed.last)
        let act = RegistryAct.read(EntryReading(city: .shenzhen, entry: claim.head, unreadSince: nil))
        let word = try registry.append(act.kind, act.payload, by: .registry)
        let again = try registry.decide(claim, by: try EntryCoding.decode(word.entry.registryEntry))
        try node.pull(from: registry)

        #expect(try node.state("SZ-1") == "reserved")
        #expect(try node.store.syncState().unreadByRegistry == 0)
        #expect(try node.store.claim("SZ-1")?.decidedAt?.position == again.entry.position)
    }
}
