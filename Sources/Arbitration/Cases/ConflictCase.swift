package import VoucherDomain

/// Claims that cannot all be right, until somebody has decided which of them may stay.
///
/// A value that the fold keeps. While a case is open, none of its claims is paid; a claim that is held waits for the
/// case that it opened.
package struct ConflictCase: Hashable, Sendable {
    package enum State: String, Hashable, Sendable {
        case open
        /// The cities' time to answer is over: the registry is to rule.
        case escalated
        case closed
    }

    /// A claim of the case.
    package struct Party: Hashable, Sendable {
        package let claim: ClaimName
        /// Whether it still holds its keys.
        package var isLive: Bool

        package init(claim: ClaimName, isLive: Bool) {
            self.claim = claim
            self.isLive = isLive
        }
    }

    /// The spoken id.
    package let id: String
    /// Where it was opened.
    package let position: Int64
    /// The claim whose filing opened it comes first, the others in the order of their names.
    package private(set) var parties: [Party]
    /// The rules that opened it, in the policy's order.
    package let rules: [String]
    package private(set) var state: State
    /// The last day on which the cities answer.
    package private(set) var deadline: CalendarDate
    /// Whether a city has appealed, which the case allows once.
    package private(set) var isAppealed: Bool
    /// A ruling that needs a second person.
    package private(set) var proposal: Ruling?
    /// Whether the first claim waits for more than the others: something in itself, or a claim that is no party or holds
    /// nothing. Then nobody's withdrawal settles the case but its own.
    package let standsAlone: Bool
    /// Set in a case that the registry opened by itself: how long at most it delays a payment and waits for the refused
    /// claim's city, in seconds of dwell.
    package private(set) var automaticDwell: Int64?
    /// Whether somebody wants a ruling in an automatic case: it does not end by itself.
    package private(set) var isContested: Bool
    /// What happened in it that its cities were not told yet, for want of room in the feed entry: a tick tells them.
    package private(set) var untold: CaseEvent.Kind?

    package init(
        id: String, position: Int64, parties: [Party], rules: [String], state: State = .open, deadline: CalendarDate,
        isAppealed: Bool = false, proposal: Ruling? = nil, standsAlone: Bool = false, automaticDwell: Int64? = nil,
        isContested: Bool = false, untold: CaseEvent.Kind? = nil
    ) {
        self.untold = untold
        self.automaticDwell = automaticDwell
        self.isContested = isContested
        self.standsAlone = standsAlone
        self.id = id
        self.position = position
        self.parties = parties
        self.rules = rules
        self.state = state
        self.deadline = deadline
        self.isAppealed = isAppealed
        self.proposal = proposal
    }

    package var isClosed: Bool { state == .closed }
    package var isAutomatic: Bool { automaticDwell != nil }
    /// The city whose refused claim an open automatic case is about.
    package var quotaCity: CityCode? { isAutomatic && !isClosed ? parties.first?.claim.city : nil }
    package var cities: Set<CityCode> { Set(parties.map(\.claim.city)) }
    var live: [ClaimName] { parties.filter(\.isLive).map(\.claim) }

    func names(_ claim: ClaimName) -> Bool { parties.contains { $0.claim == claim } }

    mutating func retire(_ claim: ClaimName) {
        for index in parties.indices where parties[index].claim == claim { parties[index].isLive = false }
    }

    mutating func close() {
        state = .closed
        proposal = nil
    }

    mutating func propose(_ ruling: Ruling) { proposal = ruling }

    mutating func escalate() { state = .escalated }

    mutating func contest() { isContested = true }

    /// Leaves it to a later tick to tell the cities. That the case was closed is not forgotten over what follows.
    mutating func leaveUntold(_ kind: CaseEvent.Kind) { untold = untold == .settled ? .settled : kind }

    /// Notes that its cities know how it stands.
    mutating func tell() { untold = nil }

    /// A case that operators open again is none of the automatic ones any more.
    mutating func reopen(until deadline: CalendarDate, byAppeal: Bool) {
        state = .open
        self.deadline = deadline
        if byAppeal { isAppealed = true } else { automaticDwell = nil }
        isContested = isAutomatic
    }
}

