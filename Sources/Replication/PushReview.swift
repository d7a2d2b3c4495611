import SeededBugs
package import VoucherDomain

/// What the registry knows of a city when a batch arrives.
package struct CityStanding: Hashable, Sendable {
    package let city: CityCode
    package let isSuspended: Bool
    package let publicKey: PublicKey
    /// The epoch granted last: the only one that may push.
    package let grantedEpoch: Epoch
    package let head: LogHead
    package let time: HybridTime
    package let watermark: HybridTime

    package init(
        city: CityCode, isSuspended: Bool, publicKey: PublicKey, grantedEpoch: Epoch, head: LogHead,
        time: HybridTime, watermark: HybridTime
    ) {
        self.city = city
        self.isSuspended = isSuspended
        self.publicKey = publicKey
        self.grantedEpoch = grantedEpoch
        self.head = head
        self.time = time
        self.watermark = watermark
    }
}

/// A batch as pushed: entries in log order, and the seal over the last of them.
package struct PushBatch: Hashable, Sendable {
    package let sessionEpoch: Epoch
    package let entries: [Entry]
    package let seal: Seal
    package let signedSeal: SignedBytes

    package init(sessionEpoch: Epoch, entries: [Entry], seal: Seal, signedSeal: SignedBytes) {
        self.sessionEpoch = sessionEpoch
        self.entries = entries
        self.seal = seal
        self.signedSeal = signedSeal
    }

    /// The most entries one batch may have.
    package static let maximumEntries = 2_000
    /// The most bytes one request may have: 8 MiB.
    package static let maximumBytes = 1 << 23
}

