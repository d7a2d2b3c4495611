import CityStore
import FederationWire
import Replication
import Testing
import VoucherDomain

/// Found by the hostile seed 12: a city had promised in a report that it would file nothing before a time, lost its disk,
/// and filed before that time, by a clock that was a little behind; all of it was answered `invalid`.
@Suite("Promises of a restored store")
struct RestoredPromiseTests {
    private static let registryTime: UInt64 = 1_780_000_000_000

    private func store(
        isRestored: Bool, registryTime: UInt64 = RestoredPromiseTests.registryTime
    ) throws -> CityStore {
        let city = try #require(CityCode(rawValue: 110_000))
        let registry = try #require(SigningKey(seed: [UInt8](repeating: 2, count: 32)))
        let id = try #require(EntryID(rawValue: [UInt8](repeating: 7, count: 16)))
        let store = try CityStore(inMemory: { id })
        try store.establish(
            NodeIdentity(
                city: city, cityName: "北京", registryURL: "https://registry.invalid",
                registryKey: registry.publicKey, trustAnchor: [], keyEpoch: 1,
                federationSecret: [UInt8](repeating: 1, count: 32), detailKey: [UInt8](repeating: 2, count: 32)),
            epoch: Epoch(incarnation: 1, counter: 1, nonce: 1), processNonce: [UInt8](repeating: 1, count: 16),
            isRestored: isRestored)
        let grant = Grant(
            city: city, epoch: Epoch(incarnation: 1, counter: 2, nonce: 2),
            processNonce: [UInt8](repeating: 2, count: 16), version: 1)
        // The computer's clock is three minutes behind.
        try store.adopt(
            grant, software: "test", now: Self.registryTime - 180_000, registryTime: registryTime)
        return store
    }

    @Test("what it writes is later than any promise that the registry can have believed")
    func restored() throws {
        let time = try #require(try store(isRestored: true).log(after: 0).first?.time)

        #expect(time > HybridTime(milliseconds: Self.registryTime + PushReview.clockTolerance))
    }

    @Test("whatever the registry's time, what it writes is not beyond the last time that is taken")
    func boundedTime() throws {
        for said in [PushReview.latestTime, .max] {
            let time = try #require(try store(isRestored: true, registryTime: said).log(after: 0).first?.time)
            #expect(time.milliseconds < PushReview.latestTime)
        }
    }

    @Test("a store that was not restored goes by its own clock")
    func usual() throws {
        let time = try #require(try store(isRestored: false).log(after: 0).first?.time)

        #expect(time == HybridTime(milliseconds: Self.registryTime - 180_000))
    }
}
