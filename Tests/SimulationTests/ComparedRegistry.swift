import Arbitration
import FederationWire
import PostgresClient
import RegistryStore
import Replication
import TestSupport
import VoucherDomain

@testable import Simulation

/// What cities and operators ask a registry for, where two of them are compared.
protocol ComparedRegistry {
    /// Enrols a city, the first time, and lets a node of it join.
    func join(_ city: CityCode, key: PublicKey, processNonce: [UInt8], now: UInt64) async throws -> Epoch
    func greet(_ hello: Hello, now: UInt64) async throws -> HelloAnswer
    func receive(_ batch: PushBatch, from city: CityCode, now: UInt64) async throws -> PushAnswer
    func feed(_ request: FeedRequest, for city: CityCode, now: UInt64) async throws -> FeedAnswer
    func ownLog(_ request: LogRequest, of city: CityCode) async throws -> LogPage
    func setSuspended(_ isSuspended: Bool, _ city: CityCode, now: UInt64) async throws
    func rule(_ ruling: Ruling, now: UInt64) async throws
    /// - Returns: Whether a tick was appended.
    func tick(now: UInt64, sinceLast: Int64) async throws -> Bool
    /// Decides all that waits.
    func decide() async throws
    func feedHead() async throws -> FeedHead
}

/// The simulator's registry.
final class SimulatedSide: ComparedRegistry {
    private var registry: SimulatedRegistry

    init(now: UInt64) throws {
        registry = try SimulatedRegistry(
            random: SeededGenerator(seed: 1), policy: SmallPolicy.document(), now: now)
    }

    func join(_ city: CityCode, key: PublicKey, processNonce: [UInt8], now: UInt64) async throws -> Epoch {
        try registry.join(city, name: "城市\(city)", key: key, processNonce: processNonce, now: now).grant.epoch
    }

    func greet(_ hello: Hello, now: UInt64) async throws -> HelloAnswer { try registry.greet(hello, now: now) }

    func receive(_ batch: PushBatch, from city: CityCode, now: UInt64) async throws -> PushAnswer {
        try registry.receive(batch, from: city, now: now)
    }

    func feed(_ request: FeedRequest, for city: CityCode, now: UInt64) async throws -> FeedAnswer {
        let page = try registry.page(request, city: city)
        return FeedAnswer(
            entries: page.entries.map(\.bytes),
            seal: try FeedSeal(head: page.head, sealedAt: now).signed(by: RunSecrets.registryKey),
            more: page.head.position < registry.feedHead.position)
    }

    func ownLog(_ request: LogRequest, of city: CityCode) async throws -> LogPage {
        try registry.ownLog(request, of: city)
    }

    func setSuspended(_ isSuspended: Bool, _ city: CityCode, now: UInt64) async throws {
        _ = try registry.setSuspended(isSuspended, city, now: now)
    }

    func rule(_ ruling: Ruling, now: UInt64) async throws { try registry.rule(ruling, now: now) }

    func tick(now: UInt64, sinceLast: Int64) async throws -> Bool {
        try registry.tickIfDue(now: now, sinceLast: sinceLast)
    }

    func decide() async throws { try registry.decide(batches: .max) }

    func feedHead() async throws -> FeedHead { registry.feedHead }
}

/// Production's, on the database that is leased to the running test.
final class StoredSide: ComparedRegistry {
    private let store: RegistryStore
    private var known: Set<CityCode> = []

    init(now: UInt64) async throws {
        let secrets = RegistrySecrets(
            signingKey: RunSecrets.registryKey, keyEpoch: 1, federationSecret: RunSecrets.federationSecret,
            detailMaster: RunSecrets.detailMaster)
        store = RegistryStore(pool: TestDatabase.current.pool, secrets: secrets)
        try await store.migrate(policyDocument: SmallPolicy.document(), now: now)
    }

    func join(_ city: CityCode, key: PublicKey, processNonce: [UInt8], now: UInt64) async throws -> Epoch {
        let secret: [UInt8]
        if known.insert(city).inserted {
            secret = try await store.enroll(city, name: "城市\(city)", expiresAt: now + 1_000, now: now)
        } else {
            secret = try await store.rotateKey(city, expiresAt: now + 1_000).secret
        }
        let request = JoinRequest(city: city, secret: secret, publicKey: key, processNonce: processNonce)
        let answer = try await store.join(request, now: now)
        return try Grant(answer.grant, by: RunSecrets.registryKey.publicKey).epoch
    }

    func greet(_ hello: Hello, now: UInt64) async throws -> HelloAnswer { try await store.greet(hello, now: now) }

    func receive(_ batch: PushBatch, from city: CityCode, now: UInt64) async throws -> PushAnswer {
        try await store.receive(batch, from: city, now: now)
    }

    func feed(_ request: FeedRequest, for city: CityCode, now: UInt64) async throws -> FeedAnswer {
        try await store.feed(request, city: city, now: now)
    }

    func ownLog(_ request: LogRequest, of city: CityCode) async throws -> LogPage {
        try await store.ownLog(request, of: city)
    }

    func setSuspended(_ isSuspended: Bool, _ city: CityCode, now: UInt64) async throws {
        try await store.setSuspended(isSuspended, city, reason: "核查", now: now)
    }

    func rule(_ ruling: Ruling, now: UInt64) async throws { _ = try await store.rule(ruling, now: now) }

    func tick(now: UInt64, sinceLast: Int64) async throws -> Bool {
        try await store.tickIfDue(now: now, sinceLast: sinceLast).isAppended
    }

    func decide() async throws {
        let arbiter = Arbiter(store: store)
        guard try await arbiter.acquire() else {
            throw PostgresError(code: .unexpectedResult, message: "another arbiter decides")
        }
        while try await arbiter.decide().more {}
        await arbiter.release()
    }

    func feedHead() async throws -> FeedHead { try await store.feedHead() }
}

/// What a registry answers instead of doing what it was asked: the kind of the problem document.
struct ComparedRefusal: Error, Hashable {
    let kind: String

    /// - Throws: An error for which there is no such document.
    init(_ error: any Error) throws {
        switch error {
        case let refusal as SimulatedRefusal: kind = refusal.kind
        case let fault as PushReview.Fault: kind = fault.kind
        case let fault as HelloReview.Fault: kind = fault.kind
        case let refusal as RegistryRefusal: kind = refusal.code.kind
        default: throw error
        }
    }
}
