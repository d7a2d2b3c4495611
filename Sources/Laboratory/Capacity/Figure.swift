/// Something that was measured on one machine, and from which ``CapacityPlan`` computes what others need.
///
/// The raw values are the names in the file of figures.
enum Figure: String, CaseIterable {
    case cores
    case ingestClaimsPerSecond = "ingest_claims_per_second"
    case paymentsPerSecond = "payments_per_second"
    case bytesPerClaim = "bytes_per_claim"
    case bytesPerPayment = "bytes_per_payment"
    case bytesPerBatch = "bytes_per_batch"
    case logBytesPerEntry = "log_bytes_per_entry"
    case feedBytesPerEntry = "feed_bytes_per_entry"
    case scatteredBytesPerClaim = "scattered_bytes_per_claim"
    case scatteredPlacesPerClaim = "scattered_places_per_claim"
    case feedRequestMilliseconds = "feed_request_core_ms"
    case registryMegabytes = "registry_megabytes_per_thousand_cities"
    case refillEntriesPerSecond = "refill_entries_per_second"
    case rebuildEntriesPerSecond = "rebuild_entries_per_second"
    case cityBytesPerOwnEntry = "city_bytes_per_own_entry"
    case cityBytesPerNationEntry = "city_bytes_per_nation_entry"

    /// What it says, with its unit.
    var meaning: String {
        switch self {
        case .cores: "cores of the machine that the rates are of, PostgreSQL and everything else on it"
        case .ingestClaimsPerSecond: "claims that a registry with ten million of them takes in and decides in a second"
        case .paymentsPerSecond: "payments requested, authorised and confirmed in a second"
        case .bytesPerClaim: "bytes of the registry's tables and indexes for a claim that is not paid yet"
        case .bytesPerPayment: "bytes that its request, authorisation and confirmation add"
        case .bytesPerBatch: "bytes of a sealed batch with its receipt, whatever it holds"
        case .logBytesPerEntry: "bytes of the registry's log and feed for one more entry of any kind"
        case .feedBytesPerEntry: "bytes of the feed that each city reads for an entry"
        case .scatteredBytesPerClaim: "bytes a claim of those indexes that are written in no order"
        case .scatteredPlacesPerClaim: "places in those indexes that a claim is written to"
        case .feedRequestMilliseconds: "milliseconds of a core for a city's request for the feed, over TLS"
        case .registryMegabytes: "megabytes of the registry's process while a thousand cities come back"
        case .refillEntriesPerSecond: "lost entries that a restored registry takes back and decides again in a second"
        case .rebuildEntriesPerSecond: "entries of the feed that a city's new store takes in within a second"
        case .cityBytesPerOwnEntry: "bytes of a city's store for an entry of its own"
        case .cityBytesPerNationEntry: "bytes of a city's store for an entry of any city: feed and key index"
        }
    }
}
