import CityStore
import CrashImages
import Foundation
import Replication
import TestSupport
import Testing

/// Every write and sync of the store under record, and crashes between any two of them, each through the store's own opening.
@Suite("Crash images of recorded writes")
struct RecordedWriteTests {
    /// Where recorded files lie; each name is used by one process at a time.
    private let directory: TemporaryDirectory

    init() throws { directory = try TemporaryDirectory() }

    private var scratch: String { "\(directory.path)/store" }

    @Test("what was recorded is all that was written: the files are what the record says")
    func complete() throws {
        let (recorded, written) = try RecordedDisk.recording(in: scratch) { disk in
            let store = try CityStore(directory: disk.directory, checkpointPages: 8)
            defer { try? store.close() }
            try store.establish(TestNode.identity, epoch: .first, processNonce: .init(repeating: 7, count: 16))
            _ = try store.issueVouchers([Form.voucher()], now: .noon)
            for index in 1...20 { _ = try store.fileClaims([Form.claim(index)], now: .noon) }
            let names = try FileManager.default.contentsOfDirectory(atPath: disk.directory).filter {
                !$0.hasSuffix("-shm")
            }
            let files = try names.map { name in
                (name, Array(try Data(contentsOf: URL(filePath: "\(disk.directory)/\(name)"))))
            }
            return (disk.recording, Dictionary(uniqueKeysWithValues: files))
        }

        #expect(DiskModel(recorded).visible == written)
        #expect(written["city.sqlite"]?.isEmpty == false)
        #expect(written["city.sqlite-wal"]?.isEmpty == false)
    }

    @Test(
        "whatever a crash leaves of the last writes, everything acknowledged is there once, and the store goes on",
        arguments: [1, 2, 3] as [UInt64])
    func crashes(seed: UInt64) throws {
        let scenario = try RecordedScenario(seed: seed, calls: 40, in: scratch)
        let trials = (0..<60).map { CrashTrial(scenario, number: $0, in: scratch) }

        #expect(failures(trials) == [])
        #expect(Set(trials.map(\.place)) == Set(CrashTrial.Place.allCases))
        #expect(Set(trials.flatMap(\.crashes.ends)) == Set(Crashes.End.allCases))
        let always: Set<CrashImage.Mishap> = [
            .lostWrite, .tornWrite, .tornSector, .reorderedWrite, .unwrittenEnd, .strangeIndex,
        ]
        #expect(always.subtracting(trials.flatMap(\.crashes.mishaps)) == [])
    }

    @Test("a store whose making is cut off anywhere is made by the next start")
    func making() throws {
        let scenario = try RecordedScenario(seed: 7, calls: 1, in: scratch)
        let trials = (0..<400).map { CrashTrial(scenario, number: $0, in: scratch) }

        #expect(failures(trials) == [])
        let sometimes: Set<CrashImage.Mishap> = [.undoneCreation, .undoneDeletion, .undoneTruncation]
        #expect(sometimes.subtracting(trials.flatMap(\.crashes.mishaps)) == [])
    }

    private func failures(_ trials: [CrashTrial]) -> [String] {
        trials.compactMap { trial in trial.violation.map { "image \(trial.number): \($0)" } }
    }

    @Test(
        "a call of the disk that fails is reported or made good, and nothing acknowledged is lost by it",
        arguments: RecordedDisk.Fault.Kind.allCases)
    func faults(kind: RecordedDisk.Fault.Kind) throws {
        let scenario = try RecordedScenario(seed: 4, calls: 12, in: scratch)
        let trials = stride(from: 1, to: scenario.recording.events.count, by: 7).map { call in
            DiskFaultTrial(scenario, fault: RecordedDisk.Fault(call: call, kind: kind), in: scratch)
        }

        #expect(trials.compactMap { trial in trial.violation.map { "call \(trial.fault.call): \($0)" } } == [])
        let failed = trials.filter { $0.failure != nil }
        #expect(failed.contains { $0.failure?.call == "sync city.sqlite-wal" && $0.isReported })
        #expect(failed.contains { $0.failure?.call == "write city.sqlite-wal" && $0.isReported })
        // SQLite passes over a checkpoint that fails; a disk that fails for good is met again by the next call.
        #expect(kind == .failedForGood || failed.contains { !$0.isReported })
    }
}
