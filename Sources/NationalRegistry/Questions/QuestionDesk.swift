import HTTPTypes
import Hummingbird
import Logging
import PostgresClient
import RegistryStore
import Replication
import VoucherDomain

/// Where questions are answered: at the replica while there is one that is fit for them, else at the primary.
///
/// One request is answered by one database, and says up to which entry of the feed that one had come; only an export asks
/// for each of its pages anew. The primary has the last word: what the replica fails at or refuses is asked of the primary
/// again. The replica may be away, may have given a statement up to keep up, or may not have yet what is asked for, such as
/// what a page is to go on from. Only what took too long is not tried twice.
struct QuestionDesk: Sendable {
    let primary: RegistryStore
    /// `nil` where there is none.
    let replica: Replica?
    private let logger: Logger

    init(primary: RegistryStore, replica: Replica?, logger: Logger) {
        self.primary = primary
        self.replica = replica
        self.logger = logger
    }

    /// Asks one database.
    ///
    /// - Parameters:
    ///   - ofPrimary: Whether it is about what only the primary has as of now.
    ///   - body: Only reads; it is run once more at the primary where the replica fails, or is behind what it expects.
    func ask<Value>(
        ofPrimary: Bool = false, _ body: (RegistryQueries) async throws -> Value
    ) async throws -> Value {
        if !ofPrimary, let replica, replica.isFit {
            do {
                let seen = try await replica.store.feedHead()
                return try await body(
                    RegistryQueries(store: replica.store, seen: seen, isReplica: true, desk: self))
            } catch let error as CancellationError {
                throw error
            } catch let error as PostgresError where error.isInterruption {
                throw error
            } catch {
                note(error, of: replica)
            }
        }
        return try await body(RegistryQueries(store: primary, seen: try await primary.feedHead(), desk: self))
    }

    /// Takes note of why the primary is asked in the replica's place. What the replica has not, or says is wrong, the primary may
    /// know better: that is no failure.
    private func note(_ error: any Error, of replica: Replica) {
        if let error = error as? PostgresError {
            logger.warning("the replica did not answer, the primary is asked", metadata: ["error": "\(error)"])
            if error.isConnectionLoss { replica.noteFailure(.unfit("\(error)"), logger) }
        } else if let error = error as? ForeignDatabase {
            replica.noteFailure(.foreign(error.message), logger)
        }
    }

    /// Answers a request, with the feed's end that the database had when it was asked.
    func answer(
        ofPrimary: Bool = false, _ body: (RegistryQueries) async throws -> Response
    ) async throws -> Response {
        try await ask(ofPrimary: ofPrimary) { queries in
            var response = try await body(queries)
            if let seen = queries.seen { response.headers[.feedHead] = seen.field }
            return response
        }
    }
}

extension FeedHead {
    /// As a header field: a dictionary (RFC 8941 §3.2).
    fileprivate var field: String {
        "incarnation=\(incarnation), position=\(position), hash=\"\(hash.rawValue.hexadecimal)\""
    }
}

extension HTTPField.Name {
    /// Up to which entry of the feed the database had come that an answer is from; the answer may know more.
    static let feedHead = HTTPField.Name("Feed-Head").unsafelyUnwrapped
}
