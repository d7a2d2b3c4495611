import PostgresClient
package import RegistryStore
import ServiceLifecycle

/// Rings the bell when any process on the database has extended the feed.
package struct FeedListener: Service {
    private let store: RegistryStore
    private let bell: Bell

    package init(store: RegistryStore, bell: Bell) {
        self.store = store
        self.bell = bell
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            while !Task.isCancelled {
                let connection = store.pool.dedicated()
                do {
                    try await connection.run { try $0.run(script: "LISTEN \(RegistryStore.feedChannel)") }.get()
                    // What was written before now was not heard.
                    bell.ring()
                    while !Task.isCancelled {
                        if try await connection.run({ try $0.waitForNotification(milliseconds: 500) }).get() {
                            bell.ring()
                        }
                    }
                } catch {
                    // The database is away; the arbiter reports it. Readers fall back to their own time-outs.
                    try? await Task.sleep(for: .milliseconds(500))
                }
            }
        }
        bell.close()
    }
}
