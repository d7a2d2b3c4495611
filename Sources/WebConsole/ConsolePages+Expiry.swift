package import VoucherDomain

extension ConsolePages {
    /// What a page shows of a key or a certificate: the day in China, whether it is near, and the level of that (`good`,
    /// `warn` or `bad`).
    package func shown(
        _ expiry: Expiry, now: UInt64, in language: Language
    ) -> (day: String, words: String, level: String) {
        let stage = expiry.stage(now: now)
        let level =
            switch stage {
            case .current: "good"
            case .ending: "warn"
            case .over: "bad"
            }
        return (expiry.day.iso8601, phrases.text("expiry_\(stage.rawValue)", in: language), level)
    }
}
