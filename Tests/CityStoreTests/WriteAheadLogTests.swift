import CrashImages
import GRDB
import Replication
import TestSupport
import Testing

@testable import CityStore

/// What a process that starts does with a write-ahead log of which nobody knows how much is on the disk.
@Suite("A write-ahead log that is found")
struct WriteAheadLogTests {
    /// Where recorded files lie; the name is used by one process at a time.
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private var scratch: String { "\(directory.path)/store" }

    private static let log = "\(CityStore.fileName)-wal"

    /// A store of two claims that was closed and opened again, and whose process was killed when it had taken more.
    private func killed(after more: Int) throws -> DiskRecording {
        try RecordedDisk.recording(in: scratch) { disk in
            var store = try CityStore(directory: disk.directory)
            defer { try? store.close() }
            try store.establish(TestNode.identity, epoch: .first, processNonce: .init(repeating: 7, count: 16))
            _ = try store.issueVouchers([Form.voucher()], now: .noon)
            _ = try store.fileClaims([Form.claim(1), Form.claim(2)], now: .noon)
            try store.close()
            store = try CityStore(directory: disk.directory)
            for index in 3..<(3 + more) { _ = try store.fileClaims([Form.claim(index)], now: .noon) }
            return DiskRecording(events: disk.recording.events + [.killed])
        }
    }

    /// Opens the store as the next process does, and closes it.
    ///
    /// - Returns: The claims that it has, every page and entry looked at; and what is now known of the disk.
    private func opened(_ start: DiskRecording) throws -> (claims: [String], disk: DiskRecording) {
        try RecordedDisk.recording(in: scratch, from: start) { disk in
            let store = try CityStore(directory: disk.directory)
            defer { try? store.close() }
            _ = try store.verifyLog()
            let problems = try store.pool.read { try String.fetchAll($0, sql: "PRAGMA integrity_check") }
            #expect(problems == ["ok"])
            return (try store.claims(limit: 1_000).map(\.number), disk.recording)
        }
    }

    @Test("it is written once more as it is, in pieces, and synced with its directory, before anything else is done")
    func writtenAnew() throws {
        let before = try killed(after: 100)
        let log = try #require(DiskModel(before).visible[Self.log])

        let events = try opened(before).disk.events.dropFirst(before.events.count)
        let pieces = events.prefix { if case .wrote(Self.log, _, _) = $0 { true } else { false } }
        var written: [UInt8] = []
        for case .wrote(_, let offset, let bytes) in pieces {
            #expect(offset == written.count)
            #expect(bytes.count <= 1 << 16)
            written += bytes
        }
        #expect(log.count > 1 << 20)
        #expect(written.elementsEqual(log))
        #expect(events.dropFirst(pieces.count).first == .synced(Self.log, coversDirectory: true))
    }

    @Test("what a failed sync left in the system's memory alone is on the disk before it is moved into the store")
    func failedSync() throws {
        let whole = try killed(after: 1)
        let last = try #require(
            whole.events.lastIndex { if case .synced(Self.log, _) = $0 { true } else { false } })
        let failed = DiskRecording(events: Array(whole.events[..<last]) + [.syncFailed(Self.log), .killed])
        let (claims, after) = try opened(failed)
        #expect(claims == ["SZ-1", "SZ-2", "SZ-3"])

        var failures: [String] = []
        for cut in failed.events.count...after.events.count {
            for draw in (0..<6 as Range<UInt64>) {
                var generator = SeededGenerator(seed: UInt64(cut) << 8 | draw)
                let image = DiskModel(after.prefix(cut)).image(using: &generator)
                do {
                    let found = try opened(DiskRecording(files: image.files)).claims
                    // The third was never acknowledged: it is there or not.
                    if ![2, 3].contains(found.count) || !claims.starts(with: found) {
                        failures.append("cut \(cut), image \(draw): \(found)")
                    }
                } catch { failures.append("cut \(cut), image \(draw): \(error)") }
            }
        }
        #expect(failures == [])
    }

    @Test(
        "where it cannot be written or synced once more the store is not opened, and nothing of it is moved",
        arguments: [1, 2])
    func refused(call: Int) throws {
        let before = try killed(after: 1)
        let fault = RecordedDisk.Fault(call: call, kind: .failed)
        let after = try RecordedDisk.recording(in: scratch, from: before, fault: fault) { disk -> DiskRecording in
            let error = #expect(throws: DatabaseError.self) { try CityStore(directory: disk.directory) }
            #expect(error?.isDiskFailure == true)
            #expect(error?.message?.contains("write-ahead log") == true)
            #expect(disk.failure?.call == (call == 1 ? "write \(Self.log)" : "sync \(Self.log)"))
            return disk.recording
        }

        let moved = after.events.dropFirst(before.events.count).contains {
            if case .wrote(CityStore.fileName, _, _) = $0 { true } else { false }
        }
        #expect(!moved)
        #expect(try opened(after).claims == ["SZ-1", "SZ-2", "SZ-3"])
    }
}
