/// Metrics in the text form that Prometheus scrapes.
package struct MetricsText: Sendable {
    private var lines: [String] = []

    package init() {}

    /// Adds one gauge or counter with its samples.
    ///
    /// - Parameter samples: Label sets, such as `city="110000"` or empty, with values in base units.
    package mutating func add(
        _ name: String, _ kind: Kind, help: String, _ samples: [(labels: String, value: Double)]
    ) {
        lines.append("# HELP \(name) \(help)")
        lines.append("# TYPE \(name) \(kind.rawValue)")
        for (labels, value) in samples {
            lines.append("\(name)\(labels.isEmpty ? "" : "{\(labels)}") \(value)")
        }
    }

    package enum Kind: String, Sendable { case gauge, counter }

    package var text: String { lines.joined(separator: "\n") + "\n" }
}
