import Arbitration
import Failpoints
import FederationHTTP
import FederationWire
import Hummingbird
import Metrics
import NIOCore
import PostgresClient
import RegistryStore
import Replication
import VoucherDomain

/// The replication protocol over HTTP: join, hello, push, feed, log, check, and for a restored registry present and refill
/// (protocol page §4–§7).
struct SyncRoutes {
    let store: RegistryStore
    /// For checks, which may be of thousands of keys and must not keep the log and the feed from it.
    let checks: RegistryStore
    let gate: SignedRequestGate
    let bell: Bell
    let turns = CheckTurns()

    func add(to router: Router<BasicRequestContext>) {
        let group = router.group("v1/sync")
        group.post("join") { request, _ in try await noted(request) { try await join(request) } }
        group.post("hello") { request, _ in try await noted(request) { try await hello(request) } }
        group.post("push") { request, _ in try await noted(request) { try await push(request) } }
        group.post("log") { request, _ in try await noted(request) { try await log(request) } }
        group.post("present") { request, _ in try await noted(request) { try await present(request) } }
        group.post("refill") { request, _ in try await noted(request) { try await refill(request) } }
        group.post("check") { request, _ in try await noted(request) { try await check(request) } }
        group.post("feed") { request, _ in try await noted(request) { try await feed(request) } }
    }

    /// Runs a handler; what is refused, by whichever check, is noted in the audit log.
    private func noted(_ request: Request, _ body: () async throws -> Response) async throws -> Response {
        do {
            return try await guarded(body)
        } catch let problem as Problem {
            // A database that is away cannot take a note either.
            if problem.status.code < 500 { try await gate.note(problem, request) }
            throw problem
        }
    }

    private func join(_ request: Request) async throws -> Response {
        let format = try bodyFormat(request)
        let body = try await request.bytes(upTo: 64 << 10)
        let message: JoinRequest = try decode(body, format)
        // A join is signed with a key of its own: without a token it must cost nothing but a look-up.
        guard try await store.hasToken(message.secret, message.city) else {
            // The token may be among what was lost.
            try await store.requireOpen()
            throw RegistryRefusal(.tokenUnusable, "the join token is not known: ask the operator for a new one")
        }
        let signer = try gate.admit(request, body: body, key: message.publicKey)
        guard signer == message.city else { throw otherCity(signer) }
        return try answer(try await store.join(message, now: WallClock.now), format)
    }

    private func hello(_ request: Request) async throws -> Response {
        let (signer, body, format) = try await admitted(request, upTo: 64 << 10)
        let message: Hello = try decode(body, format)
        guard signer == message.city else { throw otherCity(signer) }
        return try answer(try await store.greet(message, now: WallClock.now), format)
    }

    private func push(_ request: Request) async throws -> Response {
        let (signer, body, format) = try await admitted(request, upTo: PushBatch.maximumBytes)
        Failpoint.reach(.batchReceived)
        let received = try await store.receive(try decode(body, format), from: signer, now: WallClock.now)
        for answer in received.answers {
            Counter(label: "national_registry.pushed_entries", dimensions: [("answer", answer.name)]).increment()
        }
        return try answer(received, format)
    }

    private func log(_ request: Request) async throws -> Response {
        let (signer, body, format) = try await admitted(request, upTo: 64 << 10)
        return try answer(try await store.ownLog(try decode(body, format), of: signer), format)
    }

    private func present(_ request: Request) async throws -> Response {
        let format = try bodyFormat(request)
        let (signer, message) = try await gate.admitPresenting(request, upTo: 64 << 10) { body in
            try decode(body, format) as Presentation
        }
        guard signer == message.city else { throw otherCity(signer) }
        return try answer(try await store.present(message, now: WallClock.now), format)
    }

    private func refill(_ request: Request) async throws -> Response {
        let (signer, body, format) = try await admitted(request, upTo: RefillPage.maximumBytes, givesBack: true)
        return try answer(try await store.refill(try decode(body, format), from: signer, now: WallClock.now), format)
    }

    private func feed(_ request: Request) async throws -> Response {
        let (signer, body, format) = try await admitted(request, upTo: 64 << 10)
        let message: FeedRequest = try decode(body, format)
        let generation = bell.generation
        var page = try await store.feed(message, city: signer, now: WallClock.now)
        if page.entries.isEmpty, message.wait > .zero {
            await bell.wait(after: generation, atMost: message.wait)
            page = try await store.feed(message, city: signer, now: WallClock.now, isFirst: false)
        }
        Failpoint.reach(.pageUnsent, when: !page.entries.isEmpty)
        return try answer(page, format)
    }

