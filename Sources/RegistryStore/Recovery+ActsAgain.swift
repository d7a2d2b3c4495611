import Arbitration
import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// What operators have done on a branch that was given up: it is done again once the recovery ends, each act under its own
/// id, where nothing that stands says otherwise of the same.
///
/// Two histories of the registry's own log cannot be put into one order. So an act counts only where the log that stands has
/// nothing of the same city, or the same list, since both parted, and no third history has. A suspension is the exception
/// to the latter: a city is suspended rather than not. What is not done again the audit log names.
extension Recovery {
    private struct Act {
        let entry: Entry
        /// What it says of a city; `nil` for all others.
        let membership: RegistryAct?
        /// The first entry of its history that does not stand.
        let parting: (sequence: Int64, hash: [UInt8])

        /// What one history alone may speak of; `nil` where that does not matter.
        var subject: Subject? {
            if let city = membership?.city { return .city(city) }
            return [.companiesListed, .providersListed].contains(entry.kind) ? .list(entry.kind) : nil
        }

        /// What it was, for the operators.
        var words: String {
            switch membership {
            case .enrolled(let city, _): return "city \(city) enrolled"
            case .joined(let city, let key): return "city \(city) joined with key \(key.bytes.hexadecimal)"
            case .suspended(let city, _): return "city \(city) suspended"
            case .reinstated(let city, _): return "city \(city) reinstated"
            default: break
            }
            switch PayloadCoding.content(of: entry) {
            case .caseRuled(let ruling): return "a ruling on case \(ruling.caseID)"
            case .caseReopened(let id, _, _): return "case \(id) reopened"
            default: break
            }
            switch entry.kind {
            case .policyPublished: return "a policy published"
            case .companiesListed: return "companies listed"
            case .providersListed: return "providers listed"
            default: return "kind \(entry.kind.rawValue)"
            }
        }
    }

    private enum Subject: Hashable {
        case city(CityCode)
        case list(EntryKind)
    }

    /// What operators do that may say the same on every branch. The rest is the registry's own, grants and ticks, which it makes
    /// anew.
    private static let operatorsActs: Set<EntryKind> = [
        .cityEnrolled, .cityJoined, .citySuspended, .cityReinstated, .policyPublished, .companiesListed,
        .providersListed, .caseRuled, .caseReopened,
    ]

    /// Reads bytes that the registry has stored as an entry.
    static func entry(_ bytes: [UInt8]) throws -> Entry {
        do { return try EntryCoding.decode(bytes) } catch {
            throw PostgresError(code: .unexpectedResult, message: "a damaged row in entry: \(error.message)")
        }
    }

    private static func membership(in entry: Entry) throws -> RegistryAct? {
        do { return try RegistryAct(membershipIn: entry) } catch {
            throw PostgresError(code: .unexpectedResult, message: "a damaged row in entry: \(error.message)")
        }
    }

    /// Keeps an entry of the registry's own log that does not stand.
    func keep(_ entry: Entry) throws {
        try session.queue(
            """
            INSERT INTO given_up_entry (hash, previous_hash, entry_id, sequence, kind, bytes, waits)
            VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (hash) DO UPDATE SET waits = excluded.waits
            """,
            [
                .bytea(entry.hash.rawValue), .bytea(entry.previousHash.rawValue), .bytea(entry.id.rawValue),
                .int8(Int64(entry.sequence)), .int4(Int32(bitPattern: entry.kind.rawValue)), .bytea(entry.bytes),
                .bool(Recovery.operatorsActs.contains(entry.kind)),
            ])
    }

    // MARK: Doing them again

