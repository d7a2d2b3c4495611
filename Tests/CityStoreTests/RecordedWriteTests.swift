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

    @Test(
        "a store that goes back to where two registries agreed has done so whole or not at all, wherever it is cut off",
        arguments: [1, 2] as [UInt64])
    func goingBack(seed: UInt64) throws {
        let scenario = try RecordedScenario(seed: seed, calls: 40, merges: true, in: scratch)
        let cuts = scenario.cutsGoingBack
        try #require(!cuts.isEmpty)
        let within = cuts.prefix(100).enumerated().map { number, cut in
            CrashTrial(scenario, number: number, cutAt: cut, in: scratch)
        }
        let anywhere = (0..<30).map { CrashTrial(scenario, number: $0, in: scratch) }

        #expect(failures(within + anywhere) == [])
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

    /// The calls that sync a file, counted from 1 among those that change one or sync it; and how many these are.
    private func syncs(of name: String, in scenario: RecordedScenario) -> (calls: [Int], all: Int) {
        let calls = scenario.recording.events.filter { if case .acknowledged = $0 { false } else { true } }
        let syncs = calls.indices.filter { if case .synced(name, _) = calls[$0] { true } else { false } }
        return (syncs.map { $0 + 1 }, calls.count)
    }

    @Test(
        "a call of the disk that fails is reported or made good, and nothing acknowledged is lost by it",
        arguments: [2, 3, 4, 5] as [UInt64], RecordedDisk.Fault.Kind.allCases)
    func faults(seed: UInt64, kind: RecordedDisk.Fault.Kind) throws {
        let scenario = try RecordedScenario(seed: seed, calls: 12, in: scratch)
        let syncs = syncs(of: "city.sqlite-wal", in: scenario)
        let others = stride(from: 1, through: syncs.all, by: 21).filter { !syncs.calls.contains($0) }
        let trials = (syncs.calls + others).map { call in
            DiskFaultTrial(scenario, fault: RecordedDisk.Fault(call: call, kind: kind), in: scratch)
        }

        #expect(trials.compactMap { trial in trial.violation.map { "call \(trial.fault.call): \($0)" } } == [])
        let failed = trials.filter { $0.failure != nil }
        #expect(failed.contains { $0.failure?.call == "sync city.sqlite-wal" && $0.isReported })
        #expect(failed.contains { $0.failure?.call == "write city.sqlite-wal" && $0.isReported })
        // What cannot be moved into the store for want of space is moved later.
        #expect(kind != .full || failed.contains { !$0.isReported })
    }

    @Test("nothing is written after a checkpoint whose sync failed, though the commit before it stands")
    func failedCheckpoint() throws {
        let scenario = try RecordedScenario(seed: 5, calls: 12, in: scratch)
        let made = try #require(scenario.recording.events.firstIndex(of: .acknowledged(1)))
        let trials = syncs(of: "city.sqlite", in: scenario).calls.map { call in
            DiskFaultTrial(scenario, fault: RecordedDisk.Fault(call: call, kind: .failed), in: scratch)
        }

        #expect(trials.compactMap { trial in trial.violation.map { "call \(trial.fault.call): \($0)" } } == [])
        #expect(trials.contains { trial in trial.isReported && trial.failure.map { $0.event > made } == true })
    }
}