    /// What a city asks before it files, as JSON: `POST /v1/checks`, signed instead of with a token; one at a time.
    private func check(_ request: Request) async throws -> Response {
        guard try bodyFormat(request) == .json else {
            throw Problem(.unsupportedMediaType, "media-type", "send \(BodyFormat.json.contentType)")
        }
        let (signer, body, _) = try await admitted(request, upTo: CheckRequests.maximumBytes)
        let asked: CheckRequests
        let questions: [PreCheck]
        do throws(WireFault) {
            asked = try CheckRequests(json: body)
            questions = try asked.questions(askedBy: signer)
        } catch {
            throw Problem(.badRequest, "malformed", error.message)
        }
        guard questions.allSatisfy({ $0.city == signer }) else { throw otherCity(signer) }
        return try await turns.take(by: signer) {
            try JSONBody.response(
                CheckAnswers(try await RegistryQueries(store: checks).check(questions), to: asked))
        }
    }

    /// The signer is known before a byte of the body is read.
    private func admitted(
        _ request: Request, upTo limit: Int, givesBack: Bool = false
    ) async throws -> (CityCode, [UInt8], BodyFormat) {
        let format = try bodyFormat(request)
        let (city, body) = try await gate.admit(request, upTo: limit, givesBack: givesBack)
        return (city, body, format)
    }

    private func bodyFormat(_ request: Request) throws -> BodyFormat {
        guard let format = BodyFormat(contentType: request.headers[.contentType] ?? "") else {
            throw Problem(
                .unsupportedMediaType, "media-type",
                "send \(BodyFormat.protobuf.contentType) or \(BodyFormat.json.contentType)")
        }
        return format
    }

    private func decode<Message: SyncMessage>(_ body: [UInt8], _ format: BodyFormat) throws -> Message {
        do {
            return try Message(body, as: format)
        } catch {
            throw Problem(.badRequest, "malformed", error.message)
        }
    }

    private func answer(_ message: some SyncMessage, _ format: BodyFormat) throws -> Response {
        Response(
            status: .ok, headers: [.contentType: format.contentType],
            body: .init(byteBuffer: ByteBuffer(bytes: message.encoded(as: format))))
    }

    private func otherCity(_ signer: CityCode) -> Problem {
        Problem(.forbidden, "other-city", "the request names another city than \(signer), which signed it")
    }
}

/// Runs a handler and turns the store's refusals into problem documents.
func guarded(_ body: () async throws -> Response) async throws -> Response {
    do {
        return try await body()
    } catch let fault as PushReview.Fault {
        throw fault.problem
    } catch let fault as HelloReview.Fault {
        throw fault.problem
    } catch let refusal as RegistryRefusal {
        throw refusal.problem
    } catch let error as PostgresError where error.isConnectionLoss {
        throw Problem(.serviceUnavailable, "database", "the registry's database does not answer", retryAfter: 2)
    } catch let error as PostgresError where error.code == .diskFull {
        throw Problem(
            .init(code: 507, reasonPhrase: "Insufficient Storage"), "disk-full",
            "the registry's database has no space left", retryAfter: 60)
    } catch let error as PostgresError where error.code.rawValue == "22021" {
        throw Problem(.badRequest, "query", "a zero byte is no text")
    } catch let error as PostgresError where error.code == .queryCanceled {
        throw Problem(
            .serviceUnavailable, "too-long", "this takes too long to answer: ask for less, or export it", retryAfter: 60
        )
    }
}

extension PushReview.Fault {
    fileprivate var problem: Problem {
        switch self {
        case .suspended: Problem(.forbidden, kind, message)
        case .badSeal: Problem(.badRequest, kind, message)
        case .tooManyEntries: Problem(.contentTooLarge, kind, message)
        case .fenced, .outlived, .diverged, .ahead, .chain: Problem(.conflict, kind, message)
        }
    }
}

extension HelloReview.Fault {
    fileprivate var problem: Problem {
        switch self {
        case .suspended: Problem(.forbidden, kind, message)
        case .noCommonVersion: Problem(.upgradeRequired, kind, message)
        case .unpromised: Problem(.serviceUnavailable, kind, message, retryAfter: 2)
        case .staleEpoch, .diverged, .unknownFeedHead, .unknownEpoch, .grown: Problem(.conflict, kind, message)
        }
    }
}

extension RegistryRefusal {
    var problem: Problem {
        switch code {
        case .unknownCity: Problem(.unauthorized, code.kind, message)
        case .suspended, .tokenUnusable: Problem(.forbidden, code.kind, message)
        case .exists, .fenced, .diverged, .unknownFeedHead: Problem(.conflict, code.kind, message)
        case .notFound: Problem(.notFound, code.kind, message)
        case .recovering: Problem(.serviceUnavailable, code.kind, message, retryAfter: 2)
        default: Problem(.badRequest, code.kind, message)
        }
    }
}
