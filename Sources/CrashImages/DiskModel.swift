package import Replication

/// A disk under files that were written and not always synced: what a process sees of them, and what is left of them after
/// a power failure.
///
/// The model is what SQLite says that it survives with powersafe overwrite, which the platform's VFS claims
/// (sqlite.org/atomiccommit.html section 2, sqlite.org/psow.html):
///
/// 1. What was written before a sync of its file that returned is there.
/// 2. Of what was written later any part may be there, in sectors of 512 bytes, in any order: a later write may be there
///    without an earlier one. A sector may be torn: its front or its back is new. Bytes that no write covers keep their
///    value, also in a sector that was being written.
/// 3. A file may be longer than what is left of its writes; bytes there that were never written are zeros or anything.
/// 4. A truncation that was not synced has happened or not.
/// 5. Which files there are is as after the last sync of the directory, or as after any later creation or deletion of the
///    same name. A deleted file that is there again is the old one.
/// 6. After a failed sync what it should have written may be there or not, whatever is synced later, until it is written
///    anew.
/// 7. The index of the write-ahead log in shared memory is missing, or holds anything.
package struct DiskModel {
    /// A write or a truncation.
    private struct Change {
        enum Kind {
            case write(at: Int, bytes: [UInt8])
            case truncation(to: Int)
        }
        let kind: Kind
        var isDurable = false
    }

    private struct File {
        /// All changes of before, durable.
        var bytes: [UInt8]
        var changes: [Change] = []
        /// The changes that the next sync makes durable.
        var unsynced: [Int] = []

        mutating func sync() {
            for index in unsynced { changes[index].isDurable = true }
            unsynced = []
            guard changes.allSatisfy(\.isDurable) else { return }
            for change in changes { DiskModel.apply(change.kind, to: &bytes) }
            changes = []
        }
    }

    private var files: [File] = []
    /// By name: which file it was after the last sync of the directory, then after each change since; `nil` for none.
    private var names: [String: [Int?]] = [:]

    package init(_ recording: DiskRecording) {
        for (name, bytes) in recording.files.sorted(by: { $0.key < $1.key }) {
            names[name] = [files.count]
            files.append(File(bytes: bytes))
        }
        for event in recording.events { take(event) }
    }

    private mutating func take(_ event: DiskRecording.Event) {
        switch event {
        case .created(let name):
            names[name, default: [nil]].append(files.count)
            files.append(File(bytes: []))
        case .wrote(let name, let offset, let bytes): change(name, .write(at: offset, bytes: bytes))
        case .truncated(let name, let size): change(name, .truncation(to: size))
        case .synced(let name, let coversDirectory):
            if let index = present(name) { files[index].sync() }
            if coversDirectory { syncDirectory() }
        case .syncFailed(let name): if let index = present(name) { files[index].unsynced = [] }
        case .deleted(let name, let coversDirectory):
            names[name, default: [nil]].append(nil)
            if coversDirectory { syncDirectory() }
        case .killed, .acknowledged: break
        }
    }

    private func present(_ name: String) -> Int? { names[name]?.last ?? nil }

    private mutating func change(_ name: String, _ kind: Change.Kind) {
        guard let index = present(name) else { preconditionFailure("\(name) was written and is not there") }
        files[index].unsynced.append(files[index].changes.count)
        files[index].changes.append(Change(kind: kind))
    }

    private mutating func syncDirectory() { names = names.mapValues { [$0.last ?? nil] } }

    private static func apply(_ change: Change.Kind, to bytes: inout [UInt8]) {
        switch change {
        case .write(let offset, let written): bytes.overwrite(at: offset, with: written[...]) { 0 }
        case .truncation(let size): bytes.removeLast(max(0, bytes.count - size))
        }
    }

    // MARK: What a process sees

    /// The files with everything that was done to them: what the next process sees while the power stays on.
    package var visible: [String: [UInt8]] {
        names.compactMapValues { entries in
            entries.last.flatMap { $0 }.map { index in
                var bytes = files[index].bytes
                for change in files[index].changes { DiskModel.apply(change.kind, to: &bytes) }
                return bytes
            }
        }
    }

    // MARK: What a power failure leaves

    /// The files after a power failure, drawn from a generator; the same generator draws the same.
    package func image(using generator: inout SeededGenerator) -> CrashImage {
        var draw = SurvivalDraw(generator: generator)
        defer { generator = draw.generator }
        var image = CrashImage()
        for (name, entries) in names.sorted(by: { $0.key < $1.key }) {
            let choice = draw.entry(of: entries)
            draw.note(choice, of: entries)
            guard let index = entries[choice] else { continue }
            image.files[name] = draw.bytes(
                of: files[index].bytes, files[index].changes.map { ($0.kind, $0.isDurable) })
        }
        if draw.generator.next() % 4 == 0, let name = image.files.keys.first(where: { $0.hasSuffix("-wal") }) {
            image.files[name.dropLast(4) + "-shm"] = draw.anything(count: 32_768)
            draw.mishaps.insert(.strangeIndex)
        }
        image.mishaps = draw.mishaps
        return image
    }

    /// Decides what survives, and notes what went wrong.
    private struct SurvivalDraw {
        var generator: SeededGenerator
        var mishaps: Set<CrashImage.Mishap> = []
        /// How likely a part is to survive: images in which all, most, few or none do are all of interest.
        private let survival: Double
        private let isFilledWithZeros: Bool

        static let sector = 512

        init(generator: SeededGenerator) {
            self.generator = generator
            survival = [0, 0.1, 0.5, 0.9, 1][Int(self.generator.next() % 5)]
            isFilledWithZeros = self.generator.next() % 2 == 0
        }

        mutating func chance(_ probability: Double) -> Bool {
            Double.random(in: 0..<1, using: &generator) < probability
        }

        mutating func anything(count: Int) -> [UInt8] {
            var words = (0..<(count + 7) / 8).map { _ in generator.next() }
            return words.withUnsafeMutableBytes { Array($0.prefix(count)) }
        }

        mutating func entry(of entries: [Int?]) -> Int {
            entries.count == 1 || chance(survival)
                ? entries.count - 1 : Int.random(in: 0..<entries.count, using: &generator)
        }

        mutating func note(_ choice: Int, of entries: [Int?]) {
            guard choice < entries.count - 1 else { return }
            if entries[choice] == nil { mishaps.insert(.undoneCreation) } else { mishaps.insert(.undoneDeletion) }
        }

        mutating func bytes(of durable: [UInt8], _ changes: [(kind: Change.Kind, isDurable: Bool)]) -> [UInt8] {
            var bytes = durable
            var hasLost = false
            for (kind, isDurable) in changes {
                if isDurable {
                    DiskModel.apply(kind, to: &bytes)
                    continue
                }
                switch kind {
                case .truncation:
                    if chance(survival) { DiskModel.apply(kind, to: &bytes) } else { mishaps.insert(.undoneTruncation) }
                case .write(let offset, let written):
                    let survivors = parts(of: offset..<(offset + written.count))
                    let isWhole = survivors == [offset..<(offset + written.count)]
                    if hasLost, !survivors.isEmpty { mishaps.insert(.reorderedWrite) }
                    if !isWhole { mishaps.insert(survivors.isEmpty ? .lostWrite : .tornWrite) }
                    for part in survivors { put(written, at: offset, part, &bytes) }
                    grow(&bytes, to: offset + written.count)
                    hasLost = hasLost || !isWhole
                }
            }
            return bytes
        }

        /// Which bytes of a write survive.
        private mutating func parts(of range: Range<Int>) -> [Range<Int>] {
            if chance(0.5) { return chance(survival) ? [range] : [] }
            var survivors: [Range<Int>] = []
            var start = range.lowerBound
            while start < range.upperBound {
                let end = min(range.upperBound, (start / Self.sector + 1) * Self.sector)
                if chance(0.1), end - start > 1 {
                    let middle = Int.random(in: (start + 1)..<end, using: &generator)
                    survivors.append(chance(0.5) ? start..<middle : middle..<end)
                    mishaps.insert(.tornSector)
                } else if chance(survival) {
                    survivors.append(start..<end)
                }
                start = end
            }
            return survivors.reduce(into: []) { joined, part in
                guard let last = joined.last, last.upperBound == part.lowerBound else { return joined.append(part) }
                joined[joined.count - 1] = last.lowerBound..<part.upperBound
            }
        }

        private mutating func put(_ written: [UInt8], at offset: Int, _ part: Range<Int>, _ bytes: inout [UInt8]) {
            let piece = written[(part.lowerBound - offset)..<(part.upperBound - offset)]
            bytes.overwrite(at: part.lowerBound, with: piece) { fill() }
        }

        /// The file's new length may be there without its bytes.
        private mutating func grow(_ bytes: inout [UInt8], to size: Int) {
            guard bytes.count < size, chance(0.25) else { return }
            mishaps.insert(.unwrittenEnd)
            bytes.overwrite(at: size, with: []) { fill() }
        }

        private mutating func fill() -> UInt8 { isFilledWithZeros ? 0 : UInt8(truncatingIfNeeded: generator.next()) }
    }
}

extension [UInt8] {
    /// Writes over the bytes from `offset` on; what then lies between the old end and `offset` is asked for.
    fileprivate mutating func overwrite(at offset: Int, with written: ArraySlice<UInt8>, fill: () -> UInt8) {
        while count < offset { append(fill()) }
        let covered = Swift.min(count, offset + written.count)
        replaceSubrange(offset..<covered, with: written)
    }
}
