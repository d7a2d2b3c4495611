import FederationHTTP
import Foundation
import HTTPTypes
import Hummingbird
import RegistryStore

/// Finds out who asks, and lets in whoever may.
struct CallerGate: Sendable {
    let store: RegistryStore
    /// `nil` where no identity provider is configured.
    let identityProvider: IdentityProvider?

    /// The holder of the token in the `Authorization` header.
    ///
    /// - Throws: ``Problem`` when there is none, it is not valid, or its city is suspended.
    func caller(of request: Request) async throws -> RegistryStore.Caller {
        let caller = try await holder(of: request)
        if let city = caller.city, try await store.credentials(of: city)?.isSuspended ?? false {
            throw Problem.suspended(city)
        }
        return caller
    }

    private func holder(of request: Request) async throws -> RegistryStore.Caller {
        guard let token = request.bearerToken else { throw CallerGate.refusal }
        if IdentityProvider.isWebToken(token) {
            guard let identityProvider else { throw CallerGate.refusal }
            return try await identityProvider.identity(token: token).caller
        }
        guard let caller = try await store.caller(token: token, now: WallClock.now) else { throw CallerGate.refusal }
        return caller
    }

    /// Lets a caller of one of `roles` in; an auditor's question is itself logged before it is answered.
    ///
    /// - Parameter isLogged: `false` where `body` logs it, with what it reads.
    func admit(
        _ request: Request, _ roles: Set<RegistryStore.Role>, isLogged: Bool = true,
        _ body: (RegistryStore.Caller) async throws -> Response
    ) async throws -> Response {
        try await guarded {
            let caller = try await caller(of: request)
            try CallerGate.require(roles, caller)
            if isLogged { try await log(request, caller) }
            return try await body(caller)
        }
    }

    /// - Throws: ``Problem`` when the caller's role is not among `roles`.
    static func require(_ roles: Set<RegistryStore.Role>, _ caller: RegistryStore.Caller) throws {
        guard roles.contains(caller.role) else {
            let names = roles.map(\.rawValue).sorted().joined(separator: " or ")
            throw Problem(
                .forbidden, "role", "this needs a token of the role \(names); yours is of \(caller.role.rawValue)")
        }
    }

    /// Writes an auditor's question down, with what it is for: what the request says, or else what the token does.
    ///
    /// - Parameter parts: What was asked with it, a line of the log each.
    func log(_ request: Request, _ caller: RegistryStore.Caller, parts: [String] = [""]) async throws {
        guard caller.role == .auditor else { return }
        let stated = (request.headers[.queryPurpose]?.removingPercentEncoding ?? "").trimmingCharacters(
            in: .whitespacesAndNewlines)
        try await store.note(
            actor: "auditor \(caller.label)", action: "query",
            details: parts.map { request.uri.string + ($0.isEmpty ? "" : " \($0)") },
            purpose: stated.isEmpty ? caller.purpose : String(stated.prefix(500)), now: WallClock.now)
    }

    private static let refusal = Problem(
        .unauthorized, "token", "send a valid token: national-registry token create makes one")
}
