import Replication

@testable import Simulation

/// What cities and operators do in a comparison, one step after the other, drawn by a seed.
struct ComparedScript {
    enum Step {
        /// An officer writes into the store of a city, by its place among the cities.
        case write(Int, Workload.Act)
        case hello(Int)
        case push(Int)
        case read(Int, limit: Int)
        /// The last batch of a city comes once more, or the first hello that it has sent.
        case pushAgain(Int)
        case helloAgain(Int)
        /// A city asks for its own log: from its start, from where it is, or from an entry that it never had.
        case log(Int, LogPlace)
        /// A city asks for what follows a place that the feed has not.
        case readAfterStranger(Int)
        case restart(Int, nonce: [UInt8])
        /// A city joins again on an empty disk, with another key.
        case joinAgain(Int, key: UInt32, nonce: [UInt8])
        case lie
        case suspend(Int)
        case reinstate(Int)
        /// The registry rules on the first open case that a city knows.
        case rule(Int, keepsFirst: Bool)
        case tick(sinceLast: Int64)
        case decide
    }

    enum LogPlace: CaseIterable { case start, received, stranger }

    private var random: SeededGenerator
    private var workload: Workload
    private let cities: Int

    init(seed: UInt64, cities: Int) {
        let streams = RandomStreams(seed: seed)
        random = streams.stream("script")
        workload = Workload(
            random: streams.stream("workload"), fraud: 0.4, receipts: streams.stream("receipts"), evidence: 0.3)
        self.cities = cities
    }

    /// One voucher an enterprise.
    var vouchers: Workload.Act { .issueVouchers(workload.vouchers()) }

    /// How long it is until the next step, in milliseconds.
    mutating func pause() -> UInt64 { random.number(in: 50...8_000) }

    mutating func next() -> Step {
        let city = random.number(in: 0...(cities - 1))
        switch random.number(in: 0...99) {
        case 0...21: return .write(city, workload.nextAct())
        case 22...31: return .hello(city)
        case 32...47: return .push(city)
        case 48...62: return .read(city, limit: random.number(in: 1...20))
        case 63...66: return .pushAgain(city)
        case 67...68: return .helloAgain(city)
        case 69...71: return .log(city, random.pick(LogPlace.allCases))
        case 72: return .readAfterStranger(city)
        case 73...74: return .restart(city, nonce: random.bytes(16))
        case 75: return .joinAgain(city, key: random.number(in: RunSecrets.laterKeys), nonce: random.bytes(16))
        case 76...80: return .lie
        case 81: return .suspend(city)
        case 82...83: return .reinstate(city)
        case 84...85: return .rule(city, keepsFirst: random.chance(0.5))
        case 86...90: return .tick(sinceLast: random.pick([0, 600_000]))
        default: return .decide
        }
    }
}
