import CrashImages
import Replication
import Testing

/// What a power failure may leave, on recordings of a few events.
@Suite("Disk model")
struct DiskModelTests {
    /// All that different seeds draw of one file; `nil` where it is missing.
    private func images(of events: [DiskRecording.Event], files: [String: [UInt8]] = [:]) -> Set<[UInt8]?> {
        let model = DiskModel(DiskRecording(files: files, events: events))
        return Set(
            (0..<400 as Range<UInt64>).map { seed in
                var generator = SeededGenerator(seed: seed)
                return model.image(using: &generator).files["file"]
            })
    }

    private let old = [UInt8](repeating: 1, count: 1_024)

    private func ones(_ count: Int) -> [UInt8] { .init(repeating: 1, count: count) }
    private func twos(_ count: Int) -> [UInt8] { .init(repeating: 2, count: count) }

    @Test("what was synced is there, and nothing else happens to it")
    func synced() {
        let events: [DiskRecording.Event] = [
            .wrote("file", at: 0, bytes: [2]), .synced("file", coversDirectory: false), .acknowledged(1), .killed,
        ]

        #expect(images(of: events, files: ["file": old]) == [[2] + ones(1_023)])
    }

    @Test("a write that was not synced is there, not there, or in part; bytes beside it keep their value")
    func unsynced() {
        let found = images(of: [.wrote("file", at: 256, bytes: twos(512))], files: ["file": old])
        let written = ones(256) + twos(512) + ones(256)

        #expect(found.contains(old))
        #expect(found.contains(written))
        // Either sector alone; and a torn one.
        #expect(found.contains(ones(256) + twos(256) + ones(512)))
        #expect(found.contains(ones(512) + twos(256) + ones(256)))
        #expect(found.count > 10)
        #expect(found.allSatisfy { $0?.prefix(256) == ones(256)[...] && $0?.suffix(256) == ones(256)[...] })
    }

    @Test("a later write may be there without an earlier one")
    func reordered() {
        let events: [DiskRecording.Event] = [
            .wrote("file", at: 0, bytes: [2]), .wrote("file", at: 600, bytes: [3]),
        ]
        let found = images(of: events, files: ["file": old]).map { [$0?[0], $0?[600]] }

        #expect(Set(found) == [[1, 1], [2, 1], [1, 3], [2, 3]])
    }

    @Test("a sync makes nothing good that a failed one has passed over, until it is written anew")
    func failedSync() {
        let failed: [DiskRecording.Event] = [
            .wrote("file", at: 0, bytes: [2]), .syncFailed("file"), .synced("file", coversDirectory: true),
        ]
        let anew: [DiskRecording.Event] = [
            .wrote("file", at: 0, bytes: [2]), .synced("file", coversDirectory: true),
        ]

        #expect(images(of: failed, files: ["file": [1]]) == [[1], [2]])
        #expect(images(of: failed + anew, files: ["file": [1]]) == [[2]])
    }

    @Test("a new file is there for certain once its directory was synced, a deleted one away")
    func directory() {
        let created: [DiskRecording.Event] = [
            .created("file"), .wrote("file", at: 0, bytes: [2]), .synced("file", coversDirectory: false),
        ]
        let deleted: [DiskRecording.Event] = [.deleted("file", coversDirectory: false)]

        #expect(images(of: created) == [nil, [2]])
        #expect(images(of: created + [.synced("other", coversDirectory: true)]) == [[2]])
        #expect(images(of: deleted, files: ["file": [1]]) == [nil, [1]])
        #expect(images(of: [.deleted("file", coversDirectory: true)], files: ["file": [1]]) == [nil])
        #expect(images(of: deleted + created, files: ["file": [1]]) == [nil, [1], [2]])
    }

    @Test("a truncation that was not synced has happened or not, and what is beyond the old end is anything")
    func truncation() {
        #expect(images(of: [.truncated("file", to: 1)], files: ["file": [1, 1]]) == [[1], [1, 1]])
        let grown = images(of: [.wrote("file", at: 2, bytes: [3])], files: ["file": [1]])
        #expect(grown.isSuperset(of: [[1], [1, 0, 3], [1, 0, 0]]))
        #expect(grown.count > 10)
    }

    @Test("a process sees everything that was done, synced or not")
    func visible() {
        let events: [DiskRecording.Event] = [
            .created("new"), .wrote("new", at: 1, bytes: [2]), .truncated("file", to: 1),
            .deleted("gone", coversDirectory: false),
        ]
        let model = DiskModel(DiskRecording(files: ["file": [1, 1], "gone": [1]], events: events))

        #expect(model.visible == ["new": [0, 2], "file": [1]])
    }
}
