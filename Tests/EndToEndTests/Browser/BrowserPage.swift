import Foundation

/// A page in a browser, as its user has it: addresses are opened, elements are found by CSS selectors.
struct BrowserPage: Sendable {
    typealias Failure = Browser.Failure

    private let pipe: DevToolsPipe
    private let session: String
    /// The page's own frame, not one within it.
    private let frame: String

    static func open(in pipe: DevToolsPipe) async throws -> BrowserPage {
        let target = try await pipe.send("Target.createTarget", ["url": "about:blank"])["targetId"]
        let attached = try await pipe.send("Target.attachToTarget", ["targetId": target, "flatten": true])
        guard let session = attached["sessionId"].text else { throw Failure(message: "no session: \(attached)") }
        for domain in ["Page", "Runtime", "Log", "Network"] {
            _ = try await pipe.send("\(domain).enable", session: session)
        }
        _ = try await pipe.send("Page.setLifecycleEventsEnabled", ["enabled": true], session: session)
        // The page has the keyboard, though no window has.
        _ = try await pipe.send("Emulation.setFocusEmulationEnabled", ["enabled": true], session: session)
        let tree = try await pipe.send("Page.getFrameTree", session: session)
        guard let frame = tree["frameTree"]["frame"]["id"].text else { throw Failure(message: "no frame: \(tree)") }
        return BrowserPage(pipe: pipe, session: session, frame: frame)
    }

    @discardableResult
    func send(
        _ method: String, _ params: JSONValue = [:], within limit: Duration = .seconds(30)
    ) async throws -> JSONValue {
        try await pipe.send(method, params, session: session, within: limit)
    }

    // MARK: Navigation

    /// Opens an address, and waits until its page has loaded.
    func open(_ url: String) async throws {
        let before = pipe.events.count
        let answer = try await send("Page.navigate", ["url": .string(url)])
        if let error = answer["errorText"].text { throw Failure(message: "\(url): \(error)") }
        // Another place within the page that is open loads nothing.
        guard let loader = answer["loaderId"].text else { return }
        try await loaded("\(url) to load", after: before) { $0 == loader }
    }

    /// Does what leads to another page, and waits until that has loaded.
    func loading(_ what: String, _ action: () async throws -> Void) async throws {
        let tree = try await send("Page.getFrameTree")
        let old = tree["frameTree"]["frame"]["loaderId"].text
        let before = pipe.events.count
        try await action()
        try await loaded("the page after \(what)", after: before) { $0 != old }
    }

    private func loaded(
        _ what: String, after count: Int, _ isLoader: @escaping @Sendable (String?) -> Bool
    ) async throws {
        let own = frame
        let ownSession = session
        let isOf: @Sendable (DevToolsPipe.Message) -> Bool = { event in
            guard event.sessionId == ownSession, let params = event.params else { return false }
            switch event.method {
            case "Page.lifecycleEvent":
                return params["frameId"].text == own && params["name"].text == "load"
                    && isLoader(params["loaderId"].text)
            case "Page.frameNavigated":
                // The way back may lead to a page that was kept, and does not load again.
                return params["frame"]["id"].text == own && params["type"] == "BackForwardCacheRestore"
                    && isLoader(params["frame"]["loaderId"].text)
            default: return false
            }
        }
        let loader = try await pipe.event(what, after: count, where: isOf).params?["loaderId"].text
        let navigation = events("Page.frameNavigated").last { $0["frame"]["loaderId"].text == loader }
        if let url = navigation?["frame"]["unreachableUrl"].text {
            throw Failure(message: "\(what): cannot reach \(url)")
        }
    }

    // MARK: What came

    /// What the events of one kind said, in their order.
    private func events(_ method: String) -> [JSONValue] {
        pipe.events.filter { $0.sessionId == session && $0.method == method }.compactMap(\.params)
    }

    /// The status of the last page; `nil` when none has come over HTTP.
    var httpStatus: Int? {
        let answers = events("Network.responseReceived").filter {
            $0["type"].text == "Document" && $0["frameId"].text == frame
        }
        return answers.last?["response"]["status"].number.map { Int($0) }
    }

    /// What went wrong in the pages so far: exceptions, errors on the console, what could not be loaded, and what the
    /// pages' security policy forbade.
    func consoleErrors() async throws -> [String] {
        // What the page said before it answers has arrived when it does.
        try await run("0")
        return pipe.events.filter { $0.sessionId == session }.compactMap { event in
            let params = event.params ?? .null
            switch event.method {
            case "Runtime.exceptionThrown": return Self.text(ofException: params["exceptionDetails"])
            case "Runtime.consoleAPICalled" where params["type"].text == "error":
                let words = params["args"].items.map { $0["value"].text ?? $0["description"].text ?? "" }
                return words.joined(separator: " ")
            case "Log.entryAdded" where params["entry"]["level"].text == "error":
                let place = params["entry"]["url"].text.map { " (\($0))" } ?? ""
                return (params["entry"]["text"].text ?? "") + place
            default: return nil
            }
        }
    }

    // MARK: JavaScript

    /// The value of an expression in the page, awaited when it is a promise.
    ///
    /// - Throws: ``Failure`` with the exception's text when the page throws.
    func evaluate<T: Decodable>(
        _ javaScript: String, as type: T.Type = T.self, within limit: Duration = .seconds(30)
    ) async throws -> T {
        let value = try await result(javaScript, byValue: true, within: limit)["value"]
        return try JSONDecoder().decode(type, from: try JSONEncoder().encode(value))
    }

    /// Evaluates an expression for what it does.
    func run(_ javaScript: String) async throws { _ = try await result(javaScript, byValue: true) }

    /// The browser's handle for the element that an expression is.
    func handle(_ javaScript: String) async throws -> JSONValue {
        let handle = try await result(javaScript, byValue: false)["objectId"]
        guard handle != .null else { throw Failure(message: "\(javaScript) is no element") }
        return handle
    }

    private func result(
        _ javaScript: String, byValue: Bool, within limit: Duration = .seconds(30)
    ) async throws -> JSONValue {
        let params: JSONValue = [
            "expression": .string(javaScript), "awaitPromise": .bool(byValue), "returnByValue": .bool(byValue),
            "userGesture": true,
        ]
        let answer = try await send("Runtime.evaluate", params, within: limit)
        let exception = answer["exceptionDetails"]
        guard exception == .null else { throw Failure(message: Self.text(ofException: exception)) }
        return answer["result"]
    }

    private static func text(ofException details: JSONValue) -> String {
        let thrown = details["exception"]
        return thrown["description"].text ?? thrown["value"].text ?? details["text"].text ?? "\(details)"
    }

    /// A text as JavaScript writes it.
    static func literal(_ text: String) throws -> String {
        String(decoding: try JSONEncoder().encode(text), as: UTF8.self)
    }
}
