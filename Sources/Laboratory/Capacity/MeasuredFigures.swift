import ArgumentParser
import Foundation

/// The figures of one machine: a JSON object that has for each ``Figure`` its `value` and its `source`, the command that
/// measured it.
struct MeasuredFigures {
    private struct Measured: Codable {
        let value: Double
        let source: String
    }

    private var measured: [Figure: Measured]

    /// - Throws: ``Sample/Failure`` when the file lacks a figure, has one that is none, or one that is not above zero.
    init(path: String) throws {
        guard let data = FileManager.default.contents(atPath: path) else {
            throw Sample.Failure(message: "cannot read \(path)")
        }
        let found: [String: Measured]
        do { found = try JSONDecoder().decode([String: Measured].self, from: data) } catch {
            throw Sample.Failure(message: "\(path) is no file of figures: \(error)")
        }
        measured = [:]
        for (name, value) in found.sorted(by: { $0.key < $1.key }) {
            guard let figure = Figure(rawValue: name) else {
                throw Sample.Failure(message: "\(path): there is no figure \(name)")
            }
            guard value.value > 0, value.value.isFinite else {
                throw Sample.Failure(message: "\(path): \(name) is not above zero")
            }
            measured[figure] = value
        }
        if let missing = Figure.allCases.first(where: { measured[$0] == nil }) {
            throw Sample.Failure(message: "\(path) lacks \(missing.rawValue)")
        }
    }

    subscript(figure: Figure) -> Double { measured[figure]?.value ?? 0 }

    func source(of figure: Figure) -> String { measured[figure]?.source ?? "" }

    /// - Parameter value: Kept with two decimals.
    mutating func set(_ figure: Figure, to value: Double, source: String) {
        measured[figure] = Measured(value: (value * 100).rounded() / 100, source: source)
    }

    func write(to path: String) throws {
        let named = Dictionary(uniqueKeysWithValues: measured.map { ($0.key.rawValue, $0.value) })
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
        try (encoder.encode(named) + Data("\n".utf8)).write(to: URL(fileURLWithPath: path), options: .atomic)
    }
}

/// Where a bench writes what it has measured.
struct RecordOption: ParsableArguments {
    @Option(help: "Write what was measured into this file of figures, for federation-lab capacity.")
    var record: String?

    /// Writes figures into the file, if one is named; the others there stay as they are.
    ///
    /// - Parameter source: The command that measured them.
    func write(_ figures: [Figure: Double], by source: String) throws {
        guard let record else { return }
        var measured = try MeasuredFigures(path: record)
        for (figure, value) in figures { measured.set(figure, to: value, source: source) }
        try measured.write(to: record)
    }
}