/// The registry's judgement of a pushed batch. Pure: the caller holds the city's row locked and commits what is
/// accepted in the same transaction.
package enum PushReview {
    /// What becomes of one entry.
    package enum Answer: Hashable, Sendable {
        case accepted
        case alreadyKnown
        /// In the log, so that the log goes on, but answered `invalid` in the feed.
        case rejected(String)

        /// The answer's name in logs and metrics.
        package var name: String {
            switch self {
            case .accepted: "accepted"
            case .alreadyKnown: "already-known"
            case .rejected: "rejected"
            }
        }
    }

    package struct Accepted: Hashable, Sendable {
        /// One answer an entry, in batch order.
        package let answers: [Answer]
        /// The entries to be stored, in log order, each with the fault it is rejected for.
        package let appended: [(entry: Entry, fault: String?)]
        package let head: LogHead
        package let time: HybridTime
        package let watermark: HybridTime

        package static func == (left: Accepted, right: Accepted) -> Bool {
            left.answers == right.answers && left.head == right.head && left.time == right.time
                && left.watermark == right.watermark
        }

        package func hash(into hasher: inout Hasher) {
            hasher.combine(answers)
            hasher.combine(head)
        }
    }

    /// Why a whole batch is refused; nothing of it is stored.
    package enum Fault: Error, Hashable, Sendable {
        case suspended
        /// A newer node with the same key holds the log.
        case fenced(granted: Epoch)
        /// The registry has begun anew since, and grants all epochs anew.
        case outlived(incarnation: UInt32)
        case badSeal(String)
        /// The city goes on from an entry that the registry has not: one of both was restored.
        case ahead(sequence: UInt64)
        case chain(Chain.Fault)
        /// An entry that the registry has under the same sequence with other bytes: two histories.
        case diverged(sequence: UInt64)
        case tooManyEntries(Int)

        package var message: String {
            switch self {
            case .suspended: "the city is suspended"
            case .fenced(let granted): "a newer node holds this log, under epoch \(granted.counter)"
            case .outlived(let incarnation):
                "the registry goes on as incarnation \(incarnation) after a restore: this session is over, say hello"
            case .badSeal(let why): "the seal is not valid: \(why)"
            case .ahead(let sequence):
                "the registry has not entry \(sequence) that this log goes on from: one of both was restored to an earlier "
                    + "point, say hello"
            case .chain(let fault): fault.message
            case .diverged(let sequence):
                "the registry has another entry \(sequence): this log has two histories; \(HelloReview.adviceOnCopies)"
            case .tooManyEntries(let count): "\(count) entries in a batch, at most \(PushBatch.maximumEntries)"
            }
        }
    }

    /// How far a watermark may be ahead of the registry's clock: 5 minutes, as for signed requests, and the second by which
    /// these are told apart at most. A city whose requests are let in is never refused for its clock here.
    package static let clockTolerance: UInt64 = 301_000

    /// 3000-01-01 in milliseconds since 1970: a clock there leaves no room to rise.
    package static let latestTime: UInt64 = 32_503_680_000_000

    /// The fault of an entry whose permanent id is taken; it is then stored without the id.
    package static let repeatedID = "its id is already used by another entry"
    /// The fault of an answer to a case that was written on a branch of the feed which was given up: the case's spoken id is
    /// that of a position, and may be another case's on the feed that stands.
    package static let strayAnswer = "it answers a case of a history that was given up: see the case as it is now"
    private static let fallingClock = "its clock does not rise"
    private static let belowWatermark = "it is filed before the city's own watermark"
    private static let distantClock = "its clock is beyond the year 2999"
    private static let foreignKind = "its kind belongs to the registry's log"
    private static let hugePayload = "its payload is over \(Entry.maximumPayloadBytes) bytes"

    /// Everything that an entry is rejected for when it is received. The feed repeats it: these texts never change.
    package static let faults: Set = [
        repeatedID, strayAnswer, fallingClock, belowWatermark, distantClock, foreignKind, hugePayload,
    ]

    /// Judges a batch.
    ///
    /// The same batch again is a no-op with the same answers but `already known`.
    ///
    /// - Parameters:
    ///   - incarnation: The registry's present one: a session of an earlier one is over.
    ///   - knownHash: The hash that the registry has at a sequence at or below its head.
    ///   - isKnownID: Whether an entry id is already used by another entry, of any city.
    ///   - isStray: Whether an entry answers a case of a branch of the feed that was given up.
    ///   - now: The registry's clock, milliseconds since 1970.
    package static func review(
        _ batch: PushBatch, standing: CityStanding, incarnation: UInt32, knownHash: (UInt64) -> Digest?,
        isKnownID: (EntryID) -> Bool, isStray: (Entry) -> Bool = { _ in false }, now: UInt64
    ) -> Result<Accepted, Fault> {
        if standing.isSuspended { return .failure(.suspended) }
        if let fault = fence(batch.sessionEpoch, standing, incarnation: incarnation) { return .failure(fault) }
        guard batch.entries.count <= PushBatch.maximumEntries else {
            return .failure(.tooManyEntries(batch.entries.count))
        }
        if let entry = batch.entries.first(where: { $0.epoch > standing.grantedEpoch }),
            !SeededBug.ungrantedEpochAccepted.isActive
        {
            return .failure(.chain(.ungrantedEpoch(sequence: entry.sequence)))
        }
        for (entry, next) in zip(batch.entries, batch.entries.dropFirst()) where next.sequence != entry.sequence &+ 1 {
            return .failure(.chain(.gap(expected: entry.sequence &+ 1, found: next.sequence)))
        }
        if let fault = signatureFault(batch, standing) { return .failure(.badSeal(fault)) }
        let start = batch.entries.first.map { $0.sequence &- 1 } ?? batch.seal.head.sequence
        guard start <= standing.head.sequence else { return .failure(.ahead(sequence: start)) }
        if let fault = sealFault(batch, standing, now) { return .failure(.badSeal(fault)) }
        return follow(batch, standing, knownHash, isKnownID, isStray)
    }

    /// Whether a session is over: another one was granted since, or the registry has begun anew.
    package static func fence(_ session: Epoch, _ standing: CityStanding, incarnation: UInt32) -> Fault? {
        guard session == standing.grantedEpoch || SeededBug.oldEpochPushes.isActive else {
            return .fenced(granted: standing.grantedEpoch)
        }
        guard session.incarnation < incarnation, !SeededBug.outlivedSession.isActive else { return nil }
        return .outlived(incarnation: incarnation)
    }

    private static func signatureFault(_ batch: PushBatch, _ standing: CityStanding) -> String? {
        guard batch.signedSeal.isValid(.seal, by: standing.publicKey) || SeededBug.sealUnsigned.isActive else {
            return "wrong signature"
        }
        return batch.seal.city == standing.city ? nil : "it names city \(batch.seal.city)"
    }

    private static func sealFault(_ batch: PushBatch, _ standing: CityStanding, _ now: UInt64) -> String? {
        let end = batch.entries.last?.head ?? standing.head
        guard batch.seal.head == end else { return "it does not name the batch's last entry" }
        // A watermark far ahead would have every later entry of the city rejected.
        let times = batch.entries.map(\.time).filter { $0.milliseconds <= latestTime }
        let latest = max(standing.time, times.max() ?? .zero)
        return batch.seal.watermark <= max(latest, HybridTime(milliseconds: now + clockTolerance))
            || SeededBug.watermarkFromFuture.isActive
            ? nil : "its watermark is ahead of its last entry and of the registry's clock"
    }

    private static func follow(
        _ batch: PushBatch, _ standing: CityStanding, _ knownHash: (UInt64) -> Digest?,
        _ isKnownID: (EntryID) -> Bool, _ isStray: (Entry) -> Bool
    ) -> Result<Accepted, Fault> {
        var chain = Chain(city: standing.city, head: standing.head, time: standing.time)
        var answers: [Answer] = []
        var appended: [(entry: Entry, fault: String?)] = []
        var ids: Set<EntryID> = []
        for entry in batch.entries {
            if entry.sequence <= standing.head.sequence {
                guard knownHash(entry.sequence) == entry.hash || SeededBug.knownByNumber.isActive else {
                    return .failure(.diverged(sequence: entry.sequence))
                }
                answers.append(.alreadyKnown)
                continue
            }
            let isKnown = isKnownID(entry.id) || !ids.insert(entry.id).inserted
            let fault =
                entryFault(entry, chain, standing, isKnown: isKnown) ?? (isStray(entry) ? strayAnswer : nil)
            // A rejected entry is a link of the chain, but its clock binds nothing after it.
            do { try chain.append(entry, keepingTime: fault != nil) } catch { return .failure(.chain(error)) }
            answers.append(fault.map(Answer.rejected) ?? .accepted)
            appended.append((entry, fault))
        }
        let earlier = SeededBug.watermarkSinks.isActive ? .zero : standing.watermark
        return .success(
            Accepted(
                answers: answers, appended: appended, head: chain.head, time: chain.time,
                watermark: max(earlier, batch.seal.watermark)))
    }

    private static func entryFault(
        _ entry: Entry, _ chain: Chain, _ standing: CityStanding, isKnown: Bool
    ) -> String? {
        if isKnown, !SeededBug.repeatedIDAccepted.isActive { return repeatedID }
        if !chain.rises(entry), !SeededBug.fallingClockAccepted.isActive { return fallingClock }
        if entry.time < standing.watermark, !SeededBug.entryBelowWatermark.isActive { return belowWatermark }
        if entry.time.milliseconds > latestTime { return distantClock }
        if entry.kind.isRegistryAct, !SeededBug.registryActByCity.isActive { return foreignKind }
        return entry.payload.count > Entry.maximumPayloadBytes ? hugePayload : nil
    }
}
