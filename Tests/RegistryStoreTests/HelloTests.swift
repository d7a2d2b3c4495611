import FederationWire
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

@Suite("Hello", .registryDatabase)
struct HelloTests {
    private func registry() async throws -> (TestRegistry, TestCity) {
        let registry = try await TestRegistry()
        return (registry, try await registry.join(.shenzhen, nonce: .sixteen(1)))
    }

    private func grant(_ registry: TestRegistry, _ hello: Hello) async throws -> Grant {
        let answer = try await registry.store.greet(hello, now: .noon)
        return try Grant(answer.grant, by: SigningKey.registry.publicKey)
    }

    private func fault(_ registry: TestRegistry, _ hello: Hello) async throws -> HelloReview.Fault? {
        let before = try await registry.receivedState()
        let fault = await #expect(throws: HelloReview.Fault.self) { try await registry.store.greet(hello, now: .noon) }
        #expect(try await registry.receivedState() == before)
        return fault
    }

    @Test("the process that joined keeps its epoch, and nothing is written")
    func sameProcess() async throws {
        let (registry, city) = try await registry()
        let before = try await registry.receivedState()

        let grant = try await grant(registry, city.hello(nonce: .sixteen(1), knowing: city.epoch))
        #expect(grant == Grant(city: .shenzhen, epoch: city.epoch, processNonce: .sixteen(1), version: 1))
        #expect(try await registry.receivedState() == before)
    }

    @Test(
        "what a node calls itself is noted where it is plain and short, and the last such word stands",
        arguments: [
            ("city-node 0.2.0", "city-node 0.2.0"), ("", "first"), ("   ", "first"), ("节点", "first"), ("a\nb", "first"),
            (String(repeating: "a", count: 64), String(repeating: "a", count: 64)),
            (String(repeating: "a", count: 65), "first"),
        ])
    func software(said: String, noted: String) async throws {
        let (registry, city) = try await registry()
        for name in ["first", said] {
            var hello = city.hello(nonce: .sixteen(1), knowing: city.epoch)
            hello.software = name
            // As it travels.
            _ = try await grant(registry, Hello(hello.encoded(as: .protobuf), as: .protobuf))
        }

        #expect(try await registry.store.cities().map(\.software) == [noted])
    }

    @Test("a new process gets the next epoch, and the feed tells everybody")
    func newProcess() async throws {
        let (registry, city) = try await registry()

        let granted = try await grant(registry, city.hello(nonce: .sixteen(2), knowing: city.epoch)).epoch
        #expect(granted.counter == city.epoch.counter + 1)
        #expect(granted > city.epoch)
        try await registry.decide()
        let last = try #require(try await registry.feed().last)
        let act = try EntryCoding.decode(last.entry.registryEntry)
        #expect(act.kind == .epochGranted)
        #expect(act.payload == RegistryAct.epochGranted(.shenzhen, granted, processNonce: .sixteen(2)).payload)
    }

    @Test("the answer names the heads of the registry and its clock")
    func heads() async throws {
        var (registry, city) = try await registry()
        city.write(3)
        try await city.push(to: registry)
        try await registry.decide()
        let answer = try await registry.store.greet(city.hello(nonce: .sixteen(2), knowing: city.epoch), now: .noon + 5)

        #expect(answer.logHead == city.head)
        #expect(answer.feedHead == (try await registry.store.feedHead()))
        #expect(answer.registryTime == .noon + 5)
    }

    @Test("the same hello again gets the same grant, once the first was answered")
    func again() async throws {
        let (registry, city) = try await registry()
        let hello = city.hello(nonce: .sixteen(2), knowing: city.epoch)

        let first = try await grant(registry, hello)
        #expect(try await grant(registry, hello) == first)
        #expect(try await grant(registry, city.hello(nonce: .sixteen(2), knowing: first.epoch)) == first)
    }

