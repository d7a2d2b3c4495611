import Arbitration
import Replication
import Simulation
import Testing
import VoucherDomain

/// The checkers that look at bytes and signatures, each shown a history that is wrong in one place.
@Suite("Checkers of records")
struct RecordCheckerTests {
    private typealias Sample = BrokenHistory

    private func key(_ byte: UInt8) throws -> SigningKey {
        try #require(SigningKey(seed: [UInt8](repeating: byte, count: 32)))
    }

    /// The entry of that sequence with these bytes, and their hash.
    private func entry(
        _ sequence: UInt64, of city: CityCode = BrokenHistory.city, bytes: [UInt8]
    ) -> EntryFact {
        let usual = Sample.entry(sequence, of: city)
        return EntryFact(
            city: city, epoch: usual.epoch, sequence: sequence, hash: Digest(.entry, bytes),
            previousHash: usual.previousHash, time: usual.time, id: usual.id, kind: usual.kind)
    }

    // MARK: Origins

    @Test("I5: a record under no seal, another key, another city's seal or another end, or with other bytes is found")
    func origins() throws {
        let fact = entry(1, bytes: [1, 2, 3])
        let (own, other) = (try key(1), try key(2))
        func faults(
            signedBy signer: SigningKey, of city: CityCode = Sample.city, naming end: Digest? = nil,
            over bytes: [UInt8] = [1, 2, 3]
        ) throws -> Int {
            var sample = Sample()
            sample.add(.keyed(Sample.city, key: own.publicKey.bytes), at: .registry)
            sample.add(.keyed(Sample.other, key: other.publicKey.bytes), at: .registry)
            let seal = try signer.sign(.seal, [9] + (end ?? fact.hash).rawValue)
            let record = SealFact.Record(hash: fact.hash, bytes: bytes)
            sample.add(
                .sealed(SealFact(city: city, records: [record], body: seal.body, signature: seal.signature)),
                at: .registry)
            sample.receive(fact)
            return Checker.originsVerify.check(sample.history).count
        }
        var unsealed = Sample()
        unsealed.receive(fact)

        #expect(try faults(signedBy: own) == 0)
        #expect(try faults(signedBy: other) == 1)
        #expect(try faults(signedBy: other, of: Sample.other) == 1)
        #expect(try faults(signedBy: own, naming: Digest.zero) == 1)
        #expect(try faults(signedBy: own, over: [4]) == 1)
        #expect(Checker.originsVerify.check(unsealed.history).count == 1)
    }

    @Test("I5: a seal by a key that the city has no more is found, and a seal of nothing new that names another end")
    func laterKey() throws {
        let fact = entry(1, bytes: [1, 2, 3])
        let (old, new) = (try key(1), try key(2))
        func seal(_ records: [SealFact.Record], naming end: Digest, by signer: SigningKey) throws -> History.Event {
            let signed = try signer.sign(.seal, end.rawValue)
            return .sealed(
                SealFact(city: Sample.city, records: records, body: signed.body, signature: signed.signature))
        }
        func faults(laterSigner: SigningKey, naming end: Digest) throws -> Int {
            let record = SealFact.Record(hash: fact.hash, bytes: [1, 2, 3])
            var sample = Sample()
            for event in [
                .keyed(Sample.city, key: old.publicKey.bytes), try seal([record], naming: fact.hash, by: old),
                .keyed(Sample.city, key: new.publicKey.bytes), try seal([], naming: end, by: laterSigner),
            ] as [History.Event] {
                sample.add(event, at: .registry)
            }
            return Checker.originsVerify.check(sample.history).count
        }

        #expect(try faults(laterSigner: new, naming: fact.hash) == 0)
        #expect(try faults(laterSigner: old, naming: fact.hash) == 1)
        #expect(try faults(laterSigner: new, naming: Digest.zero) == 1)
    }

    // MARK: The audit chain

    /// How many faults a feed of two answers has, the first to an act of the registry, with what is given in its place.
    private func auditFaults(
        actSequence: UInt64 = 1, act: [UInt8] = [5, 6, 7], naming previous: Digest? = nil,
        answering answered: Digest? = nil, hash: Digest? = nil, end: Digest? = nil
    ) -> Int {
        var sample = Sample()
        let first = entry(actSequence, of: .registry, bytes: [5, 6, 7])
        let second = entry(1, bytes: [8, 9])
        let record = SealFact.Record(hash: first.hash, bytes: [5, 6, 7])
        sample.add(.sealed(SealFact(city: .registry, records: [record], body: [], signature: [])), at: .registry)
        let firstBytes = Digest.zero.rawValue + first.hash.rawValue + act
        let firstHash = Digest(.feed, firstBytes)
        let secondBytes = (previous ?? firstHash).rawValue + (answered ?? second.hash).rawValue
        let secondHash = hash ?? Digest(.feed, secondBytes)
        let answers = [(first, firstBytes, firstHash), (second, secondBytes, secondHash)]
        for (position, answer) in zip(UInt64(1)..., answers) {
            sample.add(
                .decided(
                    DecisionFact(
                        position: position, feedHash: answer.2, feedBytes: answer.1, entry: answer.0, saying: .other,
                        decision: .noted)), at: .registry)
        }
        sample.end()
        sample.changeEnd { $0.registryFeedHash = end ?? secondHash }
        return Checker.auditVerifies.check(sample.history).count
    }

    @Test("I20: an answer with another hash, past or entry is found, and an act that is left out or not whole")
    func audit() {
        #expect(auditFaults() == 0)
        #expect(auditFaults(hash: Digest.zero) == 1)
        #expect(auditFaults(naming: Digest.zero) == 1)
        #expect(auditFaults(answering: Digest.zero) == 1)
        #expect(auditFaults(act: [5, 6]) == 1)
        #expect(auditFaults(actSequence: 2) == 1)
        #expect(auditFaults(end: Digest.zero) == 1)
    }
}
