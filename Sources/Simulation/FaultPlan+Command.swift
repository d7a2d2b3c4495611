extension FaultPlan {
    /// The command that runs this very plan again.
    package var command: String {
        let drawn = FaultPlan(seed: seed, profile: profile)
        let without = drawn.kinds.filter { rates[$0] == nil }.map(\.rawValue)
        let command =
            "federation-lab simulate --seed \(seed) --profile \(profile.rawValue) --cities \(cities) --steps \(steps)"
        return without.isEmpty ? command : command + " --without " + without.joined(separator: ",")
    }
}
