import JWTKit
import Synchronization

/// What an identity provider has said of itself, kept in memory.
///
/// One loop asks it (``ProviderWatch``). Whoever has a token with a key that is not known wishes it to be asked anew, and
/// waits for the answer.
final class DiscoveredProvider: Sendable {
    /// What it said last.
    struct Found: Sendable {
        let document: DiscoveryDocument
        let keys: KeySet
        let at = ContinuousClock.now
    }

    private struct State {
        var found: Found?
        /// Whether it is being asked or is to be asked at once, as when the loop begins.
        var isAsked = true
        /// When an unknown key last had it asked.
        var wishedAt: ContinuousClock.Instant?
    }

    /// What a look at the keys leads to.
    private enum Step { case take, wait, wish }

    let connection: ProviderConnection
    /// Rung when the provider is to be asked at once.
    let wishes = Bell()
    private let answers = Bell()
    private let state = Mutex(State())

    /// How long an unknown key has it asked no more: anybody can make a token that names one.
    private static let pause = Duration.seconds(60)
    /// Longer than two requests take.
    private static let longestWait = Duration.seconds(25)
    /// How long what it said stands while it does not answer: a key that it has taken back is known by nothing else.
    private static let longestUse = Duration.seconds(86_400)

    init(connection: ProviderConnection) { self.connection = connection }

    /// What it said last.
    ///
    /// - Throws: ``IdentityProvider/Failure`` before its first answer, and a day after its last.
    var found: Found {
        get throws {
            guard let found = state.withLock(\.found), found.at + DiscoveredProvider.longestUse > .now else {
                throw IdentityProvider.Failure(
                    description: "the keys of the identity provider are not known yet, since it has not answered: the "
                        + "server's log says why; tokens of national-registry token create are taken meanwhile")
            }
            return found
        }
    }

    /// The keys that a token may be signed with that names this one; none when the provider has no such key.
    ///
    /// - Throws: As ``found``.
    func keys(named id: String?) async throws -> [JWK] {
        // Taken before the look, so that an answer in between is not missed.
        let generation = answers.generation
        let step = state.withLock { state -> Step in
            let hasKey = state.found.map { !$0.keys.keys(named: id).isEmpty }
            if hasKey == true { return .take }
            if state.isAsked { return .wait }
            // Before its first answer the loop asks it again and again.
            if hasKey == nil { return .take }
            if let wishedAt = state.wishedAt, wishedAt + DiscoveredProvider.pause > .now { return .take }
            state.wishedAt = .now
            state.isAsked = true
            return .wish
        }
        if step == .wish { wishes.ring() }
        if step != .take { await answers.wait(after: generation, atMost: DiscoveredProvider.longestWait) }
        return try found.keys.keys(named: id)
    }

    /// Asks it; where that fails, what it said before stands.
    func ask() async throws {
        state.withLock { $0.isAsked = true }
        defer {
            state.withLock { $0.isAsked = false }
            answers.ring()
        }
        let document = try await connection.document()
        let keys = try await connection.keys(at: document.jwks_uri)
        state.withLock { $0.found = Found(document: document, keys: keys) }
    }

    /// Lets nobody wait any more: the server is shutting down.
    func close() { answers.close() }
}
