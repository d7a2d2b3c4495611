import Replication
import VoucherDomain

extension Checker {
    /// I20: the audit chain verifies. Each answer's bytes give its hash; they name the hash of the answer before them and
    /// that of the entry which they answer; the acts of the registry stand in them whole, in the order of its log; and the
    /// feed ends with the last of them.
    package static let auditVerifies = Checker("I20") { history in
        var book = AuditBook(history)
        let faults = history.decisions.flatMap { book.take($0) }
        guard let end = history.end, end.registryFeedHash != book.last else { return faults }
        return faults + ["the feed does not end with the last answer"]
    }
}

private struct AuditBook {
    /// What was received, by its hash.
    private let records: [Digest: [UInt8]]
    private(set) var last = Digest.zero
    private var acts: UInt64 = 0

    init(_ history: History) {
        var records: [Digest: [UInt8]] = [:]
        for moment in history.moments {
            guard case .sealed(let seal) = moment.event else { continue }
            for record in seal.records { records[record.hash] = record.bytes }
        }
        self.records = records
    }

    mutating func take(_ decision: DecisionFact) -> [String] {
        var faults: [String] = []
        let (bytes, entry) = (decision.feedBytes, decision.entry)
        if bytes.hashed(under: "voucher-federation/feed/v1") != decision.feedHash.rawValue {
            faults.append("its bytes do not give its hash")
        }
        if !bytes.hold(last.rawValue) { faults.append("it does not name the answer before it") }
        if !bytes.hold(entry.hash.rawValue) { faults.append("it does not name the entry that it answers") }
        if entry.city == .registry {
            acts += 1
            if entry.sequence != acts { faults.append("it answers act \(entry.sequence) of the registry, not \(acts)") }
            if !(records[entry.hash].map { bytes.hold($0) } ?? false) { faults.append("the act is not in it whole") }
        }
        last = decision.feedHash
        return faults.map { "position \(decision.position): \($0)" }
    }
}