/// What a city says to a case.
package struct CaseAnswer: Hashable, Sendable {
    /// Raw values travel and never change.
    package enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        /// The city gives its claim up; the withdrawal is an entry of its own.
        case withdraw = 1
        case contest = 2
        case cofunded = 3
        case notDuplicate = 4
        /// Asks for a closed case to be looked at once more.
        case appeal = 5
    }

    package let caseID: String
    package let kind: Kind
    package let reason: String
    /// SHA-256 of documents that the city keeps.
    package let evidence: [[UInt8]]

    package init(caseID: String, kind: Kind, reason: String, evidence: [[UInt8]]) {
        self.caseID = caseID
        self.kind = kind
        self.reason = reason
        self.evidence = evidence
    }
}

/// What the registry's operators decide in a case.
package struct Ruling: Hashable, Sendable {
    /// Why the case is closed. Raw values travel and never change.
    package enum Code: UInt8, Hashable, Sendable, CaseIterable {
        case confirmed = 1
        case falsePositive = 2
        case noResponse = 3
        case cofunded = 4
        case errorInData = 5
    }

    package let caseID: String
    /// Claims that stay, by name.
    package let kept: [ClaimName]
    /// Claims that are refused, by name.
    package let ruledOut: [ClaimName]
    package let code: Code
    package let reason: String
    /// The operator's name.
    package let by: String

    package init(caseID: String, kept: [ClaimName], ruledOut: [ClaimName], code: Code, reason: String, by: String) {
        self.caseID = caseID
        self.kept = kept.sorted()
        self.ruledOut = ruledOut.sorted()
        self.code = code
        self.reason = reason
        self.by = by
    }

    /// Whether both decide alike, for whatever reason.
    package func agrees(with other: Ruling) -> Bool {
        kept == other.kept && ruledOut == other.ruledOut && code == other.code
    }
}

/// Something that happened in a case, as its parties are told.
package struct CaseEvent: Hashable, Sendable {
    /// Raw values travel and never change.
    package enum Kind: UInt8, Hashable, Sendable, CaseIterable {
        case opened = 1
        case answered = 2
        case proposed = 3
        case ruled = 4
        case reopened = 5
        case escalated = 6
        /// Closed without a ruling, because too few claims are left to rule on.
        case settled = 7
        /// A claim gave back its keys; the case goes on as it was.
        case left = 8
        /// An automatic case that nobody contested: the refused claim stays refused.
        case lapsed = 9
    }

    /// Who learns of an event by the entry that it is in.
    package enum Reach: Hashable, Sendable {
        /// Those who look at the registry, and the cities of the case.
        case all
        /// The registry alone: a later tick tells the cities.
        case registry
        /// The cities alone, which are told later than the registry.
        case cities
    }

    package let kind: Kind
    package let caseID: String
    /// All claims of the case; whether each is live after the event.
    package let parties: [ConflictCase.Party]
    package let deadline: CalendarDate
    /// Whether the registry opened the case by itself.
    package let isAutomatic: Bool
    /// The city that answered.
    package var city: CityCode?
    package var answer: CaseAnswer.Kind?
    package var code: Ruling.Code?
    /// The reason that was given.
    package var text = ""
    /// Digests of what was shown.
    package var evidence: [[UInt8]] = []
    /// Who ruled or proposed; it stays inside the registry.
    package var operatorName = ""
    /// Why the case was opened.
    package var reasons: [Reason] = []
    package var reach = Reach.all

    package init(_ kind: Kind, _ conflict: ConflictCase) {
        self.init(
            kind, caseID: conflict.id, parties: conflict.parties, deadline: conflict.deadline,
            isAutomatic: conflict.isAutomatic)
    }

    package init(
        _ kind: Kind, caseID: String, parties: [ConflictCase.Party], deadline: CalendarDate, isAutomatic: Bool = false
    ) {
        self.isAutomatic = isAutomatic
        self.kind = kind
        self.caseID = caseID
        self.parties = parties
        self.deadline = deadline
    }

    package var cities: [CityCode] { Set(parties.map(\.claim.city)).sorted() }
}

