import CityStore
import FederationWire
import RegistryStore
import Replication
import VoucherDomain

/// A city's service: it does what `SyncService` and `RegistryRefill` do, one request after the other.
extension Federation {
    /// One turn of a city: it greets if need be, pushes all that is unsent, and reads the feed.
    ///
    /// - Parameter pages: How much of the feed it reads at most.
    func turn(_ city: RunCity, pages: Int = 20) async throws {
        guard city.alarm == nil, !city.isOffline else { return }
        if !city.isLive { await attempt(city, "hello") { try await greet(city) } }
        var pushes = 0
        while city.isLive, pushes < 10, try city.store.session(now: now).hasUnsent {
            pushes += 1
            await attempt(city, "push") { try await push(city) }
        }
        var read = 0
        while city.isLive, read < pages {
            read += 1
            let cursor = try city.store.feedHead()
            await attempt(city, "feed") { try await pull(city) }
            if try city.store.feedHead() == cursor { break }
        }
        if city.isLive, try city.store.session(now: now).hasUnsent {
            await attempt(city, "push") { try await push(city) }
        }
    }

    /// Runs one exchange, and does with a failure what the session does.
    private func attempt(_ city: RunCity, _ flow: String, _ body: () async throws -> Void) async {
        do { try await body() } catch is Unreachable {
            note("  \(city.code) \(flow): no answer")
        } catch let refusal as Refusal {
            note("  \(city.code) \(flow): \(refusal.kind): \(refusal.message)")
            city.isForgotten = refusal.kind == "unknown-city"
            if flow != "hello", refusal.endsSession {
                city.isLive = false
            } else if refusal.stops {
                stop(city, refusal.message)
            }
        } catch { stop(city, (error as? StoreRefusal)?.message ?? "\(error)") }
    }

    private func stop(_ city: RunCity, _ why: String) {
        note("  \(city.code) ALARM: \(why)")
        city.isLive = false
        city.alarm = why
        alarms.append(Alarm(city: city.code, why: why, isHealing: isHealing))
        do { try city.store.set(alarm: why) } catch { faults.append("\(error)") }
    }

    // MARK: Greeting

    private func greet(_ city: RunCity) async throws {
        let store = city.store
        let answer: HelloAnswer
        do {
            answer = try await sayHello(city, try await compareRecord(city))
        } catch let refusal as Refusal {
            guard ["recovering", "unknown-feed-head"].contains(refusal.kind), try await refill(city) else {
                throw refusal
            }
            throw Federation.givenBack
        }
        let grant = try Grant(answer.grant, by: city.registryKey)
        guard grant.city == city.code, grant.processNonce == city.processNonce else {
            throw StoreRefusal(.damaged, "the registry's grant is for another node")
        }
        let promise = try max(store.promisedIncarnation(), store.session(now: now).epoch.incarnation)
        guard grant.epoch.incarnation >= promise else {
            guard try await !refill(city) else { throw Federation.givenBack }
            throw Refusal("old-registry", "\(grant.epoch.incarnation) answers, \(promise) has begun")
        }
        if try answer.logHead.sequence < store.syncState().receivedThrough {
            guard try await !refill(city) else { throw Federation.givenBack }
            let isBelieved = try store.sendAgain(after: answer.logHead, to: grant.epoch.incarnation)
            note("  \(city.code) sends again after \(answer.logHead.sequence)\(isBelieved ? "" : ": not believed")")
        }
        if try store.isRestored() { try await takeBack(city, through: answer.logHead) }
        try store.compare(answer.logHead)
        try store.adopt(grant, software: "test", now: now, registryTime: answer.registryTime)
        city.isLive = true
        note("  \(city.code) greeted, incarnation \(grant.epoch.incarnation), epoch \(grant.epoch.counter)")
        if !city.rises(to: grant.epoch) { faults.append("city \(city.code) adopted a grant of an earlier incarnation") }
    }

    private static let givenBack = Refusal("recovering", "this city has given what it has")

    private func compareRecord(_ city: RunCity) async throws -> LogHead? {
        var head = try city.store.headToCompare(processNonce: city.processNonce)
        while let after = head {
            let record: LogPage
            do {
                let request = LogRequest(after: after, limit: 1)
                record = try await exchange(with: city) { try await $0.log(request, of: city.code) }
            } catch let refusal as Refusal where refusal.kind == "diverged" { return nil }
            head = try city.store.compare(record, after: after)
            if record.entries.isEmpty { return after }
        }
        return nil
    }

