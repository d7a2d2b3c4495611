import HTTPTypes
package import Hummingbird

extension ConsolePages {
    /// Answers a form that came without a session: asks for a token, and keeps what was typed.
    ///
    /// 401, as where a token is refused: whoever signs in can send the same once more (RFC 9110 §15.5.2). 403 remains
    /// for what no signing in helps: a form of another site or of another session, or somebody who may not act.
    ///
    /// - Parameter limit: The most bytes that a form has there.
    /// - Throws: `Problem` when another site sent it, or it is over the limit or no form.
    package func login(keeping request: Request, upTo limit: Int, asksPurpose: Bool) async throws -> Response {
        try SessionKeeper.requireOwnSite(request)
        let kept = KeptForm(try await ConsoleForm(request, upTo: limit), sentTo: request.uri.path)
        var frame = Frame(request, session: nil, person: "")
        // The address is where a form is sent to: there is no page in another language.
        frame.maySwitchLanguage = false
        let fault = phrases.text(kept == nil ? "sessionOver" : "sessionOverKept", in: frame.language)
        return try login(frame, next: "/console", asksPurpose: asksPurpose, kept: kept, fault: fault)
    }

    /// Answers a login that was right: leads to the page that was asked for, or shows what was typed before, to be sent
    /// or dropped. Nothing is sent by itself.
    ///
    /// - Parameters:
    ///   - frame: With the session that has begun.
    ///   - cookie: The `Set-Cookie` field of that session; `nil` where the browser has it already.
    package func signedIn(_ frame: Frame, next: String, kept: KeptForm?, cookie: String?) throws -> Response {
        guard let kept else { return ConsolePages.redirect(to: next, cookie: cookie) }
        var response = try confirmation(of: kept, frame, status: .ok)
        if let cookie { response.headers[values: .setCookie] = [cookie] }
        return response
    }

    /// Answers a form of our own that was made in an earlier session, while somebody signed in anew beside it: shows what
    /// was typed, to be sent in the present session or dropped.
    ///
    /// - Returns: `nil` for a form of the present session, which may be done.
    /// - Throws: `Problem` when another site sent it, or it is no form of ours.
    package func confirmation(
        of form: ConsoleForm, _ request: Request, _ session: ConsoleSession, _ sessions: SessionKeeper, _ frame: Frame
    ) throws -> Response? {
        let token = form.text("form_token")
        if !sessions.isOf(session, token: token), token != nil, let kept = KeptForm(form, sentTo: request.uri.path) {
            try SessionKeeper.requireOwnSite(request)
            return try confirmation(of: kept, frame, status: .forbidden)
        }
        try sessions.requireOwn(request, session, token: token)
        return nil
    }

    private func confirmation(
        of kept: KeptForm, _ frame: Frame, status: HTTPResponse.Status
    ) throws -> Response {
        var frame = frame
        // It answers a form, which is not to be looked up again.
        frame.isLive = false
        frame.maySwitchLanguage = false
        return try page(
            "kept", title: "keptTitle", frame,
            [
                "path": kept.path,
                "fields": kept.fields.map { field -> [String: String] in
                    let (label, words) = shown(field, in: frame.language)
                    return ["label": label, "words": words, "name": field.name, "value": field.value]
                },
            ], status: status)
    }

    /// What the forms of both consoles call a field that they name by a phrase of another key than its name.
    private static let labels = ["again": "exportAgain", "document": "policyDocument"]

    /// What begins the name of a field that says what becomes of a claim; the claim's name is the rest.
    private static let claimPrefix = "claim:"

    /// The phrases of what can be chosen, by field, where their keys are not made of the field's name and the value.
    private static let choices = [
        "act": ["check": "checkFirst", "file": "fileClaim"], "again": ["1": "yes"],
        claimPrefix: ["keep": "keep", "out": "ruleOut"],
    ]

    /// The fields of which one value of several is chosen. Of all others the value is what was typed.
    private static let chosen: Set = ["answer", "code", "failure"]

    /// A field as its form shows it: what it is called there, and the words of what was chosen.
    ///
    /// - Returns: Name and value as they came, where no form of this console has such a field or such a choice.
    private func shown(_ field: KeptForm.Field, in language: Language) -> (label: String, words: String) {
        func phrase(_ key: String?) -> String? { key.flatMap { phrases.known($0, in: language) } }
        let (name, value) = (field.name, field.value)
        if name.hasPrefix(ConsolePages.claimPrefix) {
            let claim = String(name.dropFirst(ConsolePages.claimPrefix.count))
            return (claim, phrase(ConsolePages.choices[ConsolePages.claimPrefix]?[value]) ?? value)
        }
        let label = phrase(ConsolePages.labels[name]) ?? phrase("field_\(name)") ?? phrase(name) ?? name
        let choice = ConsolePages.chosen.contains(name) ? "\(name)_\(value)" : ConsolePages.choices[name]?[value]
        return (label, phrase(choice) ?? value)
    }
}