    @Test("of processes that greet at the same time with one epoch, one gets the next, the others are stale")
    func atOnce() async throws {
        let (registry, city) = try await registry()
        let hellos = (2...7).map { city.hello(nonce: .sixteen($0), knowing: city.epoch) }
        let results = await withTaskGroup(of: Result<HelloAnswer, any Error>.self) { group in
            for hello in hellos {
                group.addTask {
                    do { return .success(try await registry.store.greet(hello, now: .noon)) } catch {
                        return .failure(error)
                    }
                }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }

        let grants = try results.compactMap { try? $0.get() }.map {
            try Grant($0.grant, by: SigningKey.registry.publicKey)
        }
        let granted = try #require(grants.first).epoch
        #expect(grants.count == 1)
        #expect(granted.counter == city.epoch.counter + 1)
        let faults = results.compactMap { result -> HelloReview.Fault? in
            if case .failure(let error) = result { error as? HelloReview.Fault } else { nil }
        }
        #expect(faults == Array(repeating: .staleEpoch(granted: granted), count: hellos.count - 1))
    }

    @Test("one process that greets twice at the same time gets one epoch")
    func twiceAtOnce() async throws {
        let (registry, city) = try await registry()
        let hello = city.hello(nonce: .sixteen(2), knowing: city.epoch)
        async let one = registry.store.greet(hello, now: .noon)
        async let other = registry.store.greet(hello, now: .noon)

        let grants = try await [one, other].map { try Grant($0.grant, by: SigningKey.registry.publicKey) }
        #expect(grants[0] == grants[1])
        #expect(grants[0].epoch.counter == city.epoch.counter + 1)
    }

    @Test("a clone that remembers an older epoch is fenced: it neither greets nor pushes")
    func clone() async throws {
        var (registry, city) = try await registry()
        let clone = city
        city.epoch = try await grant(registry, city.hello(nonce: .sixteen(2), knowing: city.epoch)).epoch

        let fault = try await fault(registry, clone.hello(nonce: .sixteen(3), knowing: clone.epoch))
        #expect(fault == .staleEpoch(granted: city.epoch))
        #expect(try await self.fault(registry, clone.hello(nonce: .sixteen(3), knowing: nil)) != nil)
        city.write(1)
        #expect(try await city.push(to: registry).answers == [.accepted])
    }

    @Test("a copy that greets after its original has pushed more than it compared is granted nothing")
    func copyBeside() async throws {
        var (registry, city) = try await registry()
        city.write(1)
        try await city.push(to: registry)
        let copy = city
        city.write(1)
        try await city.push(to: registry)

        let hello = copy.hello(nonce: .sixteen(2), knowing: copy.epoch, compared: copy.head)
        let fault = try await fault(registry, Hello(hello.encoded(as: .protobuf), as: .protobuf))
        #expect(fault == .grown(through: 2))
        city.write(1)
        #expect(try await city.push(to: registry).answers == [.accepted])
        let compared = city.hello(nonce: .sixteen(3), knowing: city.epoch, compared: city.head)
        #expect(try await grant(registry, compared).epoch.counter == city.epoch.counter + 1)
    }

    @Test("the log says which epoch was granted last and who holds it; a hello that names it is granted the next one")
    func lostAnswer() async throws {
        let (registry, city) = try await registry()
        let lost = try await grant(registry, city.hello(nonce: .sixteen(2), knowing: city.epoch)).epoch
        let restarted = city.hello(nonce: .sixteen(3), knowing: city.epoch)
        #expect(try await fault(registry, restarted) == .staleEpoch(granted: lost))

        let page = try await registry.store.ownLog(LogRequest(after: city.head, limit: 1), of: city.code)

        #expect(page == LogPage(entries: [], receipts: [], grantedEpoch: lost, processNonce: .sixteen(2)))
        let named = city.hello(nonce: .sixteen(3), knowing: page.grantedEpoch)
        #expect(try await grant(registry, named).epoch.counter == lost.counter + 1)
    }

    @Test("a hello that was carried out fences nobody when it comes again, after however many others")
    func replayed() async throws {
        let (registry, city) = try await registry()
        var recorded: [Hello] = []
        var epoch = city.epoch
        for byte in UInt8(2)...6 {
            recorded.append(city.hello(nonce: .sixteen(byte), knowing: epoch))
            epoch = try await grant(registry, recorded[recorded.count - 1]).epoch
        }

        for hello in recorded.dropLast() {
            #expect(try await fault(registry, hello) == .staleEpoch(granted: epoch))
        }
        #expect(try await grant(registry, recorded[recorded.count - 1]).epoch == epoch)
    }

    @Test("a hello that comes for the first time when a later one was answered fences nobody")
    func late() async throws {
        let (registry, city) = try await registry()
        let late = city.hello(nonce: .sixteen(2), knowing: city.epoch)
        let granted = try await grant(registry, city.hello(nonce: .sixteen(3), knowing: city.epoch)).epoch

        #expect(try await fault(registry, late) == .staleEpoch(granted: granted))
    }

    @Test("a city that is ahead of the registry is told who holds its log; one with another history is not")
    func logOfOneAhead() async throws {
        var (registry, city) = try await registry()
        city.write(2)
        try await city.push(to: registry)
        let shared = city
        city.write(1)

        let page = try await registry.store.ownLog(LogRequest(after: city.head, limit: 5), of: city.code)

        #expect(page == LogPage(entries: [], receipts: [], grantedEpoch: city.epoch, processNonce: .sixteen(1)))
        let all = try await registry.store.ownLog(LogRequest(after: .empty, limit: 1), of: city.code)
        #expect(all.entries == shared.log)
        let forked = LogHead(epoch: city.epoch, sequence: 2, hash: .zero)
        let refusal = await #expect(throws: RegistryRefusal.self) {
            try await registry.store.ownLog(LogRequest(after: forked, limit: 1), of: city.code)
        }
        #expect(refusal?.code == .diverged)
    }

