import CRecordingVFS
import Foundation
import Synchronization

/// A directory whose files SQLite changes under record, by a VFS before the platform's; production's code does not know.
///
/// Its syncs do not reach the platform's disk: what is durable is for ``DiskModel`` to say.
package final class RecordedDisk: Sendable {
    /// A call that fails.
    package struct Fault: Hashable, Sendable {
        package enum Kind: String, Hashable, Sendable, CaseIterable {
            case failed = "EIO once"
            /// This call and all after it.
            case failedForGood = "EIO for good"
            case full = "ENOSPC once"
        }

        /// Which call that changes a file, or syncs it, counted from 1.
        package let call: Int
        package let kind: Kind

        package init(call: Int, kind: Kind) {
            self.call = call
            self.kind = kind
        }

        fileprivate func includes(_ call: Int) -> Bool {
            kind == .failedForGood ? call >= self.call : call == self.call
        }
    }

    /// A call that did fail.
    package struct Failure: Hashable, Sendable {
        /// As `sync city.sqlite-wal`.
        package let call: String
        /// How many events were recorded before it.
        package let event: Int
    }

    private struct State {
        var recording: DiskRecording
        var calls = 0
        var failure: Failure?
    }

    package let directory: String
    private let fault: Fault?
    private let state: Mutex<State>

    private init(_ directory: String, from start: DiskRecording, fault: Fault?) {
        self.directory = directory
        self.fault = fault
        state = Mutex(State(recording: start))
    }

    /// Runs `body` while the files that SQLite opens in a new directory are recorded.
    ///
    /// - Parameters:
    ///   - directory: Made, and filled with what a process sees at the end of `start`; removed in the end.
    ///   - start: What is known of the disk; the record is continued.
    /// - Throws: What `body` throws, or that the directory cannot be made or recorded.
    package static func recording<Value>(
        in directory: String, from start: DiskRecording = DiskRecording(), fault: Fault? = nil,
        _ body: (RecordedDisk) throws -> Value
    ) throws -> Value {
        try DiskModel(start).visible.write(to: directory)
        defer { try? FileManager.default.removeItem(atPath: directory) }
        // SQLite names files by their path without symbolic links.
        guard let resolved = realpath(directory, nil) else { throw CocoaError(.fileNoSuchFile) }
        defer { free(resolved) }
        let disk = RecordedDisk(String(cString: resolved), from: start, fault: fault)
        let code = recording_begin(
            disk.directory,
            { context, call in
                guard let context, let call else { return .diskFailed }
                return Unmanaged<RecordedDisk>.fromOpaque(context).takeUnretainedValue().take(call.pointee)
            }, Unmanaged.passUnretained(disk).toOpaque())
        guard code == 0 else { throw CocoaError(.featureUnsupported) }
        return try withExtendedLifetime(disk) {
            defer { recording_end(disk.directory) }
            return try body(disk)
        }
    }

    /// Notes that the caller was told that so many calls of the scenario are done.
    package func acknowledge(_ count: Int) { state.withLock { $0.recording.events.append(.acknowledged(count)) } }

    /// What was recorded up to now.
    package var recording: DiskRecording { state.withLock { $0.recording } }

    /// The first call that failed, if it has come to it.
    package var failure: Failure? { state.withLock { $0.failure } }

    private func take(_ call: RecordingCall) -> RecordingAnswer {
        let name = String(cString: call.name)
        return state.withLock { state in
            state.calls += 1
            guard let fault, fault.includes(state.calls) else {
                state.recording.events.append(RecordedDisk.event(call, name))
                return .done
            }
            state.failure =
                state.failure ?? Failure(call: "\(call.kind.verb) \(name)", event: state.recording.events.count)
            if call.kind == .sync { state.recording.events.append(.syncFailed(name)) }
            return fault.kind == .full ? .diskFull : .diskFailed
        }
    }

    private static func event(_ call: RecordingCall, _ name: String) -> DiskRecording.Event {
        switch call.kind {
        case .create: .created(name)
        case .write:
            .wrote(
                name, at: Int(call.offset),
                bytes: Array(UnsafeRawBufferPointer(start: call.bytes, count: Int(call.count))))
        case .truncate: .truncated(name, to: Int(call.offset))
        case .sync: .synced(name, coversDirectory: call.covers_directory != 0)
        case .delete: .deleted(name, coversDirectory: call.covers_directory != 0)
        }
    }
}

extension RecordingKind {
    fileprivate var verb: String {
        switch self {
        case .create: "create"
        case .write: "write"
        case .truncate: "truncate"
        case .sync: "sync"
        case .delete: "delete"
        }
    }
}
