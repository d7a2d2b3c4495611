import FederationWire
import Replication
import VoucherDomain

/// The three requests of the protocol and the city's own log, as the registry's store answers them.
extension SimulatedRegistry {
    /// Greets a city: compares heads, grants an epoch by compare-and-set.
    mutating func greet(_ hello: Hello, now: UInt64) throws -> HelloAnswer {
        var row = try city(hello.city)
        guard let standing = row.standing else {
            throw SimulatedRefusal("unknown-city", "city \(hello.city) has not joined")
        }
        let verdict: HelloReview.Verdict
        switch HelloReview.review(
            hello, standing: standing, incarnation: SimulatedRegistry.incarnation, processNonce: row.processNonce,
            knownHash: { hash(of: hello.city, at: $0) }, knownFeedHead: feedHead(at:))
        {
        case .success(let found): verdict = found
        case .failure(let fault): throw SimulatedRefusal(fault)
        }
        let epoch: Epoch
        let version: UInt32
        switch verdict {
        case .keep(let common):
            (epoch, version) = (standing.grantedEpoch, common)
            events.append(.sometimes(.grantKept))
        case .grant(let common, let counter):
            precondition(counter == standing.grantedEpoch.counter + 1, "epoch \(counter) skips one")
            version = common
            epoch = try grant(&row, hello.processNonce, now: now)
            cities[hello.city] = row
        }
        let grant = Grant(city: hello.city, epoch: epoch, processNonce: hello.processNonce, version: version)
        return HelloAnswer(
            grant: try grant.signed(by: RunSecrets.registryKey), logHead: row.head, feedHead: feedHead,
            registryTime: now)
    }

    private func hash(of code: CityCode, at sequence: UInt64) -> Digest? { logs[code]?.hash(at: sequence) }

    private func feedHead(at position: UInt64) -> FeedHead? {
        position >= 1 && position <= feed.count ? feed[Int(position) - 1].head : nil
    }

    /// Receives a sealed batch.
    mutating func receive(_ batch: PushBatch, from code: CityCode, now: UInt64) throws -> PushAnswer {
        var row = try city(code)
        guard let standing = row.standing else { throw SimulatedRefusal("unknown-city", "city \(code) has not joined") }
        let review = PushReview.review(
            batch, standing: standing, incarnation: SimulatedRegistry.incarnation,
            knownHash: { hash(of: code, at: $0) }, isKnownID: ids.contains, now: now)
        let accepted: PushReview.Accepted
        switch review {
        case .success(let found): accepted = found
        case .failure(let fault): throw SimulatedRefusal(fault)
        }
        let first = batch.entries.first?.sequence ?? 0
        events.append(.pushed(code, batch.sessionEpoch))
        if batch.entries.isEmpty {
            row.report = (batch.seal.head.sequence, batch.signedSeal)
            cities[code] = row
            note(batch.signedSeal, of: code, over: [])
            events.append(.sometimes(.reported))
        }
        if accepted.answers.contains(.alreadyKnown) { events.append(.sometimes(.alreadyKnown)) }
        if accepted.appended.isEmpty, accepted.watermark == standing.watermark,
            let receipt = logs[code]?.receipts.last(where: { $0.through == standing.head.sequence })
        {
            return PushAnswer(answers: accepted.answers, firstSequence: first, receipt: receipt.signed)
        }
        row.head = accepted.head
        row.time = accepted.time
        row.watermark = accepted.watermark
        let receipt = try Receipt(
            id: EntryID(using: &random).rawValue, city: code, through: accepted.head, feedHead: feedHead,
            receivedAt: now
        ).signed(by: RunSecrets.registryKey)
        if !accepted.appended.isEmpty {
            if row.isBack { events.append(.sometimes(.caughtUpReinstated)) }
            row.isBack = false
            keep(
                Batch(city: code, entries: accepted.appended, seal: batch.signedSeal, receivedAt: now),
                under: standing.grantedEpoch, receipt: receipt)
        }
        cities[code] = row
        events.append(.promised(code, accepted.watermark))
        if accepted.appended.contains(where: { $0.fault != nil }) { events.append(.sometimes(.entryRejected)) }
        return PushAnswer(answers: accepted.answers, firstSequence: first, receipt: receipt)
    }

    /// What follows a city's cursor, and the head that is to be sealed with it.
    func page(
        _ request: FeedRequest, city code: CityCode
    ) throws -> (entries: ArraySlice<SealedFeedEntry>, head: FeedHead) {
        guard let standing = try city(code).standing else {
            throw SimulatedRefusal("unknown-city", "city \(code) has not joined")
        }
        if standing.isSuspended { throw SimulatedRefusal(PushReview.Fault.suspended) }
        let fault = PushReview.fence(
            request.sessionEpoch, standing, incarnation: SimulatedRegistry.incarnation)
        if let fault { throw SimulatedRefusal(fault) }
        guard request.after == .empty || feedHead(at: request.after.position) == request.after else {
            throw SimulatedRefusal(
                "unknown-feed-head", "the registry does not have the feed head \(request.after.position) of this city")
        }
        let page = feed.dropFirst(Int(request.after.position)).prefix(request.limit)
        return (page, page.last?.head ?? request.after)
    }

    /// What the registry has of a city's own log after a head: whole batches; and who holds the log.
    func ownLog(_ request: LogRequest, of code: CityCode) throws -> LogPage {
        let row = try city(code)
        let after = request.after.sequence
        guard after == 0 || after > row.head.sequence || hash(of: code, at: after) == request.after.hash else {
            throw SimulatedRefusal("diverged", "the registry has another entry \(after) of this city's log")
        }
        let log = logs[code, default: Log()]
        var receipts: [SignedBytes] = []
        var end = after
        for receipt in log.receipts where receipt.through > after {
            guard end - after < UInt64(request.limit) else { break }
            receipts.append(receipt.signed)
            end = receipt.through
        }
        return LogPage(
            entries: receipts.isEmpty ? [] : Array(log.entries[Int(after)..<Int(end)]), receipts: receipts,
            grantedEpoch: row.grantedEpoch, processNonce: row.processNonce)
    }
}
