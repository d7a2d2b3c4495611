package import Arbitration
package import CityStore
package import FederationWire
package import Replication
package import VoucherDomain

/// One call of the city's store, as the node makes it: one transaction at most.
///
/// The same call at the same place of the scenario, on the same state, gives the same state.
package enum StoreCall: Sendable {
    case establish
    /// The process ends in good order, and another starts.
    case restart
    case hello([UInt8])
    case adopt(Grant)
    case issue([FormRow])
    case file([FormRow])
    case withdraw(String)
    case pay(CityStore.PaymentStep, claim: String)
    case tell(RedLetter)
    case remember(String)
    /// Asks for what is to be pushed next.
    case seal
    case keep(Receipt, SignedBytes, reported: FeedHead)
    case apply([SealedFeedEntry], sealed: FeedHead)
    /// A registry recovers, and is to be the only one that the city heeds.
    case promise(RecoveryCall, SignedBytes)
    /// What was applied of the feed does not stand: goes back to where it does.
    case goBack(RecoveryCall)
}

/// What the store answered.
package enum StoreAnswer: Sendable {
    case done
    case rows([FilingResult])
    case batch(PushBatch?)
    /// Whether it did.
    case wentBack(Bool)
    /// In words for the officer; nothing was changed.
    case refused(StoreRefusal)
}

extension StoreCall {
    /// - Throws: What the store throws, but for a refusal that an officer meets.
    func perform(on store: CityStore, at place: Int) throws -> StoreAnswer {
        let now = ScenarioFederation.start + UInt64(place) * 1_000
        do {
            switch self {
            case .restart: break
            case .establish:
                try store.establish(
                    ScenarioFederation.identity, epoch: ScenarioFederation.epoch,
                    processNonce: [UInt8](repeating: 7, count: 16))
            case .hello(let nonce): _ = try store.prepareHello(processNonce: nonce)
            case .adopt(let grant): try store.adopt(grant, software: "scenario", now: now)
            case .issue(let rows): return .rows(try store.issueVouchers(rows, now: now))
            case .file(let rows): return .rows(try store.fileClaims(rows, now: now))
            case .withdraw(let number): try store.withdraw(claimNumber: number, reason: "改正", now: now)
            case .pay(let step, let claim): try store.take(step, ofClaim: claim, now: now)
            case .tell(let letter): try store.record(letter, now: now)
            case .remember(let key):
                let answer = CityStore.RememberedAnswer(
                    requestDigest: Array(key.utf8), status: 201, body: Array("{}".utf8))
                try store.remember(answer, forKey: key, now: now)
            case .seal:
                return .batch(
                    try store.nextBatch(
                        sessionEpoch: ScenarioFederation.epoch, signer: ScenarioFederation.cityKey, now: now))
            case .keep(let receipt, let signed, let reported):
                try store.store(receipt, signed: signed, reported: reported, now: now)
            case .apply(let entries, let sealed):
                try store.apply(entries, sealed: sealed, detailKey: ScenarioFederation.detailKey, now: now)
            case .promise(let call, let signed): try store.promise(call, signed: signed)
            case .goBack(let call):
                return .wentBack(try store.goBack(call, detailKey: ScenarioFederation.detailKey))
            }
            return .done
        } catch let refusal as StoreRefusal where [.conflict, .alreadyJoined, .notFound].contains(refusal.code) {
            return .refused(refusal)
        }
    }

    /// Whether a caller that got no answer makes the same call again. A feed page is asked for from where the cursor is,
    /// and a seal without entries is another at another time.
    var isRepeated: Bool {
        switch self {
        case .seal, .apply: false
        default: true
        }
    }

    /// The rows of claims that it files.
    var claims: [FormRow] {
        if case .file(let rows) = self { rows } else { [] }
    }
}
