import Foundation

extension BrowserPage {
    /// The page's text as it is shown.
    func text() async throws -> String { try await evaluate("document.body.innerText") }

    func text(of selector: String) async throws -> String { try await with(selector, "e.innerText") }

    func exists(_ selector: String) async throws -> Bool {
        try await evaluate("document.querySelector(\(try Self.literal(selector))) !== null")
    }

    /// An expression over `e`, the first element that `selector` finds.
    func with<T: Decodable>(_ selector: String, _ expression: String, as type: T.Type = T.self) async throws -> T {
        try await evaluate("(e => \(expression))(\(try found(selector)))")
    }

    /// JavaScript for the first element that `selector` finds; it throws when there is none.
    func found(_ selector: String) throws -> String {
        let literal = try Self.literal(selector)
        return """
            (s => {
                const found = document.querySelector(s);
                if (!found) throw new Error(`nothing matches ${s} at ${location.href}`);
                return found;
            })(\(literal))
            """
    }

    // MARK: Waiting

    /// Waits until an element is there.
    func waitFor(_ selector: String, within limit: Duration = .seconds(10)) async throws {
        try await waitUntil("document.querySelector(\(try Self.literal(selector)))", within: limit)
    }

    /// Waits until a condition in JavaScript holds, in this page or in the one that follows.
    ///
    /// The page looks whenever it would draw; one without scripts never does, and it stays at the first look.
    func waitUntil(_ condition: String, within limit: Duration = .seconds(10)) async throws {
        let deadline = ContinuousClock.now + limit
        while ContinuousClock.now < deadline {
            let rest = deadline - .now
            let milliseconds = rest.components.seconds * 1000 + rest.components.attoseconds / 1_000_000_000_000_000
            let look = """
                new Promise((resolve, reject) => {
                    const end = performance.now() + \(milliseconds);
                    const look = () => {
                        try {
                            if (\(condition)) resolve(true);
                            else if (performance.now() > end) resolve(false);
                            else requestAnimationFrame(look);
                        } catch (error) { reject(error); }
                    };
                    look();
                })
                """
            do {
                if try await evaluate(look, as: Bool.self, within: rest + .seconds(1)) { return }
            } catch let failure as DevToolsPipe.Failure where failure.isLate || failure.isOfNavigation {}
        }
        throw Failure(message: "\(condition) did not come to hold within \(limit)")
    }

    // MARK: Settings

    /// Whether the next pages may run scripts of their own.
    func setJavaScript(enabled: Bool) async throws {
        try await send("Emulation.setScriptExecutionDisabled", ["value": .bool(!enabled)])
    }

    /// What the browser asks for in `Accept-Language` from now on, such as `ug,zh-CN`, to which the
    /// browser adds the weights; and, by the first of these, what it formats dates and numbers for.
    func setLanguage(_ language: String) async throws {
        let first = String(language.prefix { $0 != "," })
        let agent = try await send("Browser.getVersion")["userAgent"]
        try await send("Emulation.setUserAgentOverride", ["userAgent": agent, "acceptLanguage": .string(language)])
        try await send("Emulation.setLocaleOverride", ["locale": .string(first)])
    }

    /// Whether whoever looks at the page prefers dark colours, from now on; at first nobody does.
    func setColours(dark: Bool) async throws {
        let feature: JSONValue = ["name": "prefers-color-scheme", "value": dark ? "dark" : "light"]
        try await send("Emulation.setEmulatedMedia", ["features": [feature]])
    }

    /// The window's size, in CSS pixels.
    func size(_ width: Int, _ height: Int) async throws {
        let params: JSONValue = [
            "width": .number(Double(width)), "height": .number(Double(height)), "deviceScaleFactor": 1,
            "mobile": false,
        ]
        try await send("Emulation.setDeviceMetricsOverride", params)
    }

    // MARK: Pictures

    /// Writes a PNG of the window, or of all that one can scroll to.
    func screenshot(to path: String, wholePage: Bool = false) async throws {
        let params: JSONValue = ["format": "png", "captureBeyondViewport": .bool(wholePage)]
        let picture = try await bytes("Page.captureScreenshot", params)
        try picture.write(to: URL(fileURLWithPath: path))
    }

    /// Prints the page.
    ///
    /// - Returns: How many bytes the PDF has.
    func printToPDF() async throws -> Int { try await bytes("Page.printToPDF", ["printBackground": true]).count }

    private func bytes(_ method: String, _ params: JSONValue) async throws -> Data {
        guard let text = try await send(method, params)["data"].text, let data = Data(base64Encoded: text) else {
            throw Failure(message: "\(method) gave no bytes")
        }
        return data
    }
}

extension DevToolsPipe.Failure {
    /// The page that was asked is gone, since another takes its place.
    fileprivate var isOfNavigation: Bool {
        ["navigated", "context was destroyed", "Promise was collected", "Cannot find context"].contains {
            message.contains($0)
        }
    }
}
