import Arbitration
import CityStore
import FederationWire
import Replication
import VoucherDomain

@testable import Simulation

/// A registry and its cities, which go through a script; what the registry answers is written out without what it drew
/// at random.
final class ComparedFederation {
    static let start = SimulatedClock.start
    static let cities = 3

    private struct Node {
        let code: CityCode
        let identity: NodeIdentity
        let disk: SimulatedDisk
        var key: SigningKey
        var processNonce: [UInt8]
        var lastBatch: PushBatch?
        var firstHello: Hello?

        var store: CityStore { disk.store }
    }

    private let registry: any ComparedRegistry
    private var nodes: [Node] = []
    private var liar: LyingCity?
    /// The kinds of all refusals.
    private(set) var refusals: Set<String> = []
    /// Every decision that a city has read.
    private(set) var decisions: Set<Outcome.Decision> = []

    init(on registry: any ComparedRegistry, seed: UInt64) async throws {
        self.registry = registry
        let (streams, shelf) = (RandomStreams(seed: seed), SimulatedDisk.Shelf())
        for index in 1...Self.cities {
            guard let code = CityCode(rawValue: UInt32(100_000 + 1_000 * index)) else { continue }
            let (key, nonce) = (RunSecrets.key(code.rawValue), [UInt8](repeating: UInt8(index), count: 16))
            let node = Node(
                code: code, identity: World.identity(of: code, index),
                disk: try shelf.take(streams.stream("disk-\(index)")), key: key, processNonce: nonce)
            let epoch = try await registry.join(code, key: key.publicKey, processNonce: nonce, now: Self.start)
            try node.store.establish(node.identity, epoch: epoch, processNonce: nonce)
            nodes.append(node)
        }
        guard let code = CityCode(rawValue: 900_000) else { return }
        let key = RunSecrets.key(code.rawValue)
        let epoch = try await registry.join(
            code, key: key.publicKey, processNonce: [UInt8](repeating: 9, count: 16), now: Self.start)
        liar = LyingCity(code: code, key: key, epoch: epoch, random: streams.stream("liar"))
    }

    /// Takes a step.
    ///
    /// - Returns: What came of it.
    func perform(_ step: ComparedScript.Step, now: UInt64) async throws -> String {
        do { return try await carryOut(step, now: now) } catch let refusal as StoreRefusal {
            return "the store refuses: \(refusal.message)"
        } catch {
            let refusal = try ComparedRefusal(error)
            refusals.insert(refusal.kind)
            return "refused: \(refusal.kind)"
        }
    }

    private func carryOut(_ step: ComparedScript.Step, now: UInt64) async throws -> String {
        switch step {
        case .write(let index, let act): return try write(act, at: nodes[index].store, now: now)
        case .hello(let index): return try await greet(index, now: now)
        case .push(let index): return try await push(index, now: now)
        case .read(let index, let limit): return try await read(index, limit: limit, now: now)
        case .pushAgain(let index):
            guard let batch = nodes[index].lastBatch else { return "nothing was pushed yet" }
            return try text(of: await registry.receive(batch, from: nodes[index].code, now: now))
        case .helloAgain(let index):
            guard let hello = nodes[index].firstHello else { return "nobody has said hello yet" }
            return try text(of: await registry.greet(hello, now: now))
        case .log(let index, let place): return try await log(index, place)
        case .readAfterStranger(let index): return try await readAfterStranger(index, now: now)
        case .restart(let index, let nonce):
            nodes[index].processNonce = nonce
            return "restarted"
        case .joinAgain(let index, let key, let nonce): return try await joinAgain(index, key, nonce, now: now)
        case .lie: return try await lie(now: now)
        case .suspend(let index): return try await setSuspended(true, index, now: now)
        case .reinstate(let index): return try await setSuspended(false, index, now: now)
        case .rule(let index, let keepsFirst): return try await rule(index, keepsFirst: keepsFirst, now: now)
        case .tick(let sinceLast):
            return try await registry.tick(now: now, sinceLast: sinceLast) ? "ticked" : "no tick is due"
        case .decide:
            try await registry.decide()
            let head = try await registry.feedHead()
            return "decided up to \(head.position)"
        }
    }

    // MARK: Officers

