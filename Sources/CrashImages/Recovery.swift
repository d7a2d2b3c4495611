import CityStore
import GRDB
import Replication
import VoucherDomain

/// The node's own recovery on files as a crash left them, and what must then hold.
struct Recovery {
    let scenario: RecordedScenario
    /// A directory to be made and removed.
    let directory: String

    /// Opens the store, looks at everything that was promised, and goes on with the scenario from where it stopped.
    ///
    /// - Parameters:
    ///   - start: The files, or all that is known of the disk under them.
    ///   - acknowledged: How many calls were acknowledged before the crash.
    ///   - count: How many calls of the scenario to make afterwards.
    /// - Returns: What was done to the files, so that a crash of the recovery itself can be looked at.
    /// - Throws: ``Violation``.
    func run(from start: DiskRecording, acknowledged: Int, thenCalls count: Int) throws -> DiskRecording {
        do {
            return try RecordedDisk.recording(in: directory, from: start) { disk in
                var node = try RecordedNode(directory: disk.directory, seed: scenario.seed)
                defer { try? node.close() }
                let state = try StoreState(node.store)
                let done = try callsDone(state, acknowledged)
                if done > 0 {
                    try checkLog(node.store, disk.directory)
                    try checkClaims(node.store, acknowledged)
                    try checkFeed(node.store, state, done)
                }
                try goOn(&node, disk, acknowledged, done, count)
                return disk.recording
            }
        } catch let error where !(error is Violation) {
            throw Violation(invariant: "recovery", text: "after \(acknowledged) calls: \(error)")
        }
    }

    // MARK: What must hold

    /// After how many calls of the scenario the store is as it is now: all that were acknowledged, and at most the one that
    /// was under way; no half of a call, and nothing of a later one (I4, I12, I23).
    private func callsDone(_ state: StoreState, _ acknowledged: Int) throws -> Int {
        for done in [acknowledged, acknowledged + 1]
        where done < scenario.states.count && state == scenario.states[done] {
            return done
        }
        let difference = state.difference(from: scenario.states[acknowledged]) ?? ""
        throw Violation(
            invariant: "I4, I12, I23",
            text: "the store is neither as after call \(acknowledged), the last acknowledged, nor as after the next: "
                + difference)
    }

    private func checkLog(_ store: CityStore, _ directory: String) throws {
        _ = try store.verifyLog()
        var configuration = Configuration()
        configuration.readonly = true
        let queue = try DatabaseQueue(path: "\(directory)/\(CityStore.fileName)", configuration: configuration)
        defer { try? queue.close() }
        let problems = try queue.read { database in
            try String.fetchAll(database, sql: "PRAGMA integrity_check").filter { $0 != "ok" }
                + Row.fetchAll(database, sql: "PRAGMA foreign_key_check").map { "foreign key: \($0)" }
        }
        guard problems.isEmpty else {
            throw Violation(invariant: "recovery", text: problems.joined(separator: "; "))
        }
    }

    /// Every claim that was acknowledged is there as it was (I4, I23).
    private func checkClaims(_ store: CityStore, _ acknowledged: Int) throws {
        let kept = try store.claims(limit: .max)
        let fields = Dictionary(uniqueKeysWithValues: kept.map { ($0.number, $0.fields) })
        for (number, claim) in scenario.claims where claim.call <= acknowledged && fields[number] != claim.fields {
            let found = fields[number].map { "has other content: \($0)" } ?? "is lost"
            throw Violation(invariant: "I4, I23", text: "claim \(number), acknowledged by call \(claim.call), \(found)")
        }
    }

    /// The cursor is where the last call left it, and the claims and the key index are what the feed says up to there (I12).
    private func checkFeed(_ store: CityStore, _ state: StoreState, _ done: Int) throws {
        let cursor = try store.feedHead()
        let feed = scenario.feed(after: done)
        guard cursor == feed.last?.head ?? .empty else {
            throw Violation(invariant: "I12", text: "feed position \(cursor.position) is not that of call \(done)")
        }
        let reading = FeedReading(feed, city: ScenarioFederation.city)
        guard state.keys == reading.keys else {
            throw Violation(invariant: "I12", text: "the key index is not that of feed position \(cursor.position)")
        }
        var positions: Set<UInt64> = []
        for claim in try store.claims(limit: .max) {
            guard let position = claim.decidedAt?.position else { continue }
            positions.insert(position)
            guard let decision = reading.claims[position], "\(decision)" == claim.state else {
                throw Violation(
                    invariant: "I12",
                    text: "claim \(claim.number) is \(claim.state) at feed position \(cursor.position)")
            }
        }
        guard positions == Set(reading.claims.keys) else {
            throw Violation(invariant: "I12", text: "a decision up to feed position \(cursor.position) has no claim")
        }
    }

    // MARK: Going on

    /// Makes the calls from the first that was not acknowledged on. One that was done already is made again where a caller
    /// would, and changes nothing; each of the others leaves the store as it did without a crash.
    private func goOn(
        _ node: inout RecordedNode, _ disk: RecordedDisk, _ acknowledged: Int, _ done: Int, _ count: Int
    ) throws {
        for place in scenario.calls.indices.dropFirst(acknowledged).prefix(count) {
            let call = scenario.calls[place]
            if place >= done || call.isRepeated {
                let answer = try node.perform(call, at: place)
                try checkRepeated(answer, place < done)
            }
            disk.acknowledge(place + 1)
            let state = try StoreState(node.store)
            if let difference = state.difference(from: scenario.states[place + 1]) {
                throw Violation(
                    invariant: "recovery",
                    text: "call \(place + 1) came to something else after the crash: \(difference)")
            }
        }
        try fileAgain(&node, disk, acknowledged)
    }

    /// What was done before the crash is not recorded a second time.
    private func checkRepeated(_ answer: StoreAnswer, _ wasDone: Bool) throws {
        guard wasDone, case .rows(let rows) = answer, let row = rows.first(where: { $0.outcome == .recorded }) else {
            return
        }
        throw Violation(invariant: "I4", text: "\(row.number) was recorded twice")
    }

    /// An acknowledged claim that is filed again is known.
    private func fileAgain(_ node: inout RecordedNode, _ disk: RecordedDisk, _ acknowledged: Int) throws {
        guard let known = scenario.claims.filter({ $0.value.call <= acknowledged }).min(by: { $0.key < $1.key }) else {
            return
        }
        let row = FormRow(line: nil, fields: known.value.fields)
        let answer = try node.perform(.file([row]), at: scenario.calls.count)
        guard case .rows(let rows) = answer, rows.map(\.outcome) == [.unchanged] else {
            throw Violation(invariant: "I4", text: "claim \(known.key), filed again, was not known: \(answer)")
        }
    }
}
