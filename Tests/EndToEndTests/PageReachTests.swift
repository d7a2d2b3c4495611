import FederationHTTP
import Testing

@testable import NationalRegistry

/// How far a database must have come for a page of a list.
@Suite("The reach of a page")
struct PageReachTests {
    private func reach(
        _ values: [String: String], behind place: Int64? = nil, isSettled: Bool
    ) throws -> Int64 {
        try Question(values, known: ["after", "seen"]).reach(behind: place, isSettled: isSettled)
    }

    @Test("the first page is anybody's, unless more was seen", arguments: [true, false])
    func first(isSettled: Bool) throws {
        #expect(try reach([:], isSettled: isSettled) == 0)
        #expect(try reach(["seen": "7"], isSettled: isSettled) == 7)
    }

    @Test("a settled list goes on where its place is known, and any other one where all is known that was seen")
    func next() throws {
        #expect(try reach(["after": "5"], behind: 5, isSettled: true) == 5)
        #expect(try reach(["after": "5", "seen": "9"], behind: 5, isSettled: true) == 9)
        #expect(try reach(["after": "5"], behind: 5, isSettled: false) == Int64.max)
        #expect(try reach(["after": "5", "seen": "9"], behind: 5, isSettled: false) == 9)
        // What was seen with an earlier page than the one before says nothing of the place.
        #expect(try reach(["after": "5", "seen": "2"], behind: 5, isSettled: false) == 5)
        #expect(try reach(["after": "invoice-once:00"], isSettled: false) == Int64.max)
        #expect(try reach(["after": "invoice-once:00", "seen": "9"], isSettled: false) == 9)
    }

    @Test("what was seen is a position", arguments: ["x", "-1", "1.5", "9223372036854775808"])
    func fault(text: String) {
        #expect(throws: Problem.self) { try reach(["seen": text], isSettled: true) }
    }
}
