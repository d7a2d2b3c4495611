/// Bars as inline SVG, with the same numbers as a table for whoever cannot see them.
package struct BarChart {
    package struct Series {
        let name: String
        /// `good`, `bad`, `warn`, `info` or `still`.
        let color: String

        package init(name: String, color: String) {
            self.name = name
            self.color = color
        }
    }

    package struct Bar {
        let label: String
        /// One for each series.
        let parts: [Double]

        package init(label: String, parts: [Double]) {
            self.label = label
            self.parts = parts
        }
    }

    private let title: String
    private let series: [Series]
    private let bars: [Bar]
    private let isHorizontal: Bool

    private static let width = 640.0
    private static let height = 220.0
    private static let labelWidth = 190.0
    private static let rowHeight = 26.0

    package init(title: String, series: [Series], bars: [Bar], isHorizontal: Bool = false) {
        self.title = title
        self.series = series
        self.bars = bars
        self.isHorizontal = isHorizontal
    }

    private var highest: Double { max(1, bars.map { $0.parts.reduce(0, +) }.max() ?? 1) }

    /// What the template `chart` is rendered with.
    package var values: [String: Any] {
        let height = isHorizontal ? Double(max(1, bars.count)) * BarChart.rowHeight : BarChart.height
        return [
            "title": title, "view": "0 0 \(Int(BarChart.width)) \(Int(height))", "is_empty": bars.isEmpty,
            "rectangles": isHorizontal ? rows : columns, "labels": labels,
            "series": series.map { ["name": $0.name, "color": $0.color] },
            "table": bars.map { bar in
                ["label": bar.label, "cells": bar.parts.map { BarChart.text($0) }] as [String: Any]
            },
        ]
    }

    private var columns: [[String: String]] {
        let step = BarChart.width / Double(max(1, bars.count))
        let room = BarChart.height - 24
        return bars.enumerated().flatMap { index, bar in
            var top = room
            return zip(bar.parts, series).filter { $0.0 > 0 }.map { part, series in
                let size = max(1, part / highest * (room - 8))
                top -= size
                return rectangle(
                    Double(index) * step + step * 0.15, top, step * 0.7, size, series.color,
                    "\(bar.label) \(series.name): \(BarChart.text(part))")
            }
        }
    }

    private var rows: [[String: String]] {
        let room = BarChart.width - BarChart.labelWidth - 110
        return bars.enumerated().flatMap { index, bar in
            var left = BarChart.labelWidth
            return zip(bar.parts, series).filter { $0.0 > 0 }.map { part, series in
                let size = max(1, part / highest * room)
                defer { left += size }
                return rectangle(
                    left, Double(index) * BarChart.rowHeight + 4, size, BarChart.rowHeight - 8, series.color,
                    "\(bar.label): \(BarChart.text(part))")
            }
        }
    }

    private func rectangle(
        _ x: Double, _ y: Double, _ width: Double, _ height: Double, _ color: String, _ title: String
    ) -> [String: String] {
        [
            "x": BarChart.coordinate(x), "y": BarChart.coordinate(y), "width": BarChart.coordinate(width),
            "height": BarChart.coordinate(height), "color": color, "title": title,
        ]
    }

    private var labels: [[String: String]] {
        if isHorizontal {
            return bars.enumerated().flatMap { index, bar in
                let y = BarChart.coordinate(Double(index) * BarChart.rowHeight + 17)
                let total = bar.parts.reduce(0, +)
                let end = BarChart.labelWidth + total / highest * (BarChart.width - BarChart.labelWidth - 110) + 6
                return [
                    ["x": BarChart.coordinate(BarChart.labelWidth - 8), "y": y, "anchor": "end", "text": bar.label],
                    ["x": BarChart.coordinate(end), "y": y, "anchor": "start", "text": BarChart.text(total)],
                ]
            }
        }
        let step = BarChart.width / Double(max(1, bars.count))
        return bars.enumerated().map { index, bar in
            [
                "x": BarChart.coordinate((Double(index) + 0.5) * step),
                "y": BarChart.coordinate(BarChart.height - 8), "anchor": "middle", "text": bar.label,
            ]
        }
    }

    private static func coordinate(_ value: Double) -> String { "\((value * 10).rounded() / 10)" }

    private static func text(_ value: Double) -> String { Int(value.rounded()).grouped }
}
