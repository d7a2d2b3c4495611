import FederationHTTP
import FederationWire
import HTTPTypes
package import Hummingbird
import Metrics
package import RegistryStore
package import Replication
import Synchronization
package import VoucherDomain

/// Lets in the requests that an enrolled city signed, once, within the window (protocol page §3).
package final class SignedRequestGate: Sendable {
    private let store: RegistryStore
    private let baseURL: String
    private struct Seen {
        var nonces: [String: Int64] = [:]
        var nextSweep: Int64 = 0
        /// Notes of the current minute, by who has asked.
        var notes: [String: Int] = [:]
        /// Names that were claimed in the current minute, and whether such a city has joined.
        var names: [CityCode: Bool] = [:]
        private var minute: Int64 = 0

        /// Begins to count anew with every minute.
        mutating func turn(to now: Int64) {
            if minute != now { (minute, notes, names) = (now, [:], [:]) }
        }
    }
    private let seen = Mutex(Seen())

    /// - Parameter baseURL: The advertised URL; a gateway may call this server by another name.
    package init(store: RegistryStore, baseURL: String) {
        self.store = store
        self.baseURL = baseURL
    }

    /// The city that signed the request, and the request's body. Of a stranger's request not a byte of it is read.
    ///
    /// - Parameters:
    ///   - limit: The most bytes that the body may have.
    ///   - givesBack: Whether the request is to give back what a restored registry has lost.
    /// - Throws: ``Problem``, 401 or 403 where the city is not let in.
    package func admit(
        _ request: Request, upTo limit: Int, givesBack: Bool = false
    ) async throws -> (city: CityCode, body: [UInt8]) {
        let head = try SignedHead(request)
        try verify(head, of: request, by: try await registeredKey(head.city, givesBack))
        let body = try await request.bytes(upTo: limit)
        try take(head, with: body)
        return (head.city, body)
    }

    /// What the city that signed the request presents. It is heard under a key that the registry does not know, too, where it
    /// shows the registry's own word that it joined with it: that may be among what was lost.
    ///
    /// - Parameters:
    ///   - limit: The most bytes that the body may have.
    ///   - read: What a body says.
    func admitPresenting(
        _ request: Request, upTo limit: Int, _ read: ([UInt8]) throws -> Presentation
    ) async throws -> (city: CityCode, presentation: Presentation) {
        let head = try SignedHead(request)
        do {
            try verify(head, of: request, by: try await registeredKey(head.city, true))
        } catch let refusal where SignedRequestGate.isOfUnknownKey(refusal) {
            let body = try await request.bytes(upTo: limit)
            guard let presentation = try? read(body),
                try await isMember(head, of: request, body, presentation.membership)
            else { throw refusal }
            return (head.city, presentation)
        }
        let body = try await request.bytes(upTo: limit)
        try take(head, with: body)
        return (head.city, try read(body))
    }

    private static func isOfUnknownKey(_ refusal: any Error) -> Bool {
        switch refusal {
        case let problem as Problem: ["signature", "unknown-city"].contains(problem.kind)
        case let refusal as RegistryRefusal: refusal.code == .recovering
        default: false
        }
    }

    /// Whether the registry has signed that the city joined with the key that the request is signed by, and hears it under
    /// that.
    private func isMember(
        _ head: SignedHead, of request: Request, _ body: [UInt8], _ signed: SignedBytes?
    ) async throws -> Bool {
        guard let signed, let member = try? Membership(signed, by: store.secrets.signingKey.publicKey),
            member.city == head.city
        else { return false }
        try verify(head, of: request, by: member.publicKey)
        // Before anything is read or noted: what was sent once costs that once.
        try take(head, with: body)
        let meeting = try await store.meet(member, now: WallClock.now)
        if meeting == .lost(isNews: true) { Counter(label: "national_registry.lost_city_alarms").increment() }
        return meeting == .heard
    }

    /// The city that signed the request, with a key that its body names.
    package func admit(_ request: Request, body: [UInt8], key: PublicKey) throws -> CityCode {
        let head = try SignedHead(request)
        try verify(head, of: request, by: key)
        try take(head, with: body)
        return head.city
    }

    /// What the header fields say, within the window.
    private struct SignedHead {
        let city: CityCode
        let signature: RequestSignature
        let fields: RequestSignature.Fields

        init(_ request: Request) throws {
            guard let digest = request.headers[.contentDigest], let input = request.headers[.signatureInput],
                let value = request.headers[.signature]
            else {
                throw Problem(.unauthorized, "signature", "the request is not signed: see the protocol page, section 3")
            }
            do { signature = try RequestSignature(signatureInput: input) } catch {
                throw Problem(.unauthorized, "signature", error.message)
            }
            let now = Int64(WallClock.now / 1_000)
            guard abs(signature.created - now) <= RequestSignature.window else {
                throw Problem(
                    .unauthorized, "clock",
                    "clock wrong: the request is dated \(signature.created - now) s from the registry's clock")
            }
            guard let city = CityCode(signature.keyID) else {
                throw Problem(.unauthorized, "signature", "keyid is a city code")
            }
            self.city = city
            fields = RequestSignature.Fields(contentDigest: digest, signatureInput: input, signature: value)
        }
    }

    private func verify(_ head: SignedHead, of request: Request, by key: PublicKey) throws {
        let isValid = targets(request).contains { target in
            head.signature.isValid(head.fields, method: request.method.rawValue, targetURI: target, key: key)
        }
        guard isValid else { throw SignedRequestGate.misfit(head) }
    }

    private func take(_ head: SignedHead, with body: [UInt8]) throws {
        guard head.fields.fit(body) else { throw SignedRequestGate.misfit(head) }
        guard take("\(head.city)/\(head.signature.nonce)", now: Int64(WallClock.now / 1_000)) else {
            throw Problem(.unauthorized, "replay", "the request was received before")
        }
    }

    private static func misfit(_ head: SignedHead) -> Problem {
        Problem(.unauthorized, "signature", "the signature does not fit the request and city \(head.city)'s key")
    }

    private func registeredKey(_ city: CityCode, _ givesBack: Bool) async throws -> PublicKey {
        if givesBack, let shown = try await store.shownKey(of: city) { return shown }
        guard let credentials = try await store.credentials(of: city), city != .registry else {
            // What let the city join may be among what was lost.
            try await store.requireOpen()
            throw Problem(.unauthorized, "unknown-city", "city \(city) has not joined")
        }
        guard credentials.isSuspended else { return credentials.key }
        // It may have been suspended in the time that was lost, and filed before that.
        let isAwaited = givesBack ? try await store.isRecovering() : false
        if !isAwaited {
            try await store.requireOpen()
            throw Problem.suspended(city)
        }
        return credentials.key
    }

    /// The URIs that the request may have been signed for: ours as advertised, or as the client called us.
    private func targets(_ request: Request) -> [String] {
        let path = request.uri.string
        let called = request.head.authority.map { "https://\($0)\(path)" }
        return [baseURL + path] + (called.map { [$0] } ?? [])
    }

    /// Whether the nonce is new; it is remembered for as long as its request could pass the window.
    private func take(_ nonce: String, now: Int64) -> Bool {
        seen.withLock { seen in
            if now >= seen.nextSweep {
                seen.nonces = seen.nonces.filter { $0.value + 2 * RequestSignature.window >= now }
                seen.nextSweep = now + 60
            }
            return seen.nonces.updateValue(now, forKey: nonce) == nil
        }
    }

    /// Notes a refusal in the audit log: at most 60 a minute for each city that has joined, and as many for everybody else
    /// together, so that a flood of bad requests can neither fill the log nor hide those of a city.
    func note(_ problem: Problem, _ request: Request) async throws {
        let now = WallClock.now
        let minute = Int64(now / 60_000)
        let claimed = request.headers[.signatureInput].flatMap { try? RequestSignature(signatureInput: $0) }?.keyID
        var actor = "unsigned"
        if let city = claimed.flatMap({ CityCode($0) }), try await hasJoined(city, minute) { actor = city.description }
        let isAllowed = seen.withLock { [actor] seen in
            seen.turn(to: minute)
            seen.notes[actor, default: 0] += 1
            return seen.notes[actor, default: 0] <= 60
        }
        guard isAllowed else { return }
        try await store.note(
            actor: actor, action: "refused \(problem.kind)",
            detail: "\(request.method) \(request.uri.path): \(problem.detail)", now: now)
    }

    /// The most names that are looked up in a minute: strangers must not keep the database busy.
    private static let mostNames = 200

    private func hasJoined(_ city: CityCode, _ minute: Int64) async throws -> Bool {
        let known: Bool? = seen.withLock { seen in
            seen.turn(to: minute)
            return seen.names[city] ?? (seen.names.count < SignedRequestGate.mostNames ? nil : false)
        }
        if let known { return known }
        let hasJoined = try await store.credentials(of: city) != nil
        seen.withLock { $0.names[city] = hasJoined }
        return hasJoined
    }
}

extension Problem {
    static func suspended(_ city: CityCode) -> Problem {
        Problem(.forbidden, "suspended", "city \(city) is suspended: ask the registry's operator")
    }
}

extension HTTPField.Name {
    static let contentDigest = HTTPField.Name("Content-Digest").unsafelyUnwrapped
    static let signatureInput = HTTPField.Name("Signature-Input").unsafelyUnwrapped
    static let signature = HTTPField.Name("Signature").unsafelyUnwrapped
}