    private func write(_ act: Workload.Act, at store: CityStore, now: UInt64) throws -> String {
        switch act {
        case .issueVouchers(let rows): _ = try store.issueVouchers(rows, now: now)
        case .file(let rows): _ = try store.fileClaims(rows, now: now)
        case .withdraw:
            guard let claim = try store.claimStates().last else { return "nothing to withdraw" }
            try store.withdraw(claimNumber: claim.number, reason: "改正", now: now)
        case .requestPayment:
            for claim in try store.claimStates() where claim.state == "reserved" {
                try store.take(.request, ofClaim: claim.number, now: now)
            }
        case .advancePayments: try advancePayments(of: store, now: now)
        case .requestPaymentOf, .answer, .backUp: break
        }
        return "the log has \(try store.logHead().sequence) entries"
    }

    /// Takes every payment one step further.
    private func advancePayments(of store: CityStore, now: UInt64) throws {
        for payment in try store.payments(limit: 100) where !payment.isStopped {
            guard let reference = payment.reference else { continue }
            switch payment.stage {
            case "released": try store.take(.submit, ofClaim: payment.claimNumber, now: now)
            case "submitted" where payment.isSubmissionReceived:
                let record = PaymentAct.BankRecord(
                    transaction: reference.text, amount: payment.amount,
                    day: CalendarDate.inChina(milliseconds: Int64(Self.start)))
                try store.take(.confirm(record), ofClaim: payment.claimNumber, now: now)
            default: break
            }
        }
    }

    // MARK: Requests

    private func greet(_ index: Int, now: UInt64) async throws -> String {
        let (node, store) = (nodes[index], nodes[index].store)
        var hello = try store.prepareHello(processNonce: node.processNonce)
        nodes[index].firstHello = node.firstHello ?? hello
        let answer: HelloAnswer
        do { answer = try await registry.greet(hello, now: now) } catch {
            guard try ComparedRefusal(error).kind == "fenced" else { throw error }
            let holder = try await registry.ownLog(LogRequest(after: hello.logHead, limit: 1), of: node.code)
            guard let next = try store.hello(after: hello, followingThatOf: holder) else { throw error }
            hello = next
            return try await adopt(registry.greet(hello, now: now), index, now: now) + ", followed"
        }
        return try await adopt(answer, index, now: now)
    }

    /// Gets back what the store lacks, and takes the grant over.
    private func adopt(_ answer: HelloAnswer, _ index: Int, now: UInt64) async throws -> String {
        let (node, store) = (nodes[index], nodes[index].store)
        let key = node.identity.registryKey
        while try store.isRestored(), try store.receivedHead().sequence < answer.logHead.sequence {
            let page = try await registry.ownLog(LogRequest(after: store.receivedHead(), limit: 5), of: node.code)
            try store.takeBack(page.entries, page.receipts.map { (receipt: try Receipt($0, by: key), signed: $0) })
        }
        try store.compare(answer.logHead)
        try store.adopt(
            try Grant(answer.grant, by: key), software: "comparison", now: now, registryTime: answer.registryTime)
        return try text(of: answer)
    }

    private func push(_ index: Int, now: UInt64) async throws -> String {
        let (node, store) = (nodes[index], nodes[index].store)
        let epoch = try store.session(now: now).epoch
        guard let batch = try store.nextBatch(sessionEpoch: epoch, signer: node.key, now: now) else {
            return "nothing to push"
        }
        nodes[index].lastBatch = batch
        let answer = try await registry.receive(batch, from: node.code, now: now)
        let receipt = try Receipt(answer.receipt, by: node.identity.registryKey)
        try store.store(receipt, signed: answer.receipt, reported: batch.seal.feedHead, now: now)
        return try text(of: answer)
    }

    private func read(_ index: Int, limit: Int, now: UInt64) async throws -> String {
        let (node, store) = (nodes[index], nodes[index].store)
        let request = FeedRequest(
            after: try store.feedHead(), limit: limit, wait: .zero, sessionEpoch: try store.session(now: now).epoch)
        let page = try await registry.feed(request, for: node.code, now: now)
        let entries = try page.entries.map { try FeedCoding.decode($0) }
        let seal = try FeedSeal(page.seal, by: node.identity.registryKey)
        if !entries.isEmpty {
            try store.apply(
                entries, sealed: seal.head, seal: page.seal, detailKey: node.identity.detailKey, now: now)
        }
        decisions.formUnion(entries.map(\.entry.decision))
        return entries.map { ComparedFederation.line(of: $0.entry) }.joined(separator: "\n")
            + "\nsealed at \(seal.head.incarnation)/\(seal.head.position), more: \(page.more)"
    }

    private func readAfterStranger(_ index: Int, now: UInt64) async throws -> String {
        let request = FeedRequest(
            after: FeedHead(incarnation: 1, position: 1, hash: .zero), limit: 10, wait: .zero,
            sessionEpoch: try nodes[index].store.session(now: now).epoch)
        let page = try await registry.feed(request, for: nodes[index].code, now: now)
        return "\(page.entries.count) entries"
    }