    private func sayHello(_ city: RunCity, _ compared: LogHead?) async throws -> HelloAnswer {
        var hello = try city.store.prepareHello(processNonce: city.processNonce, compared: compared)
        while true {
            do { return try await send(hello, from: city) } catch let refusal as Refusal {
                guard refusal.kind == "fenced" else { throw refusal }
                let request = LogRequest(after: hello.logHead, limit: 1)
                let holder = try await exchange(with: city) { try await $0.log(request, of: city.code) }
                guard let next = try city.store.hello(after: hello, followingThatOf: holder) else { throw refusal }
                hello = next
            }
        }
    }

    private func send(_ hello: Hello, from city: RunCity) async throws -> HelloAnswer {
        try await exchange(with: city) { registry in
            let answer = try await registry.hello(hello, now: now)
            hellos.append((hello, registry.number))
            return answer
        }
    }

    private func takeBack(_ city: RunCity, through end: LogHead) async throws {
        while try city.store.receivedHead().sequence < end.sequence {
            let request = LogRequest(after: try city.store.receivedHead(), limit: 2_000)
            let page = try await exchange(with: city) { try await $0.log(request, of: city.code) }
            let receipts = try page.receipts.map { (receipt: try Receipt($0, by: city.registryKey), signed: $0) }
            try city.store.takeBack(page.entries, receipts)
        }
    }

    // MARK: Giving back

    /// - Returns: Whether the registry is recovering; it then has all of this city that it wants now.
    private func refill(_ city: RunCity) async throws -> Bool {
        var standing = try await present(city)
        if try keep(standing.call, city) { standing = try await present(city) }
        if try goBack(standing.call, city) { return true }
        guard standing.incarnation > 0 || standing.wantsFeed else { return false }
        while !standing.isComplete, let page = try city.store.refillPage(standing, signer: city.key) {
            let earlier = standing
            standing = try await exchange(with: city) { try await $0.refill(page, from: city.code, now: now) }
            given = (given.feed + page.feed.count, given.entries + page.entries.count)
            note("  \(city.code) gave \(page.feed.count) of the feed, \(page.entries.count) entries")
            if let signed = standing.receipt {
                try city.store.store(try Receipt(signed, by: city.registryKey), signed: signed, now: now)
            }
            if standing.asksAgain(as: earlier) { break }
        }
        return try standing.incarnation > 0 || goBack(standing.call, city)
    }

    private func present(_ city: RunCity) async throws -> RecoveryStanding {
        let presentation = try city.store.presentation()
        return try await exchange(with: city) { try await $0.present(presentation, now: now) }
    }

    /// - Returns: Whether it is a promise that was not given before.
    private func keep(_ signed: SignedBytes?, _ city: RunCity) throws -> Bool {
        guard let signed else { return false }
        let call = try RecoveryCall(signed, by: city.registryKey)
        guard try city.store.promisedIncarnation() < call.incarnation else { return false }
        note("  \(city.code) promises \(call.incarnation)")
        try city.store.promise(call, signed: signed)
        return true
    }

    /// - Returns: Whether the city has gone back to what stands of the feed.
    private func goBack(_ signed: SignedBytes?, _ city: RunCity) throws -> Bool {
        guard let signed else { return false }
        let call = try RecoveryCall(signed, by: city.registryKey)
        guard try city.store.goBack(call, detailKey: city.detailKey) else { return false }
        let head = try city.store.feedHead()
        note("  \(city.code) goes back to \(head.position)")
        ways += 1
        return true
    }

    // MARK: Both flows

    private func push(_ city: RunCity) async throws {
        let epoch = try city.store.session(now: now).epoch
        guard let batch = try city.store.nextBatch(sessionEpoch: epoch, signer: city.key, now: now) else { return }
        let answer = try await exchange(with: city) { try await $0.push(batch, from: city.code, now: now) }
        let receipt = try Receipt(answer.receipt, by: city.registryKey)
        for case .rejected(let why) in answer.answers { note("  \(city.code) an entry is rejected: \(why)") }
        try city.store.store(receipt, signed: answer.receipt, reported: batch.seal.feedHead, now: now)
        note("  \(city.code) received through \(receipt.through.sequence)")
    }

    private func pull(_ city: RunCity) async throws {
        let cursor = try city.store.feedHead()
        let request = FeedRequest(
            after: cursor, limit: network.number(in: 3...20), wait: .zero,
            sessionEpoch: try city.store.session(now: now).epoch)
        let page = try await exchange(with: city) { try await $0.feed(request, to: city.code, now: now) }
        let seal = try FeedSeal(page.seal, by: city.registryKey)
        if page.entries.isEmpty {
            guard seal.head == cursor else { throw FeedPage.Fault.badSeal }
            try city.store.keep(feedSeal: page.seal, of: cursor)
        } else {
            let entries = try page.entries.map { try FeedCoding.decode($0) }
            try city.store.apply(entries, sealed: seal.head, seal: page.seal, detailKey: city.detailKey, now: now)
            note("  \(city.code) applied through \(seal.head.position)")
        }
    }
}
