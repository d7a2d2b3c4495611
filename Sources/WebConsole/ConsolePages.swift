import Crypto
package import FederationHTTP
import Foundation
package import HTTPTypes
package import Hummingbird
import Mustache
import NIOCore

/// The pages of one console: its templates and words with those that both consoles share.
package struct ConsolePages: Sendable {
    package let phrases: Phrasebook
    private let messages: MessageCatalogue
    private let library: MustacheLibrary
    private let assets: [String: Asset]
    /// The entries of the navigation: the phrase's key and the path.
    private let navigation: [(key: String, path: String)]
    /// The phrase's key of what the page that asks for a token says.
    private let loginHelp: String
    /// Where one signs in without a token, with an identity provider; `nil` where there is none.
    private let providerPath: String?

    private struct Asset: Sendable {
        let type: String
        let bytes: [UInt8]
        let tag: String

        init(_ type: String, _ bytes: [UInt8]) {
            self.type = type
            self.bytes = bytes
            tag = "\"\(SHA256.hash(data: bytes).prefix(12).map { "\($0)" }.joined(separator: "-"))\""
        }
    }

    /// - Parameters:
    ///   - templates: Mustache templates by name.
    ///   - phrases: JSON files of the console's own words.
    ///   - loginHelp: The phrase's key of what the page that asks for a token says.
    ///   - providerPath: Where one signs in without a token, with an identity provider; `nil` where there is none.
    package init(
        templates: [String: [UInt8]], phrases: [[UInt8]], navigation: [(key: String, path: String)],
        loginHelp: String = "loginHelp", providerPath: String? = nil
    ) throws {
        var library = MustacheLibrary()
        guard PageText.isRegistered else { throw Phrasebook.Failure(description: "pages cannot be made safe") }
        let shared = [
            "layout": PackageResources.layout_mustache, "login": PackageResources.login_mustache,
            "kept": PackageResources.kept_mustache, "problem": PackageResources.problem_mustache,
            "arrived": PackageResources.arrived_mustache,
        ]
        for (name, bytes) in shared.merging(templates, uniquingKeysWith: { $1 }) {
            try library.register(PageText.pragma + String(decoding: bytes, as: UTF8.self), named: name)
        }
        self.library = library
        self.phrases = try Phrasebook([PackageResources.phrases_json] + phrases)
        messages = try MessageCatalogue(PackageResources.messages_json)
        self.navigation = navigation
        self.loginHelp = loginHelp
        self.providerPath = providerPath
        assets = [
            "console.css": Asset("text/css; charset=utf-8", PackageResources.console_css),
            "console.js": Asset("text/javascript; charset=utf-8", PackageResources.console_js),
            "icon.svg": Asset("image/svg+xml", PackageResources.icon_svg),
        ]
    }

    /// What a page is rendered with besides its own values.
    package struct Frame: Sendable {
        package let language: Language
        /// The path that the browser asked for, with its query.
        package let location: String
        package let session: ConsoleSession?
        /// Whose session it is.
        package let person: String
        /// Something that every page says above all else.
        package var banner: String?
        /// Whether pages may be refreshed by events.
        package var isLive = true
        /// Whether a link leads to the same in the other language: not where the page would be lost by it.
        package var maySwitchLanguage = true
        /// The stream's number when the page was begun: what has changed since, the page looks up at once.
        package var mark: UInt64 = 0

        package init(_ request: Request, session: ConsoleSession?, person: String) {
            language = Language(request)
            location = request.uri.string
            self.session = session
            self.person = person
        }
    }

    /// Renders a page.
    ///
    /// - Parameters:
    ///   - title: The phrase's key, or a text of its own.
    ///   - values: What its template needs.
    package func page(
        _ template: String, title: String, _ frame: Frame, _ values: [String: Any],
        status: HTTPResponse.Status = .ok
    ) throws -> Response {
        var context = values
        context["t"] = phrases.texts(in: frame.language)
        context["lang"] = frame.language.tag
        context["other_lang"] = frame.language.other.rawValue
        context["other_lang_tag"] = frame.language.other.tag
        context["title"] = phrases.text(title, in: frame.language)
        context["may_switch"] = frame.maySwitchLanguage
        context["here"] = ConsolePages.encoded(frame.location)
        context["form_token"] = frame.session?.formToken ?? ""
        context["person"] = frame.person
        context["is_signed_in"] = frame.session != nil
        context["banner"] = frame.banner ?? ""
        context["has_banner"] = frame.banner != nil
        context["is_live"] = frame.isLive
        context["mark"] = "\(frame.mark)"
        context["navigation"] = navigation.map { entry -> [String: Any] in
            let isHere = frame.location.split(separator: "?").first.map(String.init) == entry.path
            return ["text": phrases.text(entry.key, in: frame.language), "path": entry.path, "is_here": isHere]
        }
        guard let text = library.render(context, withTemplate: template) else {
            throw Phrasebook.Failure(description: "there is no template \(template)")
        }
        var response = Response(
            status: status,
            headers: [.contentType: "text/html; charset=utf-8", .contentLanguage: frame.language.tag],
            body: .init(byteBuffer: ByteBuffer(string: text)))
        SafetyHeaders.add(to: &response)
        return response
    }

    /// A page that says what went wrong.
    package func page(_ problem: Problem, _ frame: Frame) throws -> Response {
        var frame = frame
        // It may answer a form, which is not to be looked up again.
        frame.isLive = false
        return try page(
            "problem", title: "problemTitle", frame,
            ["status": "\(problem.status.code)", "detail": said(problem.detail, in: frame.language)],
            status: problem.status)
    }

    /// What a page says of a message of the domain, the stores or the APIs, which are in English or in both languages.
    ///
    /// A sentence in both languages may say more in English: its Chinese half is taken where the catalogue knows no more
    /// than that. Fields that speak for a finding are named as forms name them, in one language. A message that nobody
    /// has translated stays as it is.
    package func said(_ message: String, in language: Language) -> String {
        guard let halves = Phrasebook.halves(of: message) else {
            return language == .english ? message : messages.translated(message) ?? message
        }
        let (english, evidence) = FieldEvidence.parted(halves.english)
        let fields = evidence.text(phrases, in: language)
        if language == .english { return halves.lead + english + fields }
        let chinese = halves.lead + (messages.translated(english) ?? halves.chinese)
        return (halves.lead.isEmpty ? chinese : messages.translated(chinese) ?? chinese) + fields
    }

    /// The page that asks for a token.
    ///
    /// - Parameters:
    ///   - token: One that is there already, where only the purpose is missing.
    ///   - kept: What was typed before, to be brought along.
    ///   - fault: Why the last one was not taken, or no session was there.
    ///   - status: What is answered where there is a fault.
    package func login(
        _ frame: Frame, next: String, asksPurpose: Bool, token: String? = nil, kept: KeptForm? = nil,
        fault: String? = nil, status: HTTPResponse.Status = .unauthorized
    ) throws -> Response {
        var frame = frame
        if kept != nil || token != nil { frame.maySwitchLanguage = false }
        let provider = token == nil ? providerPath : nil
        return try page(
            "login", title: "loginTitle", frame,
            [
                "next": next, "asks_purpose": asksPurpose, "fault": fault ?? "", "has_fault": fault != nil,
                "kept": kept?.hidden ?? [], "has_kept": kept != nil,
                "help": phrases.text(loginHelp, in: frame.language), "given": token ?? "", "is_given": token != nil,
                "has_provider": provider != nil,
                "provider": provider.map { "\($0)?next=\(ConsolePages.encoded(next))" } ?? "",
            ], status: fault == nil ? .ok : status)
    }

    /// The page that leads on to another one, where a redirection would not do: a browser that another site has sent here
    /// keeps the session's cookie to itself until it goes on from a page of ours.
    ///
    /// - Parameter cookies: `Set-Cookie` fields.
    package func arrived(_ frame: Frame, next: String, cookies: [String]) throws -> Response {
        var frame = frame
        // The address that it has was good for once.
        frame.isLive = false
        frame.maySwitchLanguage = false
        let path = ConsolePages.isOwn(next) ? next : "/console"
        var response = try page("arrived", title: "signedIn", frame, ["next": path])
        response.headers[.refresh] = "0; url=\(path)"
        response.headers[values: .setCookie] = cookies
        return response
    }

    /// Adds what needs no session: the way in from `/`, the page that asks for a token, the switch of languages, and assets.
    ///
    /// - Parameters:
    ///   - asksPurpose: Whether whoever signs in is asked what for.
    ///   - isSecure: Whether the console is served over TLS.
    package func addEntrance<Context: RequestContext>(
        to router: Router<Context>, asksPurpose: Bool, isSecure: Bool
    ) {
        addAssets(to: router)
        router.get("/") { _, _ in ConsolePages.redirect(to: "/console") }
        router.get("/console/login") { request, _ in
            try login(
                Frame(request, session: nil, person: ""), next: request.text("next") ?? "/console",
                asksPurpose: asksPurpose)
        }
        router.get("/console/language") { request, _ in
            let language = request.text("to").flatMap(Language.init(rawValue:)) ?? .chinese
            let cookie = Cookie.field(Cookie.language, language.rawValue, seconds: 31_536_000, isSecure: isSecure)
            return ConsolePages.redirect(to: request.text("next") ?? "/console", cookie: cookie)
        }
    }

    /// Style, script and icon, which never change while the program runs.
    private func addAssets<Context: RequestContext>(to router: Router<Context>) {
        for (name, asset) in assets {
            router.get("/console/assets/\(name)") { request, _ -> Response in
                var headers: HTTPFields = [.eTag: asset.tag, .cacheControl: "public, max-age=3600"]
                if request.headers[.ifNoneMatch] == asset.tag {
                    return Response(status: .notModified, headers: headers)
                }
                headers[.contentType] = asset.type
                var response = Response(
                    status: .ok, headers: headers, body: .init(byteBuffer: ByteBuffer(bytes: asset.bytes)))
                SafetyHeaders.add(to: &response)
                return response
            }
        }
    }

    /// A text as the value of a query's parameter.
    package static func encoded(_ text: String) -> String {
        text.addingPercentEncoding(withAllowedCharacters: unreserved) ?? ""
    }

    private static let unreserved = CharacterSet(
        charactersIn: "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/")

    /// Sends the browser to another page of this console, after a form.
    package static func redirect(to path: String, cookie: String? = nil) -> Response {
        var response = Response(status: .seeOther, headers: [.location: isOwn(path) ? path : "/console"])
        if let cookie { response.headers[values: .setCookie] = [cookie] }
        SafetyHeaders.add(to: &response)
        return response
    }

    /// Whether it is a page of this console: an address of another server would lend it our name. By bytes, as browsers
    /// read it, which drop tabs and line breaks.
    private static func isOwn(_ path: String) -> Bool {
        (path == "/console" || path.hasPrefix("/console/") || path.hasPrefix("/console?"))
            && path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") }
    }
}

extension HTTPField.Name {
    /// What browsers go on to by themselves (HTML standard, §4.2.5.3), without script.
    fileprivate static let refresh = HTTPField.Name("Refresh").unsafelyUnwrapped
}
