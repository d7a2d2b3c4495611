import Replication

/// Where a price outlier is one whatever arrives first.
///
/// A city's rows keep the order of its file. So a city that has filed enough usual prices of a class before an outlier
/// gives it its peers alone, however late the other cities are; and as long as outliers are fewer than one in a hundred
/// in each city, the 99th percentile of all cities stays a usual price.
struct OutlierPlaces {
    /// The rule wants 1,000 peers.
    private static let leastPeers = 1_200
    /// Above 100, so that the percentile is never an outlier's.
    private static let peersForEach = 150

    /// Claims that are reserved in any case, by city and resource class.
    private var peers: [[Int]]
    private var outliers: [[Int]]

    init(cities: Int) {
        peers = [[Int]](repeating: [Int](repeating: 0, count: ResourceClass.all.count), count: cities)
        outliers = peers
    }

    /// Counts the claims of a group that was written.
    mutating func count(_ group: GeneratedGroup) {
        for claim in group.claims where group.pattern.expectation == .clean {
            peers[claim.city][claim.resourceClass] += 1
        }
    }

    /// Takes one of the places that are left.
    ///
    /// - Returns: `nil` when there is none.
    mutating func take(_ random: inout SeededGenerator) -> (city: Int, resourceClass: Int)? {
        let rooms = zip(peers, outliers).flatMap { peers, outliers in
            zip(peers, outliers).map { peers, outliers in
                peers < OutlierPlaces.leastPeers ? 0 : max(0, peers / OutlierPlaces.peersForEach - outliers)
            }
        }
        guard let index = random.index(weights: rooms) else { return nil }
        let (city, resourceClass) = index.quotientAndRemainder(dividingBy: ResourceClass.all.count)
        outliers[city][resourceClass] += 1
        return (city, resourceClass)
    }
}
