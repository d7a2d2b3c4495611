import FederationWire
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

@Suite("Enrolment", .registryDatabase)
struct JoinTests {
    private func enroll(_ registry: TestRegistry, _ name: String = "深圳", expiresAt: UInt64 = .noon + 10) async throws
        -> [UInt8]
    {
        try await registry.store.enroll(.shenzhen, name: name, expiresAt: expiresAt, now: .noon)
    }

    private func request(
        _ secret: [UInt8], _ city: CityCode = .shenzhen, key: SigningKey = .of(.shenzhen), nonce: UInt8 = 1
    ) -> JoinRequest {
        JoinRequest(city: city, secret: secret, publicKey: key.publicKey, processNonce: .sixteen(nonce))
    }

    private func refusal(_ body: () async throws -> Void) async -> RegistryRefusal.Code? {
        let refusal = await #expect(throws: RegistryRefusal.self) { try await body() }
        return refusal?.code
    }

    @Test("a city joins with its token's secret, and is told all that it needs under the registry's signature")
    func joins() async throws {
        let registry = try await TestRegistry()
        let answer = try await registry.store.join(request(try await enroll(registry)), now: .noon)

        let key = SigningKey.registry.publicKey
        #expect(answer.registryKey == key)
        let welcome = try Welcome(answer.welcome, by: key)
        #expect(welcome.city == .shenzhen)
        #expect(welcome.name == "深圳")
        #expect(welcome.publicKey == SigningKey.of(.shenzhen).publicKey)
        #expect(welcome.keyEpoch == RegistrySecrets.test.keyEpoch)
        #expect(welcome.federationSecret == RegistrySecrets.test.federationSecret)
        #expect(welcome.detailKey == DetailCipher.cityKey(master: RegistrySecrets.test.detailMaster, city: .shenzhen))
        let grant = try Grant(answer.grant, by: key)
        #expect(grant.epoch.counter == 1)
        #expect(grant.processNonce == .sixteen(1))
        let membership = try Membership(#require(answer.membership), by: key)
        #expect(
            membership
                == Membership(
                    city: .shenzhen, name: "深圳", publicKey: SigningKey.of(.shenzhen).publicKey, epoch: grant.epoch))
        let credentials = try #require(try await registry.store.credentials(of: .shenzhen))
        #expect(credentials.key == SigningKey.of(.shenzhen).publicKey)
        #expect(!credentials.isSuspended)
        try await registry.decide()
        #expect(
            try await registry.feed().map(\.entry.kind) == [
                .policyPublished, .cityEnrolled, .epochGranted, .cityJoined,
            ])
    }

    @Test("no secret is stored: only its digest")
    func digest() async throws {
        let registry = try await TestRegistry()
        let secret = try await enroll(registry)

        #expect(secret.count == 32)
        #expect(
            try await registry.numbers("SELECT count(*) FROM join_token WHERE secret_hash = '\\x\(secret.hexadecimal)'")
                == [0])
        #expect(
            try await registry.numbers(
                "SELECT count(*) FROM join_token WHERE secret_hash = sha256('\\x\(secret.hexadecimal)')") == [1])
    }

    @Test("a secret is used once: another node or process with it is refused and changes nothing")
    func once() async throws {
        let registry = try await TestRegistry()
        let secret = try await enroll(registry)
        _ = try await registry.store.join(request(secret), now: .noon)
        let before = try await registry.receivedState()

        for other in [request(secret, key: .of(.beijing)), request(secret, nonce: 2)] {
            let code = await refusal { _ = try await registry.store.join(other, now: .noon) }
            #expect(code == .tokenUnusable)
        }
        #expect(try await registry.receivedState() == before)
    }

    @Test("a node whose answer was lost asks again and gets the same grant")
    func lostAnswer() async throws {
        let registry = try await TestRegistry()
        let secret = try await enroll(registry)
        let first = try await registry.store.join(request(secret), now: .noon)
        let before = try await registry.receivedState()

        let second = try await registry.store.join(request(secret), now: .noon + 1_000_000)
        #expect(second.grant.body == first.grant.body)
        #expect(second.welcome.body == first.welcome.body)
        #expect(try await registry.receivedState() == before)
    }

    @Test("a secret at its expiry, unknown, or of another city, is refused")
    func unusable() async throws {
        let registry = try await TestRegistry()
        let secret = try await enroll(registry)
        _ = try await registry.store.enroll(.beijing, name: "北京", expiresAt: .noon + 10, now: .noon)

        for (request, now) in [
            (request(secret), UInt64.noon + 10), (request(.init(repeating: 0, count: 32)), .noon),
            (request(secret, .beijing), .noon), (request([]), .noon),
        ] {
            let code = await refusal { _ = try await registry.store.join(request, now: now) }
            #expect(code == .tokenUnusable)
        }
        let code = await refusal { _ = try await registry.store.join(request(secret, .hangzhou), now: .noon) }
        #expect(code == .unknownCity)
        #expect(try await registry.store.credentials(of: .shenzhen) == nil)
    }

    @Test("enrolling again before the city has joined makes a new secret and voids the old one")
    func again() async throws {
        let registry = try await TestRegistry()
        let old = try await enroll(registry)
        let new = try await enroll(registry)

        #expect(await refusal { _ = try await registry.store.join(request(old), now: .noon) } == .tokenUnusable)
        _ = try await registry.store.join(request(new), now: .noon)
        #expect(try await registry.numbers("SELECT count(*) FROM entry WHERE kind = 100") == [1])
    }

    @Test("a city is not enrolled again under another name")
    func otherName() async throws {
        let registry = try await TestRegistry()
        _ = try await enroll(registry)

        #expect(await refusal { _ = try await enroll(registry, "深圳市") } == .exists)
    }

    @Test("a city that has joined is not enrolled again")
    func joined() async throws {
        let registry = try await TestRegistry()
        _ = try await registry.store.join(request(try await enroll(registry)), now: .noon)

        #expect(await refusal { _ = try await enroll(registry) } == .exists)
    }

    @Test("the registry itself is no city: it is neither enrolled, given a token, nor suspended")
    func registryItself() async throws {
        let registry = try await TestRegistry()

        #expect(
            await refusal { _ = try await registry.store.enroll(.registry, name: "", expiresAt: .noon, now: .noon) }
                != nil)
        #expect(await refusal { _ = try await registry.store.rotateKey(.registry, expiresAt: .noon) } != nil)
        #expect(await refusal { try await registry.store.setSuspended(true, .registry, reason: "", now: .noon) } != nil)
    }

    @Test("with a new key the city comes back under a new epoch, its log goes on, and the old key is void")
    func rotated() async throws {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        city.write(2)
        try await city.push(to: registry)
        let (name, secret) = try await registry.store.rotateKey(.shenzhen, expiresAt: .noon + 10)
        #expect(name == "城市440300")
        let key = SigningKey()
        let answer = try await registry.store.join(request(secret, key: key, nonce: 9), now: .noon)

        let grant = try Grant(answer.grant, by: SigningKey.registry.publicKey)
        #expect(grant.epoch.counter == city.epoch.counter + 1)
        #expect(try await registry.store.credentials(of: .shenzhen)?.key == key.publicKey)
        city.write(1)
        let old = try city.batch(3...3)
        await #expect(throws: PushReview.Fault.fenced(granted: grant.epoch)) {
            try await registry.receive(old, from: .shenzhen)
        }
        city.epoch = grant.epoch
        let forged = try city.batch(3...3)
        await #expect(throws: PushReview.Fault.badSeal("wrong signature")) {
            try await registry.receive(forged, from: .shenzhen)
        }
        let new = try city.batch(3...3, sealedBy: key)
        #expect(try await registry.receive(new, from: .shenzhen).answers == [.accepted])
        try await registry.decide()
        #expect(try await registry.store.verify { _ in }.faults == [])
    }

    @Test("a city that a restored registry does not know joins again above the epoch that its store has")
    func joinsAbove() async throws {
        let registry = try await TestRegistry()
        func join(holding epoch: Epoch, nonce: UInt8) async throws -> UInt32 {
            let secret =
                nonce == 1
                ? try await enroll(registry)
                : try await registry.store.rotateKey(.shenzhen, expiresAt: .noon + 10).secret
            let request = JoinRequest(
                city: .shenzhen, secret: secret, publicKey: SigningKey.of(.shenzhen).publicKey,
                processNonce: .sixteen(nonce), epoch: epoch)
            let answer = try await registry.store.join(request, now: .noon)
            return try Grant(answer.grant, by: answer.registryKey).epoch.counter
        }

        #expect(try await join(holding: Epoch(incarnation: 1, counter: 7, nonce: 9), nonce: 1) == 8)
        // One that is lower, or of another incarnation, counts for nothing.
        #expect(try await join(holding: Epoch(incarnation: 1, counter: 2, nonce: 9), nonce: 2) == 9)
        #expect(try await join(holding: Epoch(incarnation: 3, counter: 70, nonce: 9), nonce: 3) == 10)
        let made = await refusal {
            _ = try await join(holding: Epoch(incarnation: 1, counter: .max, nonce: 9), nonce: 4)
        }
        #expect(made == .invalid)
    }

    @Test("a suspended city does not join")
    func suspended() async throws {
        let registry = try await TestRegistry()
        _ = try await registry.join(.shenzhen)
        let (_, secret) = try await registry.store.rotateKey(.shenzhen, expiresAt: .noon + 10)
        try await registry.store.setSuspended(true, .shenzhen, reason: "", now: .noon)

        #expect(await refusal { _ = try await registry.store.join(request(secret), now: .noon) } == .suspended)
    }

    @Test("suspending a suspended city, or reinstating an active one, is no new act")
    func noAct() async throws {
        let registry = try await TestRegistry()
        _ = try await registry.join(.shenzhen)
        for isSuspended in [false, true, true, false, false] {
            try await registry.store.setSuspended(isSuspended, .shenzhen, reason: "", now: .noon)
        }

        #expect(
            try await registry.numbers("SELECT kind FROM entry WHERE kind IN (102, 103) ORDER BY sequence") == [
                102, 103,
            ])
    }
}
