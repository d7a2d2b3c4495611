import Logging
import ServiceLifecycle

/// Asks an identity provider for its keys: at the start, every hour, when somebody wishes it, and again and again where it
/// does not answer.
struct ProviderWatch: Service {
    let provider: DiscoveredProvider
    let logger: Logger

    private static let pace = Duration.seconds(3_600)
    private static let shortestPause = Duration.seconds(5)
    private static let longestPause = Duration.seconds(60)

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var pause = ProviderWatch.shortestPause
            while !Task.isCancelled {
                // Taken before it is asked: a wish meanwhile is not missed.
                let wish = provider.wishes.generation
                var rest = ProviderWatch.pace
                do {
                    try await provider.ask()
                    pause = ProviderWatch.shortestPause
                } catch {
                    if !Task.isCancelled {
                        logger.warning(
                            "the identity provider's keys could not be fetched, trying again",
                            metadata: ["provider.issuer": "\(provider.connection.issuer)", "error": "\(error)"])
                    }
                    rest = pause
                    pause = min(pause * 2, ProviderWatch.longestPause)
                }
                await provider.wishes.wait(after: wish, atMost: rest)
            }
        }
        provider.close()
    }
}
