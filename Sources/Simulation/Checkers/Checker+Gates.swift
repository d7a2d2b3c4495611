import Arbitration
import VoucherDomain

extension Checker {
    /// No payment is authorised while its gate is closed: while an open case delays it, or before every other active city
    /// has told all that it filed until the claim was received, unless the dwell since the claim's decision is over.
    package static let gatesHold = Checker("gate") { history in
        var book = GateBook()
        return history.decisions.flatMap { book.take($0) }
    }
}

/// Who was heard, how much time has passed and which cases are open, by the entries that say so.
private struct GateBook {
    private struct Filed {
        let position: UInt64
        let receivedAt: Int64
    }

    private struct City {
        var isActive = true
        /// Milliseconds since 1970.
        var watermark: Int64
    }

    private var filed: [ClaimName: Filed] = [:]
    private var authorized: Set<ClaimName> = []
    private var cases = CaseBook()
    private var cities: [CityCode: City] = [:]
    private var ticks: [(position: UInt64, interval: Int64)] = []
    /// Milliseconds.
    private var dwell: Int64 = 0

    /// - Returns: The payments that should have waited.
    mutating func take(_ decision: DecisionFact) -> [String] {
        note(decision)
        var faults: [String] = []
        for (name, state) in decision.effects.sorted(by: { $0.key < $1.key }) {
            guard state == .authorized else {
                authorized.remove(name)
                continue
            }
            guard authorized.insert(name).inserted, let why = obstacle(to: name) else { continue }
            faults.append("position \(decision.position): \(name) is authorised, and \(why)")
        }
        return faults
    }

    private mutating func note(_ decision: DecisionFact) {
        cases.take(decision)
        switch decision.saying {
        case .filed(let claim):
            guard [.reserved, .held].contains(decision.decision) else { return }
            filed[claim.name] = Filed(position: decision.position, receivedAt: decision.receivedAt)
        case .ticked(let tick):
            ticks.append((decision.position, min(max(0, tick.intervalMilliseconds), GateBook.longestInterval)))
            for report in tick.reports {
                guard let known = cities[report.city]?.watermark else { continue }
                cities[report.city]?.watermark = max(known, report.watermark)
            }
        case .member(let city, .joined):
            cities[city, default: City(watermark: decision.receivedAt)].isActive = true
        case .member(let city, let change): cities[city]?.isActive = change == .reinstated
        case .published(let seconds): dwell = 1_000 * seconds
        case .issued, .withdrew, .ruled, .other: break
        }
    }

    /// A quarter of an hour: no tick counts for more.
    private static let longestInterval: Int64 = 900_000

    /// - Returns: What keeps the payment; `nil` when its gate is open.
    private func obstacle(to name: ClaimName) -> String? {
        guard let own = filed[name] else { return "it is neither reserved nor held" }
        let naming = cases.cases(naming: name)
        if naming.contains(where: { $0.isOpen && !$0.isAutomatic }) { return "a case that names it is open" }
        if naming.contains(where: \.isOpen), let first = naming.first(where: \.isAutomatic),
            passed(since: first.position) < dwell
        {
            return "an automatic case delays it"
        }
        guard passed(since: own.position) < dwell else { return nil }
        let silent = cities.filter { $0.key != name.city && $0.value.isActive && $0.value.watermark <= own.receivedAt }
        return silent.keys.min().map { "city \($0) was not heard" }
    }

    /// How long ago something was decided, in milliseconds: counted from the first tick after it.
    private func passed(since position: UInt64) -> Int64 {
        ticks.filter { $0.position > position }.dropFirst().reduce(0) { $0 + $1.interval }
    }
}
