import Arbitration
import FederationWire
import PostgresClient
import Replication
import VoucherDomain

/// An entry of a log in the order in which the registry decides, with what the registry knows of it besides its bytes.
struct JournaledEntry: Sendable {
    let entry: Entry
    /// In milliseconds since 1970, as its receipt says.
    let receivedAt: Int64
    /// Why it was rejected when it was received, if it was.
    let fault: String?
    /// Whether it is answered `unsupported` here, by whichever build.
    var isUnread = false
    /// The entry that this one, the registry's word, decides anew; `nil` for all others.
    private(set) var read: Stored?
    /// The entry that filed the claim whose payment this one, the registry's word, is about; `nil` for all others.
    private(set) var filing: Stored?

    /// An entry that is in the tables.
    typealias Stored = (entry: Entry, receivedAt: Int64, fault: String?)

    init(entry: Entry, receivedAt: Int64, fault: String?) {
        self.entry = entry
        self.receivedAt = receivedAt
        self.fault = fault
    }

    /// The entry that is answered when it is this one's turn: itself, or the one that it decides anew.
    var answered: Entry { read?.entry ?? entry }
    /// The registry's word by which ``answered`` is decided anew, if it is.
    var act: Entry? { read == nil ? nil : entry }

    private func content(in dialect: Dialect) -> JournalEntry.Content {
        if isUnread { return .unsupported }
        let content = PayloadCoding.content(of: entry, rejectedFor: fault, in: dialect)
        guard case .paymentFound(let reference, _) = content, let filing else { return content }
        let filed = JournaledEntry(entry: filing.entry, receivedAt: filing.receivedAt, fault: filing.fault)
        return .paymentFound(reference, filing: filed.placed(at: 0, in: dialect))
    }

    /// As the fold sees it.
    func placed(at position: Int64, in dialect: Dialect) -> JournalEntry {
        let (answered, received) = read.map { ($0.entry, $0.receivedAt) } ?? (entry, receivedAt)
        let reading = read == nil ? nil : try? EntryReading(entry.payload)
        return JournalEntry(
            position: position, city: answered.city, id: answered.id.rawValue,
            content: read.map { PayloadCoding.content(of: $0.entry, rejectedFor: $0.fault, in: dialect) }
                ?? content(in: dialect),
            receivedAt: received, writtenAt: Int64(clamping: answered.time.milliseconds),
            feedPosition: Int64(clamping: answered.feedHead.position),
            reading: reading.map { .init(at: receivedAt, unreadSince: $0.unreadSince.map(Int64.init(clamping:))) })
    }

    // MARK: Completing

    /// The entries, each word of the registry with the entry that it decides anew, or that filed what it is about.
    ///
    /// - Parameter isReplay: Whether a restored registry decides again: what was answered `unsupported` then is so now.
    static func completed(
        _ entries: [JournaledEntry], isReplay: Bool, _ session: PostgresSession
    ) throws -> [JournaledEntry] {
        var entries = entries
        let words = entries.indices.compactMap { index in entries[index].named.map { (index: index, place: $0) } }
        if !words.isEmpty {
            let found = try stored(words.map(\.place), session)
            for (index, place) in words {
                let other = found[place.entry.hash]
                if entries[index].entry.kind == .entryRead {
                    entries[index].read = other
                } else {
                    entries[index].filing = other
                }
            }
        }
        if isReplay {
            let unread = try unread(entries.map(\.entry), session)
            for index in entries.indices where unread.contains(entries[index].entry.hash) {
                entries[index].isUnread = true
            }
        }
        return entries
    }

    /// The place of an entry in its city's log.
    private typealias Place = (city: CityCode, entry: LogHead)

    /// The entry that this one, a word of the registry that was not rejected, decides anew, or that filed what it is about.
    private var named: Place? {
        guard fault == nil else { return nil }
        switch entry.kind {
        case .entryRead: return (try? EntryReading(entry.payload)).map { ($0.city, $0.entry) }
        case .paymentFound: return (try? FoundPayment(entry.payload)).map { ($0.city, $0.filing) }
        default: return nil
        }
    }

    /// The entries that words of the registry name, by their hashes.
    private static func stored(
        _ places: [Place], _ session: PostgresSession
    ) throws -> [Digest: Stored] {
        let result = try session.execute(
            """
            SELECT e.bytes, b.received_at_ms, e.fault FROM unnest($1::int4[], $2::int8[]) AS r(city, sequence)
            JOIN entry e ON e.city_code = r.city AND e.sequence = r.sequence
            CROSS JOIN LATERAL (
                SELECT received_at_ms FROM batch b
                WHERE b.city_code = e.city_code AND b.last_sequence >= e.sequence
                ORDER BY b.last_sequence LIMIT 1) AS b
            """,
            [
                .int4Array(places.map { Int32($0.city.rawValue) }),
                .int8Array(places.map { Int64(clamping: $0.entry.sequence) }),
            ])
        var found: [Digest: Stored] = [:]
        for row in 0..<result.count {
            let entry = try EntryCoding.decode(result.bytes(row, 0))
            found[entry.hash] = (entry, result.int(row, 1), result.isNull(row, 2) ? nil : result.text(row, 2))
        }
        return found
    }

    /// Which of the entries the feed that cities gave back answers `unsupported`.
    private static func unread(_ entries: [Entry], _ session: PostgresSession) throws -> Set<Digest> {
        let result = try session.execute(
            """
            SELECT e.hash FROM unnest($1::int4[], $2::int8[]) AS w(city, sequence)
            JOIN recovery_feed r ON r.city_code = w.city AND r.sequence = w.sequence AND r.adopted AND r.decision = $3
            JOIN entry e ON e.city_code = r.city_code AND e.sequence = r.sequence
            """,
            [
                .int4Array(entries.map { Int32($0.city.rawValue) }),
                .int8Array(entries.map { Int64(clamping: $0.sequence) }),
                .int4(Int32(Outcome.Decision.unsupported.rawValue)),
            ])
        return Set((0..<result.count).compactMap { Digest(rawValue: result.bytes($0, 0)) })
    }
}
