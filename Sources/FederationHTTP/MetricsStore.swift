package import CoreMetrics
package import Hummingbird
import NIOCore
import Synchronization

/// The process's metrics (swift-metrics), printed in the text form that Prometheus scrapes (format 0.0.4).
///
/// A dot in a name becomes an underscore, a counter ends in `_total`, and a timer is a histogram in seconds.
package final class MetricsStore: MetricsFactory, Sendable {
    /// The process's one store; its first use makes it the backend of the metrics system.
    package static let shared: MetricsStore = {
        let store = MetricsStore()
        MetricsSystem.bootstrap(store)
        return store
    }()

    private struct ID: Hashable, Comparable {
        let name: String
        let labels: String

        static func < (left: ID, right: ID) -> Bool { (left.name, left.labels) < (right.name, right.labels) }
    }

    private let all = Mutex<[ID: any Series]>([:])

    package init() {}

    /// Every series, ordered by name and labels.
    package var text: String {
        var lines: [String] = []
        var last = ""
        for (id, series) in all.withLock({ $0 }).sorted(by: { $0.key < $1.key }) {
            if id.name != last { lines.append("# TYPE \(id.name) \(series.type)") }
            last = id.name
            lines += series.samples.map { sample in
                let labels = [id.labels, sample.label].filter { !$0.isEmpty }.joined(separator: ",")
                return "\(id.name)\(sample.suffix)\(labels.isEmpty ? "" : "{\(labels)}") \(sample.value)"
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func series<S: Series>(
        _ label: String, suffix: String = "", _ dimensions: [(String, String)], _ make: () -> S
    ) -> S {
        let labels = dimensions.map { "\(MetricsStore.name($0.0))=\"\(MetricsStore.escaped($0.1))\"" }
        let id = ID(name: MetricsStore.name(label) + suffix, labels: labels.joined(separator: ","))
        return all.withLock { all in
            if let known = all[id] as? S { return known }
            let made = make()
            all[id] = made
            return made
        }
    }

    private static func name(_ label: String) -> String {
        String(label.map { $0.isASCII && ($0.isLetter || $0.isNumber) ? $0 : "_" })
    }

    private static func escaped(_ value: String) -> String {
        value.split(separator: "\\", omittingEmptySubsequences: false).joined(separator: "\\\\")
            .split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\\\"")
            .split(separator: "\n", omittingEmptySubsequences: false).joined(separator: "\\n")
    }

    // MARK: MetricsFactory

    package func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(label, suffix: "_total", dimensions, CounterSeries.init)
    }

    package func makeRecorder(
        label: String, dimensions: [(String, String)], aggregate: Bool
    ) -> any RecorderHandler { series(label, dimensions, GaugeSeries.init) }

    package func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(label, dimensions, GaugeSeries.init)
    }

    package func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(label, suffix: "_seconds", dimensions, HistogramSeries.init)
    }

    // A series lasts as long as the process: a counter that starts again at zero would be a lie.
    package func destroyCounter(_ handler: any CounterHandler) {}
    package func destroyRecorder(_ handler: any RecorderHandler) {}
    package func destroyMeter(_ handler: any MeterHandler) {}
    package func destroyTimer(_ handler: any TimerHandler) {}
}

extension Response {
    /// All metrics of this process.
    package static var metrics: Response {
        Response(
            status: .ok, headers: [.contentType: "text/plain; version=0.0.4"],
            body: .init(byteBuffer: ByteBuffer(string: MetricsStore.shared.text)))
    }
}

/// One named series of numbers.
private protocol Series: AnyObject, Sendable {
    var type: String { get }
    var samples: [Sample] { get }
}

private struct Sample {
    var suffix = ""
    var label = ""
    let value: Double
}

private final class CounterSeries: Series, CounterHandler {
    private let count = Mutex<Int64>(0)

    var type: String { "counter" }
    var samples: [Sample] { [Sample(value: Double(count.withLock { $0 }))] }

    func increment(by amount: Int64) { count.withLock { $0 += amount } }
    func reset() { count.withLock { $0 = 0 } }
}

private final class GaugeSeries: Series, RecorderHandler, MeterHandler {
    private let current = Mutex(0.0)

    var type: String { "gauge" }
    var samples: [Sample] { [Sample(value: current.withLock { $0 })] }

    func record(_ value: Int64) { set(Double(value)) }
    func record(_ value: Double) { set(value) }
    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { current.withLock { $0 = value } }
    func increment(by amount: Double) { current.withLock { $0 += amount } }
    func decrement(by amount: Double) { current.withLock { $0 -= amount } }
}

private final class HistogramSeries: Series, TimerHandler {
    /// Upper bounds in seconds.
    private static let bounds = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

    private struct State {
        var counts = [Int64](repeating: 0, count: HistogramSeries.bounds.count)
        var count: Int64 = 0
        var sum = 0.0
    }
    private let state = Mutex(State())

    var type: String { "histogram" }

    var samples: [Sample] {
        let state = state.withLock { $0 }
        let buckets = zip(HistogramSeries.bounds, state.counts).map { bound, count in
            Sample(suffix: "_bucket", label: "le=\"\(bound)\"", value: Double(count))
        }
        return buckets + [
            Sample(suffix: "_bucket", label: "le=\"+Inf\"", value: Double(state.count)),
            Sample(suffix: "_sum", value: state.sum), Sample(suffix: "_count", value: Double(state.count)),
        ]
    }

    func recordNanoseconds(_ duration: Int64) {
        let seconds = Double(duration) / 1e9
        state.withLock { state in
            for (index, bound) in HistogramSeries.bounds.enumerated() where seconds <= bound {
                state.counts[index] += 1
            }
            state.count += 1
            state.sum += seconds
        }
    }
}
