import Foundation
import GRDB
import Replication
import TestSupport
import Testing

@testable import CityStore

/// The files as a process that is killed leaves them: copied while the store is open, and opened elsewhere.
@Suite("Crash images")
struct CrashImageTests {
    private let node: TestNode
    private let copy: TemporaryDirectory

    init() throws {
        node = try TestNode()
        copy = try TemporaryDirectory()
    }

    /// - Parameter cut: How many bytes at the end of the write-ahead log never reached the disk.
    private func image(cut: Int = 0) throws -> CityStore {
        for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path(copy, suffix)) }
        try FileManager.default.copyItem(atPath: path(node.directory, ""), toPath: path(copy, ""))
        if let log = FileManager.default.contents(atPath: path(node.directory, "-wal")) {
            try log.dropLast(cut).write(to: URL(filePath: path(copy, "-wal")))
        }
        return try CityStore(directory: copy.path)
    }

    private func path(_ directory: TemporaryDirectory, _ suffix: String) -> String {
        "\(directory.path)/\(CityStore.fileName)\(suffix)"
    }

    private func numbers(_ store: CityStore) throws -> [String] {
        try store.claims(limit: 100).map(\.number)
    }

    @Test("everything acknowledged is in the image of any moment, before and after a checkpoint")
    func acknowledged() throws {
        try node.issueVoucher()
        for index in 1...8 {
            try node.file(Form.claim(index))
            if index == 4 {
                try node.store.pool.writeWithoutTransaction { try $0.execute(sql: "PRAGMA wal_checkpoint(TRUNCATE)") }
            }
            let store = try image()

            #expect(try numbers(store) == (1...index).map { "SZ-\($0)" })
            #expect(try store.verifyLog() == index + 1)
            try store.close()
        }
    }

    @Test("a torn last write loses that write alone, its entry and its row together")
    func tornWrite() throws {
        try node.issueVoucher()
        try node.file(Form.claim(1))
        try node.file(Form.claim(2))
        let store = try image(cut: 1)

        #expect(try numbers(store) == ["SZ-1"])
        #expect(try store.verifyLog() == 2)
        #expect(try store.fileClaims([Form.claim(2)], now: .noon).map(\.outcome) == [.recorded])
        #expect(try store.verifyLog() == 3)
        try store.close()
    }

    @Test("what a killed process left in the log, synced or not, is in the file itself once the store is open again")
    func secured() throws {
        let file = try TemporaryDirectory()
        try node.issueVoucher()
        try node.file(Form.claim(1))
        let store = try image()
        defer { try? store.close() }
        try FileManager.default.copyItem(atPath: path(copy, ""), toPath: path(file, ""))
        let alone = try CityStore(directory: file.path)
        defer { try? alone.close() }

        #expect(try numbers(alone) == ["SZ-1"])
        #expect(try alone.verifyLog() == 2)
    }

    @Test("a store whose log another program keeps reading is not opened")
    func kept() throws {
        try node.issueVoucher()
        try node.store.pool.read { database in
            _ = try Row.fetchAll(database, sql: "SELECT * FROM voucher")
            let refusal = #expect(throws: StoreRefusal.self) { try CityStore(directory: node.directory.path) }
            #expect(refusal?.message.contains("keeps reading") == true)
        }
    }

    @Test("after a torn feed page neither its entries nor its cursor nor its effects are there")
    func tornPage() throws {
        let registry = try TestRegistry()
        try node.issueVoucher()
        try node.file(Form.claim(1))
        for entry in try node.push(to: registry) { try registry.decide(entry) }
        try node.pull(from: registry)
        let store = try image(cut: 1)

        #expect(try store.feedHead() == .empty)
        #expect(try store.claim("SZ-1")?.state == "received")
        #expect(try store.verifyLog() == 2)
        try store.apply(
            registry.page(after: .empty), sealed: registry.head, detailKey: TestNode.identity.detailKey, now: .noon)
        #expect(try store.claim("SZ-1")?.state == "reserved")
        try store.close()
    }
}
