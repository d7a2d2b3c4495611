import Replication

/// Draws patterns in random order so that the set ends up with the composition that was asked for.
///
/// An urn without putting back: a pattern is drawn as often as it still lacks groups.
struct PatternUrn {
    /// The claims that each pattern still lacks, in the order of ``Pattern/allCases``.
    private var lacking: [Int]

    /// - Parameter claims: How many are drawn from this urn; price outliers are none of them.
    init(_ composition: Composition, claims: Int) {
        lacking = Pattern.allCases.map { $0 == .priceOutlier ? 0 : composition.target($0, of: claims) }
    }

    /// The next pattern.
    ///
    /// - Parameter room: How many claims the group may have at most; one or more.
    mutating func next(room: Int, _ random: inout SeededGenerator) -> Pattern {
        let weights = zip(Pattern.allCases, lacking).map { pattern, lacking in
            pattern.size.upperBound > room ? 0 : lacking * 1_000 / (pattern.size.lowerBound + pattern.size.upperBound)
        }
        return random.index(weights: weights).map { Pattern.allCases[$0] } ?? .clean
    }

    /// Takes out a group that was made.
    mutating func take(_ pattern: Pattern, claims: Int) {
        guard let index = Pattern.allCases.firstIndex(of: pattern) else { return }
        lacking[index] = max(0, lacking[index] - claims)
    }
}
