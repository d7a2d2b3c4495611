import PostgresClient
import TestSupport
import Testing

@Suite("Notifications", .database)
struct NotificationTests {
    private let database = TestDatabase.current

    /// Long enough for any machine; nothing waits that long unless a test fails.
    private static let patience: Int32 = 60_000

    private func listener() async throws -> PostgresConnection {
        let connection = database.pool.dedicated()
        try await connection.run { try $0.run(script: "LISTEN news") }.get()
        return connection
    }

    private func hasNews(_ listener: PostgresConnection, within milliseconds: Int32) async throws -> Bool {
        try await listener.run { try $0.waitForNotification(milliseconds: milliseconds) }.get()
    }

    /// A round trip on the listener's own connection, after which whatever was sent before has arrived.
    private func roundTrip(_ listener: PostgresConnection) async throws {
        try await listener.run { _ = try $0.execute("SELECT 1") }.get()
    }

    @Test("a listener that waits is woken by a notification from another connection")
    func woken() async throws {
        let listener = try await listener()
        async let isWoken = hasNews(listener, within: Self.patience)
        try await database.pool.run { try $0.run(script: "NOTIFY news") }

        #expect(try await isWoken)
    }

    @Test("without a notification the wait is over when its time is")
    func timeOut() async throws {
        let listener = try await listener()

        #expect(try await hasNews(listener, within: 1) == false)
    }

    @Test("a notification that came with another answer is not lost")
    func betweenStatements() async throws {
        let listener = try await listener()
        try await database.pool.run { try $0.run(script: "NOTIFY news") }
        try await roundTrip(listener)

        #expect(try await hasNews(listener, within: 0))
    }

    @Test("all notifications that have come are taken at once")
    func takenTogether() async throws {
        let listener = try await listener()
        for number in 1...3 { try await database.pool.run { try $0.run(script: "NOTIFY news, '\(number)'") } }
        try await roundTrip(listener)

        #expect(try await hasNews(listener, within: 0))
        #expect(try await hasNews(listener, within: 0) == false)
    }

    @Test("a notification comes with the commit and not with a transaction that was rolled back")
    func transactional() async throws {
        struct Stop: Error {}
        let listener = try await listener()
        await #expect(throws: Stop.self) {
            try await database.pool.transaction { session in
                try session.run(script: "NOTIFY news")
                throw Stop()
            }
        }
        try await roundTrip(listener)
        #expect(try await hasNews(listener, within: 0) == false)

        try await database.pool.transaction { try $0.run(script: "NOTIFY news") }
        #expect(try await hasNews(listener, within: Self.patience))
    }

    @Test("another channel's notification wakes nobody")
    func otherChannel() async throws {
        let listener = try await listener()
        try await database.pool.run { try $0.run(script: "NOTIFY weather") }
        try await roundTrip(listener)

        #expect(try await hasNews(listener, within: 0) == false)
    }

    @Test("a listener whose connection is killed hears of the loss")
    func lost() async throws {
        let listener = try await listener()
        let backend = try await listener.run { try $0.execute("SELECT pg_backend_pid()").int(0, 0) }.get()
        try await database.terminate(backend)

        // The server's last words may count as one wait without a notification.
        let error = await #expect(throws: PostgresError.self) {
            for _ in 0..<3 { _ = try await hasNews(listener, within: Self.patience) }
        }
        #expect(error?.isConnectionLoss == true)
    }
}
