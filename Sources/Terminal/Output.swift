import Foundation

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

    /// How many columns the terminal on standard output has; `nil` where that is none.
    package static var terminalWidth: Int? {
        var size = winsize()
        guard isatty(1) == 1, ioctl(1, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else { return nil }
        return Int(size.ws_col)
    }

    /// Whether a person watches standard error.
    package static var isInteractive: Bool { isatty(2) == 1 }
}

/// A table of text columns, aligned by display width: Chinese characters take two cells.
package struct TextTable {
    private let header: [String]
    private let rightAligned: Set<Int>
    private var rows: [[String]] = []

    package init(_ header: [String], rightAligned: Set<Int> = []) {
        self.header = header
        self.rightAligned = rightAligned
    }

    package mutating func add(_ row: [String]) { rows.append(row) }

    /// The table as text; where a person watches standard output, no wider than the terminal.
    package var text: String { text(within: Output.terminalWidth) }

    /// - Parameter limit: The most columns of the terminal; the widest texts are cut to it, with an ellipsis, numbers never.
    package func text(within limit: Int?) -> String {
        let all = [header] + rows
        let widths = fitted(
            header.indices.map { column in all.map { TextTable.width($0[column]) }.max() ?? 0 }, within: limit)
        let lines = all.map { row in
            row.indices.map { pad(TextTable.cut(row[$0], to: widths[$0]), to: widths[$0], column: $0) }
                .joined(separator: "  ").replacing(/\s+$/, with: "")
        }
        let rule = widths.map { String(repeating: "-", count: $0) }.joined(separator: "  ")
        return ([lines[0], rule] + lines.dropFirst()).joined(separator: "\n")
    }

    /// No text is cut to less.
    private static let narrowest = 8

    private func fitted(_ widths: [Int], within limit: Int?) -> [Int] {
        var widths = widths
        guard let limit else { return widths }
        while widths.reduce(0, +) + 2 * (widths.count - 1) > limit {
            let texts = widths.indices.filter { !rightAligned.contains($0) && widths[$0] > TextTable.narrowest }
            guard let widest = texts.max(by: { widths[$0] < widths[$1] }) else { break }
            widths[widest] -= 1
        }
        return widths
    }

    private static func cut(_ text: String, to limit: Int) -> String {
        guard width(text) > limit else { return text }
        var (kept, used) = ("", 0)
        for character in text {
            let size = width(String(character))
            guard used + size < limit else { break }
            kept.append(character)
            used += size
        }
        return kept + "…"
    }

    private func pad(_ text: String, to width: Int, column: Int) -> String {
        let space = String(repeating: " ", count: max(0, width - TextTable.width(text)))
        return rightAligned.contains(column) ? space + text : text + space
    }

    private static func width(_ text: String) -> Int {
        text.unicodeScalars.reduce(0) {
            $0 + ((0x1100...0x115F).contains($1.value) || (0x2E80...0xFF60).contains($1.value) ? 2 : 1)
        }
    }
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