    @Test("a log with another history is told so")
    func divergedLog() async throws {
        var (registry, city) = try await registry()
        var clone = city
        city.write(2)
        try await city.push(to: registry)
        clone.issue(.sample("V1"))

        let fault = try await fault(registry, clone.hello(nonce: .sixteen(1), knowing: clone.epoch))
        #expect(fault?.isDiverged == true)
    }

    @Test("a log that is ahead is greeted: it has entries to push")
    func ahead() async throws {
        var (registry, city) = try await registry()
        city.write(2)

        #expect(try await grant(registry, city.hello(nonce: .sixteen(1), knowing: city.epoch)).epoch == city.epoch)
    }

    @Test("a feed head that the registry does not have is told so")
    func divergedFeed() async throws {
        var (registry, city) = try await registry()
        try await registry.decide()
        let head = try await registry.store.feedHead()
        let strange = [
            FeedHead(incarnation: 1, position: head.position + 1, hash: head.hash),
            FeedHead(incarnation: 1, position: head.position, hash: .zero),
            FeedHead(incarnation: 2, position: head.position, hash: head.hash),
            FeedHead(incarnation: 1, position: .max, hash: head.hash),
        ]
        for feedHead in strange {
            city.feedHead = feedHead
            let fault = try await fault(registry, city.hello(nonce: .sixteen(2), knowing: city.epoch))
            #expect(fault == .unknownFeedHead(feedHead.position))
        }
        city.feedHead = head
        #expect(try await grant(registry, city.hello(nonce: .sixteen(2), knowing: city.epoch)).epoch > city.epoch)
    }

    @Test("a suspended city is refused, and gets no epoch")
    func suspended() async throws {
        let (registry, city) = try await registry()
        try await registry.store.setSuspended(true, .shenzhen, reason: "", now: .noon)

        #expect(try await fault(registry, city.hello(nonce: .sixteen(2), knowing: city.epoch)) == .suspended)
    }

    @Test("without a common protocol version there is no session")
    func versions() async throws {
        let (registry, city) = try await registry()
        let hello = city.hello(versions: [7, 8], nonce: .sixteen(2), knowing: city.epoch)

        #expect(try await fault(registry, hello) == .noCommonVersion(offered: [7, 8], spoken: [1]))
    }

    @Test("a city that has not joined is unknown")
    func unknown() async throws {
        let (registry, _) = try await registry()
        _ = try await registry.store.enroll(.beijing, name: "北京", expiresAt: .noon + 1, now: .noon)
        for code in [CityCode.beijing, .hangzhou] {
            let stranger = TestCity(code, key: .of(code), epoch: .init(incarnation: 1, counter: 1, nonce: 1), nonce: [])
            let hello = stranger.hello(nonce: .sixteen(2), knowing: nil)

            let refusal = await #expect(throws: RegistryRefusal.self) {
                try await registry.store.greet(hello, now: .noon)
            }
            #expect(refusal?.code == .unknownCity)
        }
    }
}

extension HelloReview.Fault {
    fileprivate var isDiverged: Bool { if case .diverged = self { true } else { false } }
}
