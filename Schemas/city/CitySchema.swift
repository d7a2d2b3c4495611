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
        ]
    }

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
