import Replication
import VoucherDomain

extension Checker {
    /// I5: every record that was received stands under a seal that its own city signed, with the key that was the city's at
    /// that place of its log; the seal names the end of the log, and each record's bytes give its hash.
    package static let originsVerify = Checker("I5") { history in
        var book = OriginBook()
        return history.moments.flatMap { book.take($0.event) }
    }
}

private struct OriginBook {
    private var keys: [CityCode: [UInt8]] = [:]
    private var ends: [CityCode: Digest] = [:]
    /// The city whose seal is over a record, by the record's hash.
    private var sealed: [Digest: CityCode] = [:]

    mutating func take(_ event: History.Event) -> [String] {
        switch event {
        case .keyed(let city, let key):
            keys[city] = key
            return []
        case .sealed(let seal): return check(seal)
        case .received(let fact, _, _):
            return sealed[fact.hash] == fact.city ? [] : ["\(fact.city)/\(fact.sequence) is under no seal of its city"]
        default: return []
        }
    }

    private mutating func check(_ seal: SealFact) -> [String] {
        var faults: [String] = []
        let message = Array("voucher-federation/seal/v1".utf8) + [0] + seal.body
        if !message.isSigned(with: seal.signature, by: keys[seal.city] ?? []) {
            faults.append("a seal of \(seal.city) is not signed with its key")
        }
        let end = seal.records.last?.hash ?? ends[seal.city]
        if end.map({ !seal.body.hold($0.rawValue) }) ?? false {
            faults.append("a seal of \(seal.city) does not name the end of its log")
        }
        for record in seal.records {
            sealed[record.hash] = seal.city
            guard record.bytes.hashed(under: "voucher-federation/entry/v1") != record.hash.rawValue else { continue }
            faults.append("the bytes of a record of \(seal.city) do not give its hash")
        }
        ends[seal.city] = end
        return faults
    }
}
