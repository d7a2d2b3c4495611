import Replication
import Testing
import VoucherDomain

@testable import CityStore

@Suite("The day of the city's key")
struct KeyExpiryTests {
    private let node: TestNode

    init() throws { node = try TestNode() }

    @Test("it is what the registry said last, and stays when the node starts again or the registry says nothing")
    func kept() throws {
        #expect(try node.store.syncState().keyUntil == nil)

        try node.start(.first, keyUntil: Expiry(rawValue: .noon + 1))
        try node.reopen()
        #expect(try node.store.syncState().keyUntil == Expiry(rawValue: .noon + 1))

        try node.start(.second, keyUntil: nil)
        #expect(try node.store.syncState().keyUntil == Expiry(rawValue: .noon + 1))

        try node.start(.third, keyUntil: Expiry(rawValue: .noon + 2))
        #expect(try node.store.syncState().keyUntil == Expiry(rawValue: .noon + 2))
    }

    @Test("of a new key nothing is said until the registry has said it")
    func rekeyed() throws {
        try node.start(.first, keyUntil: Expiry(rawValue: .noon))

        try node.store.rekey(TestNode.identity, epoch: .second, processNonce: .init(repeating: 9, count: 16))

        #expect(try node.store.syncState().keyUntil == nil)
    }

    @Test("a day that no calendar has is no fault of the store")
    func farAway() throws {
        try node.start(.first, keyUntil: Expiry(rawValue: .max))

        #expect(try node.store.syncState().keyUntil?.stage(now: .noon) == .current)
    }
}
