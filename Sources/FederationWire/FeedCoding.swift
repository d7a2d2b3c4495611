package import Arbitration
import Foundation
package import Replication
import SeededBugs
import SwiftProtobuf
import VoucherDomain

/// Feed entries to and from the bytes that are hashed, stored and sent.
package enum FeedCoding {
    package static func encode(_ entry: FeedEntry) -> SealedFeedEntry {
        var body = WireFeedBody()
        body.incarnation = entry.incarnation
        body.position = entry.position
        body.previousHash = Data(entry.previousHash.rawValue)
        body.city = entry.city.rawValue
        body.answers = entry.answers.wire
        body.entryID = Data(entry.entryID.rawValue)
        body.kind = entry.kind.rawValue
        body.decision = UInt32(entry.decision.rawValue)
        body.policyVersion = entry.policyVersion
        body.keyEpoch = entry.keyEpoch
        body.taken = entry.taken.map { key in
            var item = WireKeyTaken()
            item.kind = UInt32(key.kind.rawValue)
            item.hash = Data(key.hash)
            item.tag = Data(key.tag)
            return item
        }
        body.released = entry.released.map { Data($0) }
        body.claimPosition = entry.claimPosition
        body.detail = Data(entry.detail)
        body.registryEntry = Data(entry.registryEntry)
        body.effects = entry.effects.map { effect in
            var item = WireEffect()
            item.claimPosition = effect.claimPosition
            item.decision = UInt32(effect.decision.rawValue)
            item.released = effect.released.map { Data($0) }
            item.payment = UInt32(effect.payment?.rawValue ?? 0)
            item.reference = Data(effect.reference?.rawValue ?? [])
            item.detail = Data(effect.detail)
            return item
        }
        body.notices = entry.notices.map { notice in
            var item = WireNotice()
            item.city = notice.city.rawValue
            item.sealed = Data(notice.sealed)
            return item
        }
        body.receivedAtMs = entry.receivedAt
        return SealedFeedEntry(entry: entry, bytes: body.bytes)
    }

    package static func decode(_ bytes: [UInt8]) throws(WireFault) -> SealedFeedEntry {
        let body = try WireFeedBody(decoding: bytes)
        let decision = try decision(body.decision)
        var taken: [FeedEntry.KeyTaken] = []
        for item in body.taken {
            guard let kind = UInt8(exactly: item.kind).flatMap(KeyKind.init(rawValue:)) else {
                throw WireFault("key kind \(item.kind) is not known: this node needs an update")
            }
            guard item.hash.count == KeyHasher.hashLength, [0, KeyHasher.tagLength].contains(item.tag.count) else {
                throw WireFault("a keyed hash of \(item.hash.count) bytes with a tag of \(item.tag.count)")
            }
            taken.append(.init(kind: kind, hash: Array(item.hash), tag: Array(item.tag)))
        }
        var effects: [FeedEntry.Effect] = []
        for item in body.effects { effects.append(try effect(item)) }
        var notices: [FeedEntry.Notice] = []
        for item in body.notices {
            notices.append(.init(city: try CityCode(wire: item.city), sealed: Array(item.sealed)))
        }
        let released = body.released.map { Array($0) } + effects.flatMap(\.released)
        guard released.allSatisfy({ $0.count == KeyHasher.hashLength }) else {
            throw WireFault("a released hash has \(KeyHasher.hashLength) bytes")
        }
        let entry = FeedEntry(
            incarnation: body.incarnation, position: body.position,
            previousHash: try Digest(wire: body.previousHash), city: try CityCode(wire: body.city),
            answers: try LogHead(body.answers), entryID: try EntryID(wire: body.entryID),
            kind: EntryKind(rawValue: body.kind), receivedAt: body.receivedAtMs, decision: decision,
            policyVersion: body.policyVersion, keyEpoch: body.keyEpoch, taken: taken,
            released: body.released.map { Array($0) },
            claimPosition: body.claimPosition, detail: Array(body.detail),
            registryEntry: Array(body.registryEntry), effects: effects, notices: notices)
        return SeededBug.feedEncodedAnew.isActive ? encode(entry) : SealedFeedEntry(entry: entry, bytes: bytes)
    }

    private static func effect(_ item: WireEffect) throws(WireFault) -> FeedEntry.Effect {
        var effect = FeedEntry.Effect(
            claimPosition: item.claimPosition, decision: try FeedCoding.decision(item.decision),
            released: item.released.map { Array($0) })
        if item.payment != 0 {
            guard let stage = UInt8(exactly: item.payment).flatMap(Payment.Stage.init(rawValue:)) else {
                throw WireFault("payment stage \(item.payment) is not known: this node needs an update")
            }
            effect.payment = stage
        }
        if !item.reference.isEmpty {
            guard let reference = PaymentReference(rawValue: Array(item.reference)) else {
                throw WireFault("a bank reference has \(PaymentReference.length) bytes")
            }
            effect.reference = reference
        }
        effect.detail = Array(item.detail)
        return effect
    }

    private static func decision(_ value: UInt32) throws(WireFault) -> Outcome.Decision {
        guard let decision = UInt8(exactly: value).flatMap(Outcome.Decision.init(rawValue:)) else {
            throw WireFault("decision \(value) is not known: this node needs an update")
        }
        return decision
    }
}

