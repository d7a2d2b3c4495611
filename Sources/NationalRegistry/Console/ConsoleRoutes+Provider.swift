import FederationHTTP
import HTTPTypes
import Hummingbird
import RegistryStore
import WebConsole

/// The way in by the identity provider's own page (OpenID Connect Core 1.0, §3.1).
extension ConsoleRoutes {
    func add(_ door: ProviderDoor, to router: Router<BasicRequestContext>) {
        router.get(RouterPath(ProviderDoor.path)) { request, _ in
            try await shown(request, session: nil) { try leave(request, by: door) }
        }
        router.get(RouterPath(ProviderDoor.returnPath)) { request, _ in
            try await shown(request, session: nil) { try await arrive(request, by: door) }
        }
    }

    /// Sends the browser to the provider.
    private func leave(_ request: Request, by door: ProviderDoor) throws -> Response {
        // Where the provider knows them already nobody is asked: another site would sign people in, and have them go on to
        // any of our pages.
        try SessionKeeper.requireOwnSite(request)
        let signIn = ProviderSignIn(next: request.text("next") ?? "/console")
        do {
            var response = Response(status: .seeOther, headers: [.location: try door.address(of: signIn)])
            response.headers[values: .setCookie] = [signIn.cookie]
            SafetyHeaders.add(to: &response)
            return response
        } catch let failure as IdentityProvider.Failure { throw failure.problem }
    }

    /// Lets in whoever comes back with the provider's word for them.
    private func arrive(_ request: Request, by door: ProviderDoor) async throws -> Response {
        var frame = ConsolePages.Frame(request, session: nil, person: "")
        // The address is good for once.
        frame.maySwitchLanguage = false
        let signIn = ProviderSignIn(request)
        let next = signIn?.next ?? "/console"
        func refused(
            _ fault: String, _ status: HTTPResponse.Status = .unauthorized, token: String? = nil
        ) throws -> Response {
            var response = try pages.login(
                frame, next: next, asksPurpose: true, token: token, fault: fault, status: status)
            response.headers[values: .setCookie] = [ProviderSignIn.end]
            return response
        }
        let token: String
        let found: Person?
        do {
            guard let signIn, let given = try await door.token(in: request, of: signIn) else {
                return try refused(pages.phrases.text("providerFault", in: frame.language))
            }
            token = given
            found = try await person(vouchedForBy: given, nonce: signIn.nonce)
        } catch let failure as IdentityProvider.Failure {
            return try refused(pages.said(failure.description, in: frame.language), failure.problem.status)
        } catch let problem as Problem {
            if problem.status == .forbidden { try await noteRefusal() }
            return try refused(pages.said(problem.detail, in: frame.language), problem.status)
        }
        guard let somebody = found, somebody.caller.role != .city else {
            try await noteRefusal()
            return try refused(pages.phrases.text("loginFault", in: frame.language))
        }
        let purpose = String(somebody.caller.purpose.prefix(200))
        if somebody.caller.role == .auditor, purpose.isEmpty {
            return try refused(pages.phrases.text("purposeFault", in: frame.language), token: token)
        }
        let (session, cookie) = try await begin(somebody, token: token, purpose: purpose)
        return try pages.arrived(
            ConsolePages.Frame(request, session: session, person: somebody.caller.label), next: next,
            cookies: [cookie, ProviderSignIn.end])
    }
}
