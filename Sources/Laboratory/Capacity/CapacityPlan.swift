/// What a federation of so many cities needs, computed from what was measured on one machine.
///
/// Everything is a product of a figure and an assumption; nothing is rounded before it is printed. What is measured with
/// ten million claims is taken to hold for more, as far as the indexes that are written in no order are in memory.
struct CapacityPlan: Encodable {
    let cities: Double

    // The load.
    let claims_per_year: Double
    /// After all years of the workload, as everything below that is kept.
    let claims: Double
    let entries: Double
    let claims_per_second: Double
    let entries_per_second: Double

    // The registry.
    let registry_bytes: Double
    /// Of the one arbiter: above 1 it falls behind in the busiest hour.
    let arbiter_load: Double
    let deciding_cores: Double
    let feed_cores: Double
    /// Of the indexes that are written in no order.
    let scattered_bytes: Double
    /// A second in the busiest hour, where none of these are in memory.
    let scattered_reads_per_second: Double
    let process_bytes: Double
    /// Whose memory holds the scattered indexes, and the process beside them.
    let servers: Double
    let network_bits_per_second: Double
    let network_bytes_per_year: Double

    // One city.
    let city_bytes: Double
    let city_bits_per_second: Double

    // Until all works again, in seconds.
    let restore_seconds: Double
    let refill_seconds: Double
    let city_rebuild_seconds: Double

    init(cities: Double, _ figures: MeasuredFigures, _ workload: Workload) {
        self.cities = cities
        claims_per_year = cities * workload.claims_per_city
        claims = claims_per_year * workload.years
        entries = claims * workload.entries_per_claim
        claims_per_second = claims_per_year / workload.busiest_hour / 3_600
        entries_per_second = claims_per_second * workload.entries_per_claim

        // The filing, the request and the confirmation are measured whole; what else is said of a claim is log and feed.
        let others = max(0, workload.entries_per_claim - 3)
        let batches = workload.entries_per_claim / workload.entries_per_batch
        registry_bytes =
            claims
            * (figures[.bytesPerClaim] + figures[.bytesPerPayment] + others * figures[.logBytesPerEntry]
                + batches * figures[.bytesPerBatch])
        arbiter_load =
            claims_per_second / figures[.ingestClaimsPerSecond] + claims_per_second / figures[.paymentsPerSecond]
        deciding_cores = arbiter_load * figures[.cores]
        let requests = cities * min(workload.feed_requests_per_second, entries_per_second)
        feed_cores = requests * figures[.feedRequestMilliseconds] / 1_000
        scattered_bytes = claims * figures[.scatteredBytesPerClaim]
        scattered_reads_per_second = claims_per_second * figures[.scatteredPlacesPerClaim]
        process_bytes = figures[.registryMegabytes] * 1_000_000 * max(1, cities / 1_000)
        servers = ((scattered_bytes + process_bytes) / (workload.server_gigabytes * 1_000_000_000)).rounded(.up)
        network_bits_per_second = cities * entries_per_second * figures[.feedBytesPerEntry] * 8
        network_bytes_per_year =
            cities * claims_per_year * workload.entries_per_claim * figures[.feedBytesPerEntry]

        let own = workload.claims_per_city * workload.years * workload.entries_per_claim
        city_bytes = entries * figures[.cityBytesPerNationEntry] + own * figures[.cityBytesPerOwnEntry]
        city_bits_per_second = entries_per_second * figures[.feedBytesPerEntry] * 8

        restore_seconds = registry_bytes / (workload.restore_megabytes_per_second * 1_000_000)
        let lost = entries_per_second * 3_600 * workload.hours_of_busiest_day
        refill_seconds = lost / figures[.refillEntriesPerSecond]
        city_rebuild_seconds = entries / figures[.rebuildEntriesPerSecond]
    }
}
