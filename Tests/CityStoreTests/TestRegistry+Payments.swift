import Arbitration
import FederationWire
import Replication
import VoucherDomain

extension TestRegistry {
    /// From now on payments wait for these cities.
    func join(_ cities: [CityCode]) throws {
        for city in cities {
            let act = RegistryAct.joined(city, SigningKey.city.publicKey)
            try append(act.kind, act.payload, by: .registry)
        }
    }

    /// A tick, a day after noon, that repeats what cities have sealed.
    func tick(_ seals: [SignedBytes]) throws {
        let act = RegistryAct.ticked(TickAct(wallMilliseconds: Int64(UInt64.noon) + 86_400_000, seals: seals))
        try append(act.kind, act.payload, by: .registry)
    }

    /// A tick by which cities have the whole feed, and have told everything until noon.
    func hear(_ cities: [CityCode]) throws { try tick(try cities.map { try seal(of: $0) }) }

    /// What a city seals that has the whole feed, and files nothing before noon any more.
    func seal(of city: CityCode) throws -> SignedBytes {
        let noon = HybridTime(milliseconds: .noon)
        return try Seal(city: city, head: .empty, watermark: noon, feedHead: head).signed(by: .city)
    }

    func rule(_ ruling: Ruling) throws {
        let act = RegistryAct.ruled(ruling)
        try append(act.kind, act.payload, by: .registry)
    }

    /// A payment is found that a given-up branch has released, of the claim that this entry filed.
    func find(_ reference: PaymentReference, filedBy entry: Entry) throws {
        let filing = JournalEntry(
            position: 0, city: entry.city, id: entry.id.rawValue, content: PayloadCoding.content(of: entry))
        let act = RegistryAct.found(FoundPayment(city: entry.city, filing: entry.head, reference: reference))
        try append(act.kind, act.payload, by: .registry, saying: .paymentFound(reference, filing: filing))
    }

    /// Beijing files `BJ-<index>`, and asks for its payment.
    func requestInBeijing(_ index: Int) throws {
        try fileInBeijing(index)
        let act = PaymentAct(claimNumber: "BJ-\(index)", step: .requested)
        try append(act.step.kind, PayloadCoding.encode(act), by: .beijing)
    }

    /// The last that the fold said of a payment of Shenzhen's.
    func payment(ofClaim number: String) -> Payment? {
        let name = ClaimName(city: .shenzhen, number: number)
        return outcomes.flatMap(\.effects).last { $0.name == name && $0.payment != nil }?.payment
    }

    /// What would be the feed's next entry if the fold had answered so; it is not kept.
    func answer(_ entry: Entry, _ decision: Outcome.Decision) -> SealedFeedEntry {
        FeedCoding.encode(
            FeedEntry(
                incarnation: head.incarnation, position: head.position + 1, previousHash: head.hash, city: entry.city,
                answers: entry.head, entryID: entry.id, kind: entry.kind, receivedAt: 0, decision: decision,
                policyVersion: 1, keyEpoch: TestRegistry.hasher.epoch))
    }
}
