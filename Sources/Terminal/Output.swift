import Foundation
import VoucherDomain

/// What a command prints: results on standard output, everything about them on standard error.
package enum Output {
    /// Writes text and a line break to standard output.
    package static func line(_ text: String = "") { FileHandle.standardOutput.write(Data((text + "\n").utf8)) }

    /// Writes text as it is to standard output.
    package static func text(_ text: String) { FileHandle.standardOutput.write(Data(text.utf8)) }

    /// Writes text and a line break to standard error.
    package static func note(_ text: String) { FileHandle.standardError.write(Data((text + "\n").utf8)) }

    /// Writes a value as one JSON document to standard output.
    package static func json(_ value: some Encodable) throws {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        line(String(decoding: try encoder.encode(value), as: UTF8.self))
    }

    /// Writes rows of CSV (RFC 4180) to standard output, the header among them. What a spreadsheet would take for a formula has
    /// an apostrophe in front.
    package static func csv(_ rows: [[String]]) {
        text(rows.map { CSVLine.encode($0.map(CSVLine.harmless)) }.joined())
    }

    /// How many columns the terminal on standard output has; `nil` where that is none.
    package static var terminalWidth: Int? {
        var size = winsize()
        guard isatty(1) == 1, ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    /// Whether a person watches standard error.
    package static var isInteractive: Bool { isatty(2) == 1 }
}

/// Progress of long work: a bar that redraws when a person watches, a plain line now and then when not.
package final class ProgressBar {
    private let label: String
    private let total: Int
    private var lastShown = -1

    package init(_ label: String, total: Int) {
        self.label = label
        self.total = total
    }

    /// Shows `done` of the total; `detail` follows it.
    package func show(_ done: Int, _ detail: String = "") {
        let percent = total == 0 ? 100 : done * 100 / total
        if Output.isInteractive {
            let filled = percent * 30 / 100
            let bar = String(repeating: "█", count: filled) + String(repeating: "·", count: 30 - filled)
            FileHandle.standardError.write(Data("\r\u{1B}[K\(label) \(bar) \(done)/\(total) \(detail)".utf8))
        } else if percent / 10 != lastShown {
            lastShown = percent / 10
            Output.note("\(label): \(done)/\(total) \(detail)")
        }
    }

    /// Ends the bar's line.
    package func finish() {
        if Output.isInteractive { FileHandle.standardError.write(Data("\r\u{1B}[K".utf8)) }
    }
}

/// Runs a command's body so that an error becomes a sentence on standard error and an exit status.
package enum CommandFailure {
    /// - Parameters:
    ///   - explain: Turns an error into a sentence that says what, where, and what to do.
    ///   - pass: Errors that are already told to the person, such as an exit status.
    ///   - exit: What ends the program with status 1 without saying more.
    package static func catching<T>(
        _ program: String, explain: (any Error) -> String, pass: (any Error) -> Bool, exit: any Error,
        _ body: () async throws -> T
    ) async throws -> T {
        do {
            return try await body()
        } catch {
            if pass(error) { throw error }
            Output.note("\(program): \(explain(error))")
            throw exit
        }
    }
}