    /// Appends what waits to the registry's own log, once it is open again and its tables are those of the feed.
    ///
    /// - Parameter end: The last entry that stood before the registry went on. What it has said since is of keys that cities
    ///   have shown, and contradicts no suspension.
    func appendActsAgain(behind end: UInt64) throws {
        let acts = try takeWaiting()
        guard !acts.isEmpty else { return }
        let log = try Log(through: end, session)
        for city in Set(acts.compactMap(\.membership?.city)).sorted() { try setMember(city, log) }
        var histories: [Subject: Set<[UInt8]>] = [:]
        for act in acts { if let subject = act.subject { histories[subject, default: []].insert(act.parting.hash) } }
        for act in acts {
            let isDisputed = act.subject.map { histories[$0, default: []].count > 1 } ?? false
            guard try isStillToBeDone(act, log, isDisputed: isDisputed) else {
                try noteGivenUp(act, "what stands says otherwise, or another branch does")
                continue
            }
            do {
                try session.savepoint {
                    try RegistryStore.append(again: [act.entry], session, secrets, now: now)
                    if let membership = act.membership { try apply(membership, receivedAt: now) }
                }
            } catch let error as PostgresError where error.isDataFault {
                try noteGivenUp(act, "it cannot be stored: \(error)")
            }
        }
    }

    /// Names what waits for the operators, and does none of it: whoever holds the tail of a branch would choose when.
    func noteActsGivenUp() throws {
        for act in try takeWaiting() {
            try noteGivenUp(act, "city \(city) brought it when the registry was open: do it again if it is to be done")
        }
    }

    /// The acts that wait, which then wait no more: each id once, in the order of their logs.
    private func takeWaiting() throws -> [Act] {
        let rows = try session.execute(
            """
            SELECT w.bytes, p.sequence, p.hash
            FROM (
                SELECT DISTINCT ON (entry_id) hash, sequence, bytes FROM given_up_entry g
                WHERE waits AND NOT EXISTS (SELECT FROM entry e WHERE e.entry_id = g.entry_id)
                ORDER BY entry_id, sequence, hash) AS w
            CROSS JOIN LATERAL (
                WITH RECURSIVE history AS (
                    SELECT hash, previous_hash, sequence FROM given_up_entry WHERE hash = w.hash
                    UNION ALL SELECT g.hash, g.previous_hash, g.sequence
                    FROM history h JOIN given_up_entry g ON g.hash = h.previous_hash
                    WHERE NOT EXISTS (
                        SELECT FROM entry e WHERE e.city_code = 0 AND e.sequence = g.sequence AND e.hash = g.hash))
                SELECT sequence, hash FROM history ORDER BY sequence LIMIT 1) AS p
            ORDER BY w.sequence, w.hash
            """)
        var acts: [Act] = []
        for row in 0..<rows.count {
            let entry = try Recovery.entry(rows.bytes(row, 0))
            let parting = (sequence: rows.int(row, 1), hash: rows.bytes(row, 2))
            acts.append(Act(entry: entry, membership: try Recovery.membership(in: entry), parting: parting))
        }
        try session.queue("UPDATE given_up_entry SET waits = false WHERE waits")
        return acts
    }

    private func noteGivenUp(_ act: Act, _ why: String) throws {
        try Recovery.note(session, "act given up", "entry \(act.entry.sequence), \(act.words): \(why)", now: now)
    }

    // MARK: What stands

    /// What the registry's own log says of members, before any act is done again.
    private struct Log {
        /// The last entry that stood before the registry went on.
        let end: Int64
        let memberships: [(sequence: Int64, act: RegistryAct, time: UInt64)]

        init(through end: UInt64, _ session: PostgresSession) throws {
            self.end = Int64(end)
            let kinds: [EntryKind] = [.cityEnrolled, .cityJoined, .citySuspended, .cityReinstated]
            let rows = try session.execute(
                "SELECT sequence, bytes FROM entry WHERE city_code = 0 AND kind = ANY($1) ORDER BY sequence",
                [.int4Array(kinds.map { Int32(bitPattern: $0.rawValue) })])
            var memberships: [(sequence: Int64, act: RegistryAct, time: UInt64)] = []
            for row in 0..<rows.count {
                let entry = try Recovery.entry(rows.bytes(row, 1))
                guard let act = try Recovery.membership(in: entry) else { continue }
                memberships.append((rows.int(row, 0), act, entry.time.milliseconds))
            }
            self.memberships = memberships
        }
    }

