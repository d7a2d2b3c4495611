/// What cities are assumed to do, and what the machines around the registry can do.
struct Workload: Hashable, Sendable {
    /// Claims that a city files in a year.
    var claims_per_city = 120_000.0
    /// How long nothing is deleted.
    var years = 5.0
    /// The busiest hour has one part in so many of a year's claims. A year has some two thousand office hours.
    var busiest_hour = 200.0
    /// Hours like the busiest one that the busiest day has.
    var hours_of_busiest_day = 5.0
    /// What a claim is made of in the end: filed, requested, submitted, confirmed.
    var entries_per_claim = 4.0
    /// Entries that a city seals together.
    var entries_per_batch = 10.0
    /// How often a city asks for the feed while there is always something new.
    var feed_requests_per_second = 1.0
    /// Memory of the largest server that is bought, in gigabytes.
    var server_gigabytes = 512.0
    /// How fast a backup is copied back, in megabytes a second.
    var restore_megabytes_per_second = 200.0

    /// An assumption as the options and the page have it.
    struct Assumption: Sendable {
        /// The option's name.
        let name: String
        let text: String
        let value: @Sendable (Workload) -> Double
    }

    static let assumptions = [
        Assumption(name: "claims-per-city", text: "claims that a city files in a year") { $0.claims_per_city },
        Assumption(name: "years", text: "years of which everything is kept") { $0.years },
        Assumption(name: "busiest-hour", text: "the busiest hour has one part in so many of a year's claims") {
            $0.busiest_hour
        },
        Assumption(name: "hours-of-busiest-day", text: "hours like that one on the busiest day") {
            $0.hours_of_busiest_day
        },
        Assumption(
            name: "entries-per-claim", text: "entries of a claim in the end: filed, requested, submitted, confirmed"
        ) { $0.entries_per_claim },
        Assumption(name: "entries-per-batch", text: "entries that a city seals together") { $0.entries_per_batch },
        Assumption(
            name: "feed-requests-per-second",
            text: "how often a city asks for the feed while there is always something new"
        ) { $0.feed_requests_per_second },
        Assumption(name: "server-gigabytes", text: "gigabytes of memory of the largest server that is bought") {
            $0.server_gigabytes
        },
        Assumption(
            name: "restore-megabytes-per-second", text: "megabytes of a backup that are copied back in a second"
        ) { $0.restore_megabytes_per_second },
    ]
}
