import Replication

/// What goes wrong in one run, and how often; everything is drawn from the seed.
///
/// Swarm testing: each kind of fault is on in some seeds and off in others, so that one kind does not always hide what
/// another would have found.
package struct FaultPlan: Hashable, Sendable {
    /// How large and how hostile a run is.
    package enum Profile: String, CaseIterable, Sendable {
        /// Few steps, half of the faults: as many seeds as possible.
        case quick
        /// More steps, half of the faults.
        case swarm
        /// Many steps, all of the faults, often.
        case hostile
    }

    package let seed: UInt64
    package let profile: Profile
    /// Cities, from 2 to 60.
    package var cities: Int
    /// What officers and misfortune do during the safety phase, one after the other.
    package var steps: Int
    /// The kinds that are on, each with the probability of its happening: a message's where it befalls messages, a call's
    /// where it befalls calls of the bank, else a step's.
    package var rates: [FaultKind: Double]
    /// The mean time between two steps, in virtual milliseconds.
    package var pace: UInt64
    /// The part of claims that name what another city has claimed, from 0 to 1.
    package var fraud: Double
    /// Whether the nation's default policy is in force, with its detectors and holds, or the small one.
    package var hasNationalPolicy: Bool
    /// The part of claims that name one of a few bank receipts, from 0 to 1: whoever names one that another claim has is
    /// held, and a case is opened.
    package var evidence: Double

    /// - Parameters:
    ///   - cities: `nil` draws from 2 to 6.
    ///   - steps: `nil` takes the profile's.
    package init(seed: UInt64, profile: Profile, cities: Int? = nil, steps: Int? = nil) {
        var random = RandomStreams(seed: seed).stream("plan")
        self.seed = seed
        self.profile = profile
        // From a stream of its own: with the number said, the rest of the plan is the same.
        var size = RandomStreams(seed: seed).stream("cities")
        self.cities = cities ?? size.number(in: 2...6)
        self.steps = steps ?? FaultPlan.steps(of: profile)
        pace = random.pick([200, 1_000, 3_000])
        fraud = Double(random.number(in: 1...6)) / 10
        hasNationalPolicy = random.chance(0.3)
        var receipts = RandomStreams(seed: seed).stream("evidence")
        evidence = receipts.chance(0.5) ? 0.3 : 0
        rates = [:]
        for kind in FaultKind.allCases {
            let isOn = profile == .hostile ? random.chance(0.8) : random.chance(0.4)
            let rate = Double.random(in: 0.2...1, using: &random) * FaultPlan.highestRate(of: kind)
            if isOn { rates[kind] = rate }
        }
    }

    private static func steps(of profile: Profile) -> Int {
        switch profile {
        case .quick: 30
        case .swarm: 120
        case .hostile: 400
        }
    }

    /// What the kind's rate is drawn up to: high enough to happen in a run, low enough that the run goes on.
    private static func highestRate(of kind: FaultKind) -> Double {
        switch kind {
        case .loss, .duplication, .cutBefore, .cutAfter: 0.15
        case .reordering: 0.3
        case .cityCrash, .registryCrash: 0.05
        case .partition, .oneWay, .flapping, .cityClock, .replay: 0.1
        case .registryClock, .restore, .unmarkedCopy, .clone, .diskGone: 0.03
        case .liar: 0.5
        case .suspension: 0.08
        case .bankTimeout: 0.6
        case .bankRefusal: 0.8
        }
    }

    /// How often a kind happens; 0 when it is off.
    package func rate(_ kind: FaultKind) -> Double { rates[kind] ?? 0 }

    /// The kinds that are on, in the order of the catalogue.
    package var kinds: [FaultKind] { FaultKind.allCases.filter { rates[$0] != nil } }

    /// The same plan without one kind.
    package func without(_ kind: FaultKind) -> FaultPlan {
        var plan = self
        plan.rates[kind] = nil
        return plan
    }
}
