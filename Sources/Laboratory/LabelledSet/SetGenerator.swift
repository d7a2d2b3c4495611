import Foundation
import Replication

/// Makes a labelled set of any size: what ``Sample`` reads, with the ownership file and the list of providers beside
/// it.
///
/// The same seed, size and composition give the same bytes. One group is held at a time; the memory that is needed
/// does not grow with the set. Rows of a group come one after the other in each city's file; which city's come first is
/// left to the federation, and no expectation depends on it.
package struct SetGenerator: Sendable {
    /// What was written.
    package struct Summary: Sendable {
        package struct Count: Sendable {
            package let pattern: Pattern
            package var groups = 0
            package var claims = 0
        }

        /// In the order of ``Pattern``.
        package var counts = Pattern.allCases.map { Count(pattern: $0) }

        package var claims: Int { counts.reduce(0) { $0 + $1.claims } }

        fileprivate mutating func add(_ group: GeneratedGroup) {
            guard let index = counts.firstIndex(where: { $0.pattern == group.pattern }) else { return }
            counts[index].groups += 1
            counts[index].claims += group.claims.count
        }
    }

    /// Below this price outliers would lack peers.
    package static let leastClaimsWithOutliers = 20_000
    /// Duplicates need two cities.
    package static let leastCities = 2
    package static let mostCities = CityProfile.most

    private let seed: UInt64
    private let claims: Int
    private let cities: [CityProfile]
    private let composition: Composition

    /// - Parameters:
    ///   - claims: How many are written, exactly.
    ///   - cities: 2 to 300; the first 17 are those of the sample.
    package init(seed: UInt64, claims: Int, cities: Int = 17, composition: Composition = .standard) {
        precondition(
            (SetGenerator.leastCities...SetGenerator.mostCities).contains(cities),
            "a set of \(cities) cities, \(SetGenerator.leastCities) to \(SetGenerator.mostCities) are possible")
        self.seed = seed
        self.claims = claims
        self.cities = CityProfile.first(cities)
        self.composition = composition
    }

    /// Writes the set.
    ///
    /// - Parameters:
    ///   - directory: Is there and empty.
    ///   - progress: Called now and then with the number of claims written so far, and at the end.
    /// - Throws: ``Sample/Failure`` when a file cannot be written; what was written till then is left.
    package func write(into directory: String, progress: @escaping (Int) -> Void = { _ in }) throws -> Summary {
        var run = Run(
            writer: try SetWriter(directory: directory, cities: cities),
            builder: GroupBuilder(cities: cities, seed: seed), places: OutlierPlaces(cities: cities.count),
            claims: claims, progress: progress)
        try run.writePool()
        let outliers =
            claims < SetGenerator.leastClaimsWithOutliers ? 0 : composition.target(.priceOutlier, of: claims)
        try run.writeGroups(composition, upTo: claims - outliers)
        try run.writeOutliers()
        try run.writer.finish()
        progress(run.summary.claims)
        return run.summary
    }
}

/// One set in the making.
private struct Run {
    let writer: SetWriter
    var builder: GroupBuilder
    var places: OutlierPlaces
    let claims: Int
    let progress: (Int) -> Void
    var summary = SetGenerator.Summary()
    private var written = 0
    private var reported = 0

    init(
        writer: SetWriter, builder: GroupBuilder, places: OutlierPlaces, claims: Int, progress: @escaping (Int) -> Void
    ) {
        self.writer = writer
        self.builder = builder
        self.places = places
        self.claims = claims
        self.progress = progress
    }

    /// Claims are filed over 80 days.
    private var firstFiling: Int { written * 80 * 86_400 / max(1, claims) }

    mutating func writePool() throws {
        try writer.write(builder.makePool(min(600, 40 + claims / 5_000)))
    }

    mutating func writeGroups(_ composition: Composition, upTo end: Int) throws {
        var urn = PatternUrn(composition, claims: end)
        while written < end {
            let pattern = urn.next(room: end - written, &builder.random)
            let group = builder.build(pattern, firstFiling: firstFiling)
            urn.take(pattern, claims: group.claims.count)
            try write(group)
        }
    }

    /// Price outliers, last because they need peers before them; clean claims where there is no place for one.
    mutating func writeOutliers() throws {
        while written < claims {
            if let place = places.take(&builder.random) {
                try write(
                    builder.buildOutlier(
                        city: place.city, resourceClass: place.resourceClass, firstFiling: firstFiling))
            } else {
                try write(builder.build(.clean, firstFiling: firstFiling))
            }
        }
    }

    private mutating func write(_ group: GeneratedGroup) throws {
        try writer.write(group)
        places.count(group)
        summary.add(group)
        written += group.claims.count
        guard written - reported >= max(1, claims / 500) else { return }
        reported = written
        progress(written)
    }
}