/// What the policy says of cases.
package struct CaseTerms: Hashable, Sendable, Codable {
    /// Working days that cities have to answer.
    package let answerWorkingDays: Int64
    /// Over this sum of claims, a ruling needs two persons.
    package let twoPersonFen: Int64
    /// Days besides Saturdays and Sundays on which nobody works.
    package let holidays: [CalendarDate]
    /// How many automatic cases for refused claims of one city may be open at a time; with 0 there are none.
    package let automaticPerCity: Int64
    /// How much earlier than the holder a refused claim must have been filed for an automatic case, in seconds: what the
    /// clocks of cities may differ by.
    package let earlierBySeconds: Int64

    package init(
        answerWorkingDays: Int64 = 10, twoPersonFen: Int64 = 100_000_000, holidays: [CalendarDate] = [],
        automaticPerCity: Int64 = 10, earlierBySeconds: Int64 = 0
    ) {
        self.automaticPerCity = automaticPerCity
        self.earlierBySeconds = earlierBySeconds
        self.answerWorkingDays = answerWorkingDays
        self.twoPersonFen = twoPersonFen
        self.holidays = holidays
    }

    private enum CodingKeys: String, CodingKey {
        case holidays
        case answerWorkingDays = "answer_working_days"
        case twoPersonFen = "two_person_fen"
        case automaticPerCity = "automatic_per_city"
        case earlierBySeconds = "earlier_by_seconds"
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        let usual = CaseTerms()
        self.init(
            answerWorkingDays: try container.decodeIfPresent(Int64.self, forKey: .answerWorkingDays)
                ?? usual.answerWorkingDays,
            twoPersonFen: try container.decodeIfPresent(Int64.self, forKey: .twoPersonFen) ?? usual.twoPersonFen,
            holidays: try container.decodeIfPresent([CalendarDate].self, forKey: .holidays) ?? [],
            automaticPerCity: try container.decodeIfPresent(Int64.self, forKey: .automaticPerCity)
                ?? usual.automaticPerCity,
            earlierBySeconds: try container.decodeIfPresent(Int64.self, forKey: .earlierBySeconds)
                ?? usual.earlierBySeconds)
    }

    var fault: String? {
        if !(1...250).contains(answerWorkingDays) { return "answer_working_days is 1 to 250" }
        if !(0...1_000).contains(automaticPerCity) { return "automatic_per_city is 0 to 1000" }
        if !(0...31_536_000).contains(earlierBySeconds) { return "earlier_by_seconds is 0 to 31536000" }
        return twoPersonFen < 0 ? "two_person_fen is not below zero" : nil
    }

    /// The last day to answer something that the registry received at that time.
    ///
    /// - Parameter milliseconds: Since 1970, by the registry's clock. Days are China's.
    func deadline(receivedAt milliseconds: Int64) -> CalendarDate {
        var day = CalendarDate.inChina(milliseconds: milliseconds).rawValue
        var left = answerWorkingDays
        while left > 0 {
            day += 1
            if !isFree(CalendarDate(rawValue: day)) { left -= 1 }
        }
        return CalendarDate(rawValue: day)
    }

    private func isFree(_ day: CalendarDate) -> Bool {
        // 1970-01-01 was a Thursday.
        let weekday = ((Int64(day.rawValue) + 3) % 7 + 7) % 7
        return weekday == 5 || weekday == 6 || holidays.contains(day)
    }
}