/// Writes the feed: turns what the fold decided into the next entry of the chain. Pure and deterministic.
package struct FeedComposer: Sendable {
    package private(set) var head: FeedHead
    private let incarnations: Incarnations
    private let hasher: KeyHasher
    private let detailMaster: [UInt8]
    private let untimedThrough: UInt64

    /// - Parameters:
    ///   - head: The end of the feed so far.
    ///   - incarnations: Each feed entry carries that of its position.
    ///   - untimedThrough: The last position that was first composed without the time of receipt, and stays so.
    package init(
        head: FeedHead, incarnations: Incarnations, hasher: KeyHasher, detailMaster: [UInt8], untimedThrough: UInt64 = 0
    ) {
        self.head = head
        self.untimedThrough = untimedThrough
        self.incarnations = incarnations
        self.hasher = hasher
        self.detailMaster = detailMaster
    }

    /// Goes on after another entry than the one composed last.
    package mutating func resume(after head: FeedHead) { self.head = head }

    /// The feed entry that answers `entry`, which the fold decided at the next position.
    ///
    /// - Parameters:
    ///   - act: The registry's word by which the entry is decided anew.
    ///   - receivedAt: What the fold was told, in milliseconds since 1970.
    package mutating func compose(
        _ entry: Entry, _ outcome: Outcome, by act: Entry? = nil, receivedAt: Int64
    ) throws -> SealedFeedEntry {
        let position = head.position + 1
        let sealed = FeedCoding.encode(
            FeedEntry(
                incarnation: incarnations.at(position), position: position, previousHash: head.hash, city: entry.city,
                answers: entry.head, entryID: entry.id, kind: entry.kind,
                receivedAt: position > untimedThrough ? UInt64(max(0, receivedAt)) : 0,
                decision: outcome.decision, policyVersion: outcome.policyVersion, keyEpoch: hasher.epoch,
                taken: taken(outcome), released: released(outcome.withdrawal),
                claimPosition: UInt64(outcome.withdrawal?.position ?? 0),
                detail: try detail(outcome, city: entry.city, position: position),
                registryEntry: act?.bytes ?? (entry.city == .registry ? entry.bytes : []),
                effects: try outcome.effects.filter { $0.state != .withdrawn }.map {
                    try self.effect($0, position: position)
                }, notices: try notices(outcome, position: position)))
        head = sealed.head
        return sealed
    }

    private func effect(_ effect: Outcome.Effect, position: UInt64) throws -> FeedEntry.Effect {
        var told = FeedEntry.Effect(
            claimPosition: UInt64(effect.position), decision: effect.state, released: released(effect))
        guard let payment = effect.payment else { return told }
        told.payment = payment.stage
        told.reference = payment.authorization?.reference
        let cipher = DetailCipher(key: DetailCipher.cityKey(master: detailMaster, city: effect.name.city))
        told.detail = try cipher.seal(PaymentDetail(payment).bytes, position: position)
        return told
    }

    private func taken(_ outcome: Outcome) -> [FeedEntry.KeyTaken] {
        FeedComposer.published(outcome.taken).map { kind, key, holding in
            let isOther = kind == .contractParties
            return .init(kind: kind, hash: hasher.hash(key), tag: isOther ? hasher.tag(holding.holder) : [])
        }
    }

    private func released(_ effect: Outcome.Effect?) -> [[UInt8]] {
        FeedComposer.published(effect?.released ?? []).map { hasher.hash($0.key) }
    }

    /// One for each city of each case.
    private func notices(_ outcome: Outcome, position: UInt64) throws -> [FeedEntry.Notice] {
        try outcome.events.filter { $0.reach != .registry }.flatMap { event in
            let notice = ReasonCoding.encode(event)
            return try event.cities.map { city in
                let cipher = DetailCipher(key: DetailCipher.cityKey(master: detailMaster, city: city))
                return FeedEntry.Notice(city: city, sealed: try cipher.seal(notice, position: position))
            }
        }
    }

    /// The holdings whose keys travel in the feed, each key once, in key order.
    private static func published(_ holdings: [Holding]) -> [(kind: KeyKind, key: Key, holding: Holding)] {
        var last: Key?
        return holdings.compactMap { holding in
            guard let kind = holding.key.kind, kind.isPublished, holding.key != last else { return nil }
            last = holding.key
            return (kind, holding.key, holding)
        }
    }

    private func detail(_ outcome: Outcome, city: CityCode, position: UInt64) throws -> [UInt8] {
        guard !outcome.reasons.isEmpty, city != .registry else { return [] }
        let detail = OutcomeDetail(
            claimNumber: outcome.claim?.number ?? "", caseID: outcome.caseID ?? "", reasons: outcome.reasons)
        let cipher = DetailCipher(key: DetailCipher.cityKey(master: detailMaster, city: city))
        return try cipher.seal(ReasonCoding.encode(detail), position: position)
    }
}
