/// The registry's migrations, in order, embedded from the files beside this one.
package enum RegistrySchema {
    /// Each runs once, in one transaction; ids and texts never change after a release.
    package static var migrations: [(id: String, sql: String)] {
        [
            ("registry_v001_create", text(PackageResources.registry_v001_create_sql)),
            ("registry_v002_rule_book", text(PackageResources.registry_v002_rule_book_sql)),
            ("registry_v003_payments", text(PackageResources.registry_v003_payments_sql)),
            ("registry_v004_scheduled_policies", text(PackageResources.registry_v004_scheduled_policies_sql)),
            ("registry_v005_payment_bars", text(PackageResources.registry_v005_payment_bars_sql)),
            ("registry_v006_automatic_cases", text(PackageResources.registry_v006_automatic_cases_sql)),
            ("registry_v007_guarded_keys", text(PackageResources.registry_v007_guarded_keys_sql)),
            ("registry_v008_recovery", text(PackageResources.registry_v008_recovery_sql)),
            ("registry_v009_recovery_tail", text(PackageResources.registry_v009_recovery_tail_sql)),
            ("registry_v010_unread_entries", text(PackageResources.registry_v010_unread_entries_sql)),
            ("registry_v011_recovery_trust", text(PackageResources.registry_v011_recovery_trust_sql)),
            ("registry_v012_named_epochs", text(PackageResources.registry_v012_named_epochs_sql)),
            ("registry_v013_fold_watch", text(PackageResources.registry_v013_fold_watch_sql)),
            ("registry_v014_questions", text(PackageResources.registry_v014_questions_sql)),
            ("registry_v015_console_sessions", text(PackageResources.registry_v015_console_sessions_sql)),
            ("registry_v016_question_pages", text(PackageResources.registry_v016_question_pages_sql)),
            ("registry_v017_periods_and_pairs", text(PackageResources.registry_v017_periods_and_pairs_sql)),
            ("registry_v018_applied_letters", text(PackageResources.registry_v018_applied_letters_sql)),
            ("registry_v019_question_indexes", text(PackageResources.registry_v019_question_indexes_sql)),
            ("registry_v020_untold_cases", text(PackageResources.registry_v020_untold_cases_sql)),
            ("registry_v021_reports", text(PackageResources.registry_v021_reports_sql)),
            ("registry_v022_key_lifetime", text(PackageResources.registry_v022_key_lifetime_sql)),
            ("registry_v023_known_timeline", text(PackageResources.registry_v023_known_timeline_sql)),
            ("registry_v024_storage", text(PackageResources.registry_v024_storage_sql)),
            ("registry_v026_shown_members", text(PackageResources.registry_v026_shown_members_sql)),
            ("registry_v027_branches", text(PackageResources.registry_v027_branches_sql)),
            ("registry_v028_case_amounts", text(PackageResources.registry_v028_case_amounts_sql)),
            ("registry_v029_frozen_payments", text(PackageResources.registry_v029_frozen_payments_sql)),
        ]
    }

    /// The one that makes `member`, which is filled from the journal.
    package static let members = "registry_v003_payments"
    /// The one that makes `claim_history` and `party_name`, which are filled from the journal.
    package static let history = "registry_v014_questions"
    /// The one that gives `case_event` its deadlines, which are filled from the journal.
    package static let questionPages = "registry_v016_question_pages"
    /// The one that gives `red_letter` the mark of what was applied, which is filled from the journal.
    package static let appliedLetters = "registry_v018_applied_letters"
    /// The last one that makes a table of what is kept for pages and reports, all of which are filled from the claims.
    package static let reports = "registry_v021_reports"
    /// The one that gives `city` the dates of keys, which are filled from the registry's own log.
    package static let keyLifetime = "registry_v022_key_lifetime"

    private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
