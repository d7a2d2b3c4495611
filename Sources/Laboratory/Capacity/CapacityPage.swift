import Foundation

/// Plans as a page shows them: the table, what was assumed, and what was measured.
struct CapacityPage {
    let figures: MeasuredFigures
    let workload: Workload
    let plans: [CapacityPlan]

    init(cities: [Int], _ figures: MeasuredFigures, _ workload: Workload) {
        self.figures = figures
        self.workload = workload
        plans = cities.map { CapacityPlan(cities: Double($0), figures, workload) }
    }

    /// A line of the table, and how its values are written.
    private typealias Row = (title: String, text: @Sendable (CapacityPlan) -> String)

    private static let rows: [Row] = [
        ("claims a year", { number($0.claims_per_year) }),
        ("claims kept", { number($0.claims) }),
        ("claims a second in the busiest hour", { number($0.claims_per_second) }),
        ("entries a second in the busiest hour", { number($0.entries_per_second) }),
        ("**registry**: disk", { bytes($0.registry_bytes) }),
        ("load of its one arbiter", { "\(number($0.arbiter_load * 100)) %" }),
        ("cores that decide", { number($0.deciding_cores) }),
        ("cores that serve the feed", { number($0.feed_cores) }),
        ("memory that holds the scattered indexes", { bytes($0.scattered_bytes) }),
        ("or else random reads a second", { number($0.scattered_reads_per_second) }),
        ("memory of its process", { bytes($0.process_bytes) }),
        ("servers by memory", { number($0.servers) }),
        ("network out in the busiest hour", { bits($0.network_bits_per_second) }),
        ("network out in a year", { bytes($0.network_bytes_per_year) }),
        ("**a city**: disk", { bytes($0.city_bytes) }),
        ("network in, in the busiest hour", { bits($0.city_bits_per_second) }),
        ("**recovery**: a backup copied back", { time($0.restore_seconds) }),
        ("the busiest day given back by the cities", { time($0.refill_seconds) }),
        ("a city's store from the registry", { time($0.city_rebuild_seconds) }),
    ]

    /// The three tables, in Markdown.
    var text: String {
        var lines = line(["cities"] + plans.map { CapacityPage.number($0.cities) })
        lines += line(["---"] + plans.map { _ in "---:" })
        for row in CapacityPage.rows { lines += line([row.title] + plans.map(row.text)) }
        lines += "\n" + line(["assumed", "", "option"]) + line(["---", "---:", "---"])
        for assumption in Workload.assumptions {
            let value = CapacityPage.number(assumption.value(workload))
            lines += line([assumption.text, value, "`--\(assumption.name)`"])
        }
        lines += "\n" + line(["measured", "", "by"]) + line(["---", "---:", "---"])
        for figure in Figure.allCases {
            lines += line([figure.meaning, CapacityPage.number(figures[figure]), figures.source(of: figure)])
        }
        return lines
    }

    private func line(_ cells: [String]) -> String { "| \(cells.joined(separator: " | ")) |\n" }

    // MARK: In a page

    /// Between these lines a page has the tables; all else in it is written by people.
    private static let first = "<!-- computed: begin -->\n"
    private static let last = "<!-- computed: end -->\n"

    /// The page with these tables in the place of those that it has.
    ///
    /// - Throws: ``Sample/Failure`` when it has no place for them.
    func text(in page: String) throws -> String {
        guard let begin = page.range(of: CapacityPage.first), let end = page.range(of: CapacityPage.last),
            begin.upperBound <= end.lowerBound
        else { throw Sample.Failure(message: "the page lacks the lines between which the tables stand") }
        return "\(page[..<begin.upperBound])\(text)\(page[end.lowerBound...])"
    }

    // MARK: Numbers for people

    /// Three digits that count, thousands set apart.
    static func number(_ value: Double) -> String {
        guard value > 0, value.isFinite else { return "0" }
        let magnitude = Int(log10(value).rounded(.down))
        let step = pow(10, Double(magnitude - 2))
        let rounded = (value / step).rounded() * step
        if rounded >= 100 { return grouped(rounded) }
        let digits = magnitude >= 1 ? 1 : min(4, 2 - magnitude)
        let text = String(format: "%.\(digits)f", rounded)
        return text.replacing(/\.?0+$/, with: "")
    }

    private static func grouped(_ value: Double) -> String {
        var rest = String(format: "%.0f", value)[...]
        var groups: [Substring] = []
        while rest.count > 3 {
            groups.insert(rest.suffix(3), at: 0)
            rest = rest.dropLast(3)
        }
        return ([rest] + groups).joined(separator: ",")
    }

    private static func scaled(_ value: Double, _ units: [String]) -> String {
        var (value, index) = (value, 0)
        while value >= 1_000, index < units.count - 1 { (value, index) = (value / 1_000, index + 1) }
        return "\(number(value)) \(units[index])"
    }

    static func bytes(_ value: Double) -> String { scaled(value / 1_000_000, ["MB", "GB", "TB", "PB"]) }

    static func bits(_ value: Double) -> String { scaled(value / 1_000, ["kbit/s", "Mbit/s", "Gbit/s"]) }

    static func time(_ seconds: Double) -> String {
        switch seconds {
        case ..<120: "\(number(seconds)) s"
        case ..<7_200: "\(number(seconds / 60)) min"
        case ..<172_800: "\(number(seconds / 3_600)) h"
        default: "\(number(seconds / 86_400)) days"
        }
    }
}