    private func log(_ index: Int, _ place: ComparedScript.LogPlace) async throws -> String {
        let received = try nodes[index].store.receivedHead()
        let head: LogHead =
            switch place {
            case .start: .empty
            case .received: received
            case .stranger: LogHead(epoch: nil, sequence: 1, hash: .zero)
            }
        let page = try await registry.ownLog(LogRequest(after: head, limit: 3), of: nodes[index].code)
        let receipts = try page.receipts.map { signed in
            let receipt = try Receipt(signed, by: nodes[index].identity.registryKey)
            return "through \(receipt.through.sequence) at \(receipt.receivedAt)"
        }
        return "entries \(page.entries.map(\.sequence)), receipts \(receipts), "
            + "epoch \(page.grantedEpoch?.counter ?? 0) of \(page.processNonce.hexadecimal)"
    }

    private func joinAgain(
        _ index: Int, _ number: UInt32, _ nonce: [UInt8], now: UInt64
    ) async throws -> String {
        let key = RunSecrets.key(number)
        let epoch = try await registry.join(nodes[index].code, key: key.publicKey, processNonce: nonce, now: now)
        nodes[index].key = key
        nodes[index].processNonce = nonce
        nodes[index].lastBatch = nil
        let store = nodes[index].store
        try store.erase()
        try store.establish(nodes[index].identity, epoch: epoch, processNonce: nonce, isRestored: true)
        return "joined again, epoch \(epoch.incarnation)/\(epoch.counter)"
    }

    private func lie(now: UInt64) async throws -> String {
        guard var liar else { return "nobody lies" }
        defer { self.liar = liar }
        let lie = try liar.nextLie(feedHead: await registry.feedHead(), now: now, victims: nodes.map(\.code))
        let answer = try await registry.receive(lie.batch, from: liar.code, now: now)
        liar.wasAccepted(lie)
        return try "\(lie.kind): " + text(of: answer)
    }

    // MARK: Operators

    private func setSuspended(_ isSuspended: Bool, _ index: Int, now: UInt64) async throws -> String {
        try await registry.setSuspended(isSuspended, nodes[index].code, now: now)
        return "done"
    }

    private func rule(_ index: Int, keepsFirst: Bool, now: UInt64) async throws -> String {
        guard let conflict = try nodes[index].store.cases(isOpen: true, limit: 1).first else { return "no open case" }
        let claims = conflict.parties.map(\.claim)
        let ruledOut = keepsFirst ? Array(claims.dropFirst()) : []
        let ruling = Ruling(
            caseID: conflict.id, kept: claims.filter { !ruledOut.contains($0) }, ruledOut: ruledOut,
            code: ruledOut.isEmpty ? .falsePositive : .confirmed, reason: "裁定", by: "王伟")
        try await registry.rule(ruling, now: now)
        return "ruled on \(conflict.id)"
    }

    // MARK: What is compared

    private func text(of answer: HelloAnswer) throws -> String {
        let grant = try Grant(answer.grant, by: RunSecrets.registryKey.publicKey)
        return "epoch \(grant.epoch.incarnation)/\(grant.epoch.counter) for \(grant.processNonce.hexadecimal), log "
            + "\(answer.logHead.sequence), feed \(answer.feedHead.position), time \(answer.registryTime)"
    }

    private func text(of answer: PushAnswer) throws -> String {
        let receipt = try Receipt(answer.receipt, by: RunSecrets.registryKey.publicKey)
        return "\(answer.answers), received \(receipt.city) through \(receipt.through.sequence) "
            + "at \(receipt.receivedAt), feed \(receipt.feedHead.position)"
    }

    private static func line(of entry: FeedEntry) -> String {
        let effects = entry.effects.map { effect in
            "\(effect.claimPosition) \(effect.decision) \(effect.payment?.rawValue ?? 0) \(effect.released.count)"
        }
        let (taken, released) = (entry.taken.map(\.hash.hexadecimal), entry.released.map(\.hexadecimal))
        return "\(entry.position) \(entry.city)/\(entry.answers.sequence) kind \(entry.kind.rawValue): "
            + "\(entry.decision), received \(entry.receivedAt), policy \(entry.policyVersion), takes \(taken), "
            + "releases \(released), effects \(effects), notices \(entry.notices.map(\.city)), "
            + "act \(!entry.registryEntry.isEmpty)"
    }
}
