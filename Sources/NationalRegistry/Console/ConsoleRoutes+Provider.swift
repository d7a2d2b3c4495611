import FederationHTTP
import HTTPTypes
import Hummingbird
import RegistryStore
import WebConsole

/// The way in by the identity provider's own page (OpenID Connect Core 1.0, §3.1).
extension ConsoleRoutes {
    func add(_ door: ProviderDoor, to router: Router<BasicRequestContext>) {
        router.get(RouterPath(ProviderDoor.path)) { request, _ in
            try await shown(request, session: nil) { _ in try leave(request, by: door) }
        }
        router.get(RouterPath(ProviderDoor.returnPath)) { request, _ in
            try await shown(request, session: nil) { _ in try await arrive(request, by: door) }
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
        do {
            guard let signIn, let token = try await token(in: request, of: signIn, by: door, frame.language) else {
                throw NotAdmitted(fault: pages.phrases.text("providerFault", in: frame.language))
            }
            let (session, person, cookie) = try await admit(token, purpose: nil, in: frame.language) {
                try await self.person(vouchedForBy: $0, nonce: signIn.nonce)
            }
            return try pages.arrived(
                ConsolePages.Frame(request, session: session, person: person), next: next,
                cookies: [cookie, ProviderSignIn.end])
        } catch let refusal as NotAdmitted {
            var response = try pages.login(
                frame, next: next, asksPurpose: true, token: refusal.token, fault: refusal.fault,
                status: refusal.status)
            response.headers[values: .setCookie] = [ProviderSignIn.end]
            return response
        }
    }

    /// What the provider gives for somebody who comes back; `nil` when it is no way back from this sign-in.
    private func token(
        in request: Request, of signIn: ProviderSignIn, by door: ProviderDoor, _ language: Language
    ) async throws -> String? {
        do { return try await door.token(in: request, of: signIn) } catch let failure as IdentityProvider.Failure {
            throw NotAdmitted(
                fault: pages.said(failure.description, in: language), status: failure.problem.status)
        }
    }
}
