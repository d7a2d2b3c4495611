import Foundation

/// The files of a directory as a power failure left them.
package struct CrashImage: Sendable {
    /// What became of changes that had not been synced.
    package enum Mishap: String, Hashable, Sendable, CaseIterable {
        case lostWrite = "lost write"
        case tornWrite = "torn write"
        case tornSector = "torn sector"
        /// A later write of a file is there, an earlier one is not.
        case reorderedWrite = "reordered write"
        case unwrittenEnd = "unwritten end"
        case undoneTruncation = "undone truncation"
        case undoneCreation = "undone creation"
        case undoneDeletion = "undone deletion"
        case strangeIndex = "strange index"
    }

    package var files: [String: [UInt8]] = [:]
    package var mishaps: Set<Mishap> = []
}

extension [String: [UInt8]] {
    /// Writes the files into a directory, which is made.
    func write(to directory: String) throws {
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        for (name, bytes) in self { try Data(bytes).write(to: URL(fileURLWithPath: "\(directory)/\(name)")) }
    }
}
