import Foundation
import GRDB
import Replication
import Testing

@testable import CityStore

@Suite("Damage at rest")
struct DamageTests {
    private let node: TestNode

    /// Three entries of our own, all decided, in a feed of four.
    init() throws {
        node = try TestNode()
        let registry = try TestRegistry()
        try node.issueVoucher()
        try node.file(Form.claim(1), Form.claim(2))
        try node.sync(with: registry)
    }

    private struct Place: Sendable, CustomTestStringConvertible {
        let table: String
        let key: String
        let column: String
        let name: String

        var testDescription: String { "\(table).\(column)" }

        static let all = [
            Place(table: "log_entry", key: "sequence", column: "bytes", name: "entry 2"),
            Place(table: "log_entry", key: "sequence", column: "hash", name: "entry 2"),
            Place(table: "feed_entry", key: "position", column: "bytes", name: "feed entry 2"),
            Place(table: "feed_entry", key: "position", column: "hash", name: "feed entry 2"),
        ]
    }

    private func set(_ place: Place, _ bytes: [UInt8]) throws {
        try node.execute("UPDATE \(place.table) SET \(place.column) = ? WHERE \(place.key) = 2", [Data(bytes)])
    }

    private func damageMessage() -> String? {
        do {
            _ = try node.store.verifyLog()
            return nil
        } catch let refusal as StoreRefusal where refusal.code == .damaged {
            return refusal.message
        } catch {
            return "\(error)"
        }
    }

    /// Flips one bit of each byte in turn, and gathers the offsets at which `isFine` does not hold.
    private func offsets(_ place: Place, where isFine: (String?) -> Bool) throws -> [Int] {
        let row = try #require(
            try node.rows("SELECT \(place.column) AS value FROM \(place.table) WHERE \(place.key) = 2").first)
        let bytes = row.bytes("value")
        var missed: [Int] = []
        for index in bytes.indices {
            var damaged = bytes
            damaged[index] ^= 1 << UInt8(index % 8)
            try set(place, damaged)
            if !isFine(damageMessage()) { missed.append(index) }
        }
        try set(place, bytes)
        return missed
    }

    @Test("one changed bit anywhere is found", arguments: Place.all)
    private func found(place: Place) throws {
        #expect(try node.store.verifyLog() == 3)

        #expect(try offsets(place) { $0 != nil } == [])
        #expect(try node.store.verifyLog() == 3)
    }

    @Test("the damaged entry is named", arguments: Place.all)
    private func named(place: Place) throws {
        #expect(try offsets(place) { $0?.contains(place.name) == true } == [])
    }

    @Test("an entry that is gone is found", arguments: [1, 2, 3, 4])
    func feedEntryGone(position: Int) throws {
        try node.execute("DELETE FROM feed_entry WHERE position = ?", [position])

        #expect(damageMessage() != nil)
    }

    @Test(
        "a changed number, id or kind of an entry is found",
        arguments: ["kind = 3", "entry_id = zeroblob(16)", "sequence = 9"])
    func logColumns(change: String) throws {
        try node.start(.second)
        #expect(try node.store.verifyLog() == 4)
        try node.execute("UPDATE log_entry SET \(change) WHERE sequence = 4")

        #expect(damageMessage() != nil)
    }

    @Test(
        "a changed head of either log is found",
        arguments: [
            "log_hash = zeroblob(32)", "log_sequence = 4", "log_epoch = zeroblob(16)", "feed_hash = zeroblob(32)",
            "feed_position = 3", "feed_incarnation = 2",
        ])
    func heads(change: String) throws {
        try node.execute("UPDATE node SET \(change)")

        #expect(damageMessage() != nil)
    }

    @Test("a damaged entry is not sent", arguments: ["bytes", "hash"])
    func notSent(column: String) throws {
        try node.file(Form.claim(3))
        let row = try #require(try node.rows("SELECT \(column) AS value FROM log_entry WHERE sequence = 4").first)
        var bytes = row.bytes("value")
        bytes[bytes.count - 1] ^= 1
        try node.execute("UPDATE log_entry SET \(column) = ? WHERE sequence = 4", [Data(bytes)])

        let refusal = #expect(throws: StoreRefusal.self) {
            _ = try node.store.unsentBatch(sessionEpoch: .first, signer: .city)
        }
        #expect(refusal?.code == .damaged)
    }

    @Test("an answer to a damaged entry is not applied")
    func notApplied() throws {
        let registry = try TestRegistry()
        let other = try TestNode()
        try other.issueVoucher()
        for entry in try other.push(to: registry) { try registry.decide(entry) }
        try other.execute("UPDATE log_entry SET hash = zeroblob(32)")

        #expect(throws: StoreRefusal.self) { try other.pull(from: registry) }
        #expect(try other.store.feedHead() == .empty)
    }
}