    /// Makes a city what the log says of it: what a branch that was given up has made of it may not be done again.
    private func setMember(_ city: CityCode, _ log: Log) throws {
        var (status, key, since) = ("enrolled", PublicKey?.none, UInt64?.none)
        for (_, act, time) in log.memberships where act.city == city {
            switch act {
            case .joined(_, let joined): (status, key, since) = ("active", joined, time)
            case .suspended: status = "suspended"
            case .reinstated: status = "active"
            default: break
            }
        }
        try session.queue(
            """
            UPDATE city SET status = $2, public_key = $3,
                key_since_ms = CASE WHEN public_key = $3 THEN key_since_ms ELSE $4 END
            WHERE city_code = $1
            """,
            [
                .int4(Int32(city.rawValue)), .text(status), .bytea(key?.bytes),
                .int8(since.map { Int64(clamping: $0) }),
            ])
    }

    private func isStillToBeDone(_ act: Act, _ log: Log, isDisputed: Bool) throws -> Bool {
        switch act.subject {
        case .city(let city):
            // A key that a city has shown is its latest; of a suspension the registry's word of that key says nothing.
            let end = if case .joined = act.membership { Int64.max } else { log.end }
            let isContradicted = log.memberships.contains {
                $0.act.city == city && $0.sequence >= act.parting.sequence && $0.sequence <= end
            }
            guard !isContradicted else { return false }
            let row = try CityRow.read(city, session)
            switch act.membership {
            case .enrolled: return row?.publicKey == nil
            case .joined: return !isDisputed && row?.status != "suspended"
            case .suspended: return true
            default: return !isDisputed
            }
        case .list(let kind):
            let listed = try session.execute(
                "SELECT 1 FROM entry WHERE city_code = 0 AND kind = $1 AND sequence BETWEEN $2 AND $3 LIMIT 1",
                [.int4(Int32(bitPattern: kind.rawValue)), .int8(act.parting.sequence), .int8(log.end)])
            return !isDisputed && listed.count == 0
        case nil: return try isStillSo(act.entry)
        }
    }

    /// Whether a policy is above the newest one, and whether the case that a ruling is about is still that one.
    private func isStillSo(_ entry: Entry) throws -> Bool {
        switch PayloadCoding.content(of: entry) {
        case .caseRuled(let ruling): return try isCommon(case: ruling.caseID, to: entry)
        case .caseReopened(let id, _, _): return try isCommon(case: id, to: entry)
        default:
            guard entry.kind == .policyPublished, let last = try RegistryStore.lastPublished(session) else {
                return true
            }
            return try PayloadCoding.policy(entry.payload).version > last.version
        }
    }

    /// Whether a case was opened before the feed that an entry was written on parted from the one that stands: a spoken id is
    /// that of a position.
    private func isCommon(case id: String, to entry: Entry) throws -> Bool {
        let head = entry.feedHead
        let isOnFeed = try head.position > 0 && Recovery.hash(at: head.position, session) == head.hash
        guard let common = isOnFeed ? head : try Recovery.wayBack(from: head, session)?.to else { return false }
        return try session.execute(
            "SELECT 1 FROM conflict_case WHERE case_id = $1 AND position <= $2",
            [.text(id), .int8(Int64(clamping: common.position))]
        ).count > 0
    }
}

extension RegistryAct {
    /// The city that an act of membership is about.
    fileprivate var city: CityCode? {
        switch self {
        case .enrolled(let city, _), .joined(let city, _), .suspended(let city, _), .reinstated(let city, _): city
        default: nil
        }
    }
}
