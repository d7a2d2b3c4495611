import SeededBugs
package import VoucherDomain

/// A hash chain being followed: it accepts only the one entry that can come next.
package struct Chain: Hashable, Sendable {
    package let city: CityCode
    package private(set) var head: LogHead
    /// The HLC of the entry at the head.
    package private(set) var time: HybridTime

    package init(city: CityCode, head: LogHead, time: HybridTime) {
        self.city = city
        self.head = head
        self.time = time
    }

    /// Why an entry cannot come next.
    package enum Fault: Error, Hashable, Sendable {
        case otherCity(CityCode)
        case gap(expected: UInt64, found: UInt64)
        case brokenLink(sequence: UInt64)
        case epochWentBack(sequence: UInt64)
        case ungrantedEpoch(sequence: UInt64)

        /// One sentence for a problem document.
        package var message: String {
            switch self {
            case .otherCity(let city): "an entry of city \(city) in another city's log"
            case .gap(let expected, let found): "sequence \(expected) was expected, \(found) was found"
            case .brokenLink(let sequence): "entry \(sequence) does not name the hash of the entry before it"
            case .epochWentBack(let sequence): "entry \(sequence) has an older epoch than the entry before it"
            case .ungrantedEpoch(let sequence): "entry \(sequence) has an epoch that was never granted"
            }
        }
    }

    /// Whether the entry's clock rises as it must. A breach is recorded, it does not break the chain.
    package func rises(_ entry: Entry) -> Bool { entry.time > time }

    /// Takes the next entry.
    ///
    /// - Parameter keepingTime: Leaves ``time`` as it is, for an entry that is rejected.
    /// - Throws: ``Fault``; the chain is then unchanged.
    package mutating func append(_ entry: Entry, keepingTime: Bool = false) throws(Fault) {
        guard entry.city == city || SeededBug.entryOfOtherCity.isActive else { throw .otherCity(entry.city) }
        guard entry.sequence == head.sequence + 1 else {
            throw .gap(expected: head.sequence + 1, found: entry.sequence)
        }
        guard entry.previousHash == head.hash || SeededBug.brokenLinkAccepted.isActive else {
            throw .brokenLink(sequence: entry.sequence)
        }
        if let epoch = head.epoch, entry.epoch < epoch { throw .epochWentBack(sequence: entry.sequence) }
        head = entry.head
        if !keepingTime { time = max(time, entry.time) }
    }
}

/// What a city signs over the end of each batch.
package struct Seal: Hashable, Sendable {
    package let city: CityCode
    package let head: LogHead
    /// "Nothing of mine will ever be filed before this." Part of the seal, so that it cannot overtake its entries.
    package let watermark: HybridTime
    /// The newest feed head that the city had applied: what it can vouch for.
    package let feedHead: FeedHead

    package init(city: CityCode, head: LogHead, watermark: HybridTime, feedHead: FeedHead) {
        self.city = city
        self.head = head
        self.watermark = watermark
        self.feedHead = feedHead
    }
}

/// The registry's signed word that it has committed a city's log up to a head.
package struct Receipt: Hashable, Sendable {
    /// 16 random bytes; people quote it in hexadecimal.
    package let id: [UInt8]
    package let city: CityCode
    package let through: LogHead
    /// The newest feed head when the batch was committed.
    package let feedHead: FeedHead
    /// The registry's clock, milliseconds since 1970.
    package let receivedAt: UInt64

    package init(id: [UInt8], city: CityCode, through: LogHead, feedHead: FeedHead, receivedAt: UInt64) {
        self.id = id
        self.city = city
        self.through = through
        self.feedHead = feedHead
        self.receivedAt = receivedAt
    }

    /// The incarnation of the registry that gave it; or an earlier one, where the registry was getting back what it had lost
    /// and named the feed head that it had.
    package var leastIncarnation: UInt32 { max(1, feedHead.incarnation) }
}
