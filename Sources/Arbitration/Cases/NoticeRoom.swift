/// How much one entry may still tell of cases whose number nobody bounds: those that are due at one tick, and those
/// that name a claim which gave back its keys.
///
/// Every city reads every feed entry whole. What finds no room is told by the ticks that follow.
struct NoticeRoom {
    /// The most bytes of notices in one entry, passed by at most one case: 3 MiB, so that an entry with 500 payments
    /// beside them is below 4 MiB.
    static let bytes = 3 << 20

    private var cases = Fold.mostCasesTold
    private var bytes = NoticeRoom.bytes

    /// Takes the room that a case needs.
    ///
    /// - Returns: Whether there was any left; once there is none, no case gets any.
    mutating func take(_ conflict: ConflictCase) -> Bool {
        guard cases > 0, bytes > 0 else { return false }
        cases -= 1
        bytes -= conflict.noticeBytes
        return true
    }
}

extension Fold {
    /// The most cases that a tick, or a claim that gives back its keys, tells their cities of in one entry.
    package static let mostCasesTold = 500
}

extension ConflictCase {
    /// The most bytes that it takes to tell all cities of the case how it stands: each is told of every claim.
    var noticeBytes: Int {
        // 32 bytes are more than a claim takes beside its number, and 128 more than the rest of a notice with its seal.
        cities.count * parties.reduce(128) { $0 + 32 + $1.claim.number.utf8.count }
    }
}

extension Outcome {
    /// Takes note of the cases of which this outcome tells the cities how they stand.
    mutating func markTold() {
        guard cases.contains(where: { $0.untold != nil }) else { return }
        let told = Set(events.filter { $0.reach != .registry }.map(\.caseID))
        for index in cases.indices where told.contains(cases[index].id) { cases[index].tell() }
    }
}
