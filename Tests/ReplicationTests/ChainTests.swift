import Testing
import VoucherDomain

@testable import Replication

@Suite("Chain")
struct ChainTests {
    private let log = makeLog(3)

    private func chain(after count: Int) -> Chain {
        Chain(
            city: .shenzhen, head: count == 0 ? .empty : log[count - 1].head,
            time: count == 0 ? .zero : log[count - 1].time)
    }

    @Test("entries in order move the head and the time to the last of them")
    func appendsInOrder() throws {
        var chain = chain(after: 0)
        for entry in log { try chain.append(entry) }

        #expect(chain == Chain(city: .shenzhen, head: log[2].head, time: log[2].time))
    }

    @Test("an entry of another city is refused and leaves the chain as it was")
    func otherCity() {
        var chain = chain(after: 2)
        let before = chain
        let foreign = EntryDraft.following(log[1].head, city: .beijing).entry

        #expect(throws: Chain.Fault.otherCity(.beijing)) { try chain.append(foreign) }
        #expect(chain == before)
    }

    @Test("an entry that skips a number, or repeats one, is a gap", arguments: [0, 1, 2, 4, 5, UInt64.max])
    func gap(sequence: UInt64) {
        var chain = chain(after: 2)
        let before = chain
        let entry = EntryDraft.following(log[1].head).changing { $0.sequence = sequence }.entry

        #expect(throws: Chain.Fault.gap(expected: 3, found: sequence)) { try chain.append(entry) }
        #expect(chain == before)
    }

    @Test("an entry that names another hash than the one before it is a broken link")
    func brokenLink() {
        var chain = chain(after: 2)
        let before = chain
        let entry = EntryDraft.following(log[1].head).changing { $0.previousHash = log[0].hash }.entry

        #expect(throws: Chain.Fault.brokenLink(sequence: 3)) { try chain.append(entry) }
        #expect(chain == before)
    }

    @Test(
        "an entry of an older epoch than the head's is refused, by incarnation, counter and nonce",
        arguments: [
            Epoch(incarnation: 0, counter: 9, nonce: 9), Epoch.first, Epoch(incarnation: 1, counter: 2, nonce: 0),
        ])
    func epochWentBack(epoch: Epoch) {
        var chain = chain(after: 2)
        let before = chain
        let entry = EntryDraft.following(log[1].head, epoch: epoch).entry

        #expect(throws: Chain.Fault.epochWentBack(sequence: 3)) { try chain.append(entry) }
        #expect(chain == before)
    }

    @Test("a new epoch goes on with the numbers of the old one")
    func epochChanges() throws {
        var chain = chain(after: 2)
        let entry = EntryDraft.following(log[1].head, epoch: .third).entry
        try chain.append(entry)

        #expect(chain == Chain(city: .shenzhen, head: entry.head, time: entry.time))
    }

    @Test("a clock that does not rise is seen, and does not break the chain")
    func clockDoesNotRise() throws {
        var chain = chain(after: 2)
        let same = EntryDraft.following(log[1].head).changing { $0.time = log[1].time }.entry
        let later = EntryDraft.following(log[1].head).entry
        #expect(!chain.rises(same))
        #expect(chain.rises(later))

        let back = EntryDraft.following(log[1].head).changing { $0.time = .zero }.entry
        try chain.append(back)

        #expect(chain == Chain(city: .shenzhen, head: back.head, time: log[1].time))
    }

    @Test("every fault is one sentence that names what was found")
    func messages() {
        let faults: [Chain.Fault] = [
            .otherCity(.beijing), .gap(expected: 3, found: 7), .brokenLink(sequence: 12), .epochWentBack(sequence: 13),
        ]

        for (fault, named) in zip(faults, ["110000", "7", "12", "13"]) { #expect(fault.message.contains(named)) }
    }
}

@Suite("Positions")
struct PositionTests {
    @Test("the bytes of an epoch give the epoch back and sort as epochs do")
    func epochBytes() {
        var generator = SeededGenerator(seed: 11)
        let epochs = (0..<200).map { _ in
            Epoch(
                incarnation: UInt32.random(in: 0...3, using: &generator),
                counter: UInt32.random(in: 0...3, using: &generator), nonce: generator.next())
        }

        for epoch in epochs { #expect(Epoch(bytes: epoch.bytes) == epoch) }
        let byBytes = epochs.sorted { $0.bytes.lexicographicallyPrecedes($1.bytes) }
        #expect(epochs.sorted() == byBytes)
    }

    @Test("an epoch, an id and a hash have exact lengths", arguments: [0, 1, 15, 17, 31, 33])
    func lengths(count: Int) {
        let bytes = [UInt8](repeating: 7, count: count)

        #expect(Epoch(bytes: bytes) == nil)
        #expect(EntryID(rawValue: bytes) == nil)
        #expect(Digest(rawValue: bytes) == nil)
    }

    @Test("the same bytes have another hash in every domain")
    func domains() {
        let digests = Set(HashDomain.allCases.map { Digest($0, [1, 2, 3]) })

        #expect(digests.count == HashDomain.allCases.count)
    }

    @Test("the same seed makes the same id, another seed another one")
    func seededIDs() {
        var (one, again, other) = (SeededGenerator(seed: 1), SeededGenerator(seed: 1), SeededGenerator(seed: 2))
        let first = EntryID(using: &one)

        #expect(first == EntryID(using: &again))
        #expect(first != EntryID(using: &other))
        #expect(first.text.count == 32)
    }
}
