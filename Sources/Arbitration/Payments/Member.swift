import SeededBugs
package import VoucherDomain

/// A city as the gates of payments see it: whether it counts, and how far it has been heard.
package struct Member: Hashable, Sendable {
    /// A change of membership.
    package enum Change: Hashable, Sendable { case joined, suspended, reinstated }

    /// Whether payments wait for it.
    package internal(set) var isActive: Bool
    /// Nothing of the city will be filed before that time any more; milliseconds since 1970.
    package internal(set) var watermark: Int64
    /// How far it has the feed.
    package internal(set) var feedPosition: Int64
    /// When it wrote its first entry that the rule book could not read; what it says of later times does not count.
    package internal(set) var unsupportedSince: Int64?

    package init(isActive: Bool, watermark: Int64, feedPosition: Int64 = 0, unsupportedSince: Int64? = nil) {
        self.isActive = isActive
        self.watermark = watermark
        self.feedPosition = feedPosition
        self.unsupportedSince = unsupportedSince
    }

    /// Everything that the city filed before that time is known.
    var reportedTime: Int64 { min(watermark, unsupportedSince ?? .max) }
}

/// What a city's seal says, as a tick repeats it.
package struct CityReport: Hashable, Sendable {
    package let city: CityCode
    /// Milliseconds since 1970.
    package let watermark: Int64
    /// The newest feed position that the city has applied.
    package let feedPosition: Int64

    package init(city: CityCode, watermark: Int64, feedPosition: Int64) {
        self.city = city
        self.watermark = watermark
        self.feedPosition = feedPosition
    }
}

/// All cities that have joined.
package struct Members: Equatable, Sendable {
    package private(set) var cities: [CityCode: Member] = [:]

    package init() {}

    package subscript(city: CityCode) -> Member? {
        get { cities[city] }
        set { cities[city] = newValue }
    }

    /// - Parameter time: When the registry recorded the change. A new city's watermark starts there: it had no log before.
    mutating func apply(_ change: Member.Change, of city: CityCode, at time: Int64) {
        switch change {
        case .joined:
            let start = SeededBug.newMemberNotAwaited.isActive ? .max : time
            if cities[city] == nil { cities[city] = Member(isActive: true, watermark: start) }
            cities[city]?.isActive = true
        case .suspended: cities[city]?.isActive = false
        case .reinstated: cities[city]?.isActive = true
        }
    }

    /// What a city has said never sinks.
    package mutating func take(_ reports: [CityReport]) {
        for report in reports {
            guard var member = cities[report.city] else { continue }
            member.watermark = max(member.watermark, report.watermark)
            member.feedPosition = max(member.feedPosition, report.feedPosition)
            cities[report.city] = member
        }
    }

    mutating func stop(_ city: CityCode, at time: Int64) {
        guard let member = cities[city], member.unsupportedSince == nil else { return }
        cities[city]?.unsupportedSince = time
    }

    /// - Parameter time: When the city wrote its first entry that is still not read; `nil` when all are.
    mutating func resume(_ city: CityCode, unreadSince time: Int64?) { cities[city]?.unsupportedSince = time }

    /// Claims that were received before that time wait for no active city but perhaps `city`; milliseconds since 1970.
    package func reportedTime(but city: CityCode?) -> Int64 {
        cities.filter { $0.value.isActive && $0.key != city }.values.map(\.reportedTime).min() ?? .max
    }

    /// Who of the active cities was heard up to the earliest time.
    package var slowest: CityCode? {
        cities.filter(\.value.isActive).min { ($0.value.reportedTime, $0.key) < ($1.value.reportedTime, $1.key) }?.key
    }

    /// Whether every active city but one has told everything up to that time.
    func haveReported(past time: Int64, but city: CityCode) -> Bool {
        if SeededBug.membersNotHeard.isActive { return true }
        return cities.allSatisfy { $0.key == city || !$0.value.isActive || $0.value.reportedTime > time }
    }

    /// Whether a city has the feed up to a position, and enough active ones besides.
    func have(_ position: Int64, in city: CityCode, andOthers count: Int64) -> Bool {
        guard let member = cities[city],
            member.feedPosition >= position || SeededBug.payingCityNotAwaited.isActive
        else { return false }
        let others = cities.count { $0.key != city && $0.value.isActive && $0.value.feedPosition >= position }
        return Int64(others) >= count || SeededBug.witnessesNotAwaited.isActive
    }
}
