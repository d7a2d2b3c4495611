import FederationWire
import Foundation
import GRDB
import GRDBSQLite
import Replication
import TestSupport
import Testing

@testable import CityStore

@Suite("Opening the store")
struct OpeningTests {
    private let node: TestNode

    init() throws { node = try TestNode() }

    private func pragmas() throws -> [String] {
        try node.store.pool.writeWithoutTransaction { database in
            try ["journal_mode", "synchronous", "foreign_keys"].map {
                try String.fetchOne(database, sql: "SELECT CAST(\($0) AS TEXT) FROM pragma_\($0)") ?? ""
            }
        }
    }

    @Test("the connection that writes syncs every commit, in WAL mode, with foreign keys")
    func settings() throws {
        #expect(try pragmas() == ["wal", "2", "1"])
        try node.reopen()
        #expect(try pragmas() == ["wal", "2", "1"])
    }

    @Test("the other connections only read")
    func readers() throws {
        #expect(throws: DatabaseError.self) {
            try node.store.pool.read { try $0.execute(sql: "UPDATE node SET city_name = ''") }
        }
    }

    @Test("a row that names an entry which is not there is refused")
    func foreignKeys() throws {
        #expect(throws: DatabaseError.self) {
            try node.execute("INSERT INTO claim (claim_no, sequence, fields) VALUES ('SZ-1', 99, '{}')")
        }
    }

    @Test("a store of a newer build is refused and left as it is")
    func newerBuild() throws {
        try node.execute("INSERT INTO grdb_migrations (identifier) VALUES ('city_v999_of_the_future')")
        let before = try node.everything()
        try node.store.close()

        let refusal = #expect(throws: StoreRefusal.self) { try CityStore(directory: node.directory.path) }
        #expect(refusal?.code == .newerBuild)
        let queue = try DatabaseQueue(path: "\(node.directory.path)/\(CityStore.fileName)")
        let after = try queue.read { try Row.fetchAll($0, sql: "SELECT * FROM node ORDER BY 1, 2") }
        #expect(after == before[0])
        try queue.close()
    }

    @Test("a file that is no store is refused")
    func noStore() throws {
        let directory = try TemporaryDirectory()
        let bytes = Data(repeating: 0x41, count: 8_192)
        try bytes.write(to: URL(filePath: "\(directory.path)/\(CityStore.fileName)"))

        #expect(throws: DatabaseError.self) { try CityStore(directory: directory.path) }
    }

    @Test("who the node is outlives the process")
    func identity() throws {
        #expect(try node.store.identity() == TestNode.identity)
        try node.reopen()
        #expect(try node.store.identity() == TestNode.identity)
    }

    @Test("a store is joined once")
    func joinedOnce() throws {
        let refusal = #expect(throws: StoreRefusal.self) {
            try node.store.establish(TestNode.identity, epoch: .second, processNonce: .init(repeating: 8, count: 16))
        }
        #expect(refusal?.code == .alreadyJoined)
        #expect(try node.store.syncState().epoch == .first)
    }

    @Test("before it has joined a store takes nothing and says why")
    func notJoined() throws {
        let directory = try TemporaryDirectory()
        let store = try CityStore(directory: directory.path)

        let refusals = [
            #expect(throws: StoreRefusal.self) { try store.issueVouchers([Form.voucher()], now: .noon) },
            #expect(throws: StoreRefusal.self) { _ = try store.syncState() },
            #expect(throws: StoreRefusal.self) { _ = try store.feedHead() },
            #expect(throws: StoreRefusal.self) { _ = try store.progress() },
            #expect(throws: StoreRefusal.self) { _ = try store.preCheck([], hasher: TestRegistry.hasher) },
        ]
        #expect(refusals.allSatisfy { $0?.code == .notJoined })
        #expect(try store.identity() == nil)
        try store.close()
    }

    /// Bytes of pages that the writing connection keeps.
    private func pagesKept() throws -> CInt {
        try node.store.pool.writeWithoutTransaction { database in
            var (now, most): (CInt, CInt) = (0, 0)
            sqlite3_db_status(database.sqliteConnection, SQLITE_DBSTATUS_CACHE_USED, &now, &most, 0)
            return now
        }
    }

    @Test("memory that was given back changes no answer, and what is under way goes on")
    func releasedMemory() throws {
        try node.issueVoucher()
        try node.file(Form.claim(1))
        let before = try node.everything()
        let (used, kept) = (node.store.timeUsed, try pagesKept())
        let claims = try node.store.pool.read { database in
            node.store.releaseMemory()
            return try Int.fetchOne(database, sql: "SELECT count(*) FROM claim")
        }
        #expect(claims == 1)
        #expect(node.store.timeUsed > used)
        #expect(try pagesKept() < kept)
        #expect(try node.everything() == before)
        try node.file(Form.claim(2))
        #expect(try node.state("SZ-2") == "recorded")
    }

    @Test("reopening goes on where the process ended")
    func goesOn() throws {
        let registry = try TestRegistry()
        try node.issueVoucher()
        try node.file(Form.claim(1))
        try node.sync(with: registry)
        let before = try node.everything()
        try node.reopen()
        #expect(try node.everything() == before)

        try node.file(Form.claim(2))
        try node.sync(with: registry)
        #expect(try node.state("SZ-2") == "reserved")
        #expect(try node.store.verifyLog() == 3)
    }
}
