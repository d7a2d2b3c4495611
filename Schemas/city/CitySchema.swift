/// The city store's migrations, in order, embedded from the files beside this one.
package enum CitySchema {
    /// Each runs once, in one transaction; ids and texts never change after a release.
    package static var migrations: [(id: String, sql: String)] {
        [
            ("city_v001_create", text(PackageResources.city_v001_create_sql)),
            ("city_v002_cases", text(PackageResources.city_v002_cases_sql)),
            ("city_v003_payments", text(PackageResources.city_v003_payments_sql)),
            ("city_v004_automatic_cases", text(PackageResources.city_v004_automatic_cases_sql)),
            ("city_v005_restored", text(PackageResources.city_v005_restored_sql)),
            ("city_v006_promise", text(PackageResources.city_v006_promise_sql)),
            ("city_v007_unread", text(PackageResources.city_v007_unread_sql)),
            ("city_v008_late_entries", text(PackageResources.city_v008_late_entries_sql)),
            ("city_v009_claim_search", text(PackageResources.city_v009_claim_search_sql)),
            ("city_v010_bank_movements", text(PackageResources.city_v010_bank_movements_sql)),
            ("city_v011_key_expiry", text(PackageResources.city_v011_key_expiry_sql)),
            ("city_v012_recovery_evidence", text(PackageResources.city_v012_recovery_evidence_sql)),
            ("city_v013_branches", text(PackageResources.city_v013_branches_sql)),
        ]
    }

    /// The one that gives `claim` its `search_text`, which is filled from the claims.
    package static let claimSearch = "city_v009_claim_search"
    /// The one that makes `bank_movement`, which is filled from the log.
    package static let bankMovements = "city_v010_bank_movements"

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
