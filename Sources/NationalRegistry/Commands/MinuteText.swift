/// Times in tables, where seconds would take the room of something that matters more.
enum MinuteText {
    /// - Parameter time: RFC 3339 in UTC, as documents have it.
    static func utc(_ time: String) -> String { "\(time.prefix(16))Z" }
}
