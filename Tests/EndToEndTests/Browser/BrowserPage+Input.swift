import Foundation

/// What a user does with mouse and keyboard: the page gets the events that it would get from one.
extension BrowserPage {
    enum Key: String, Sendable {
        case tab = "Tab"
        case enter = "Enter"
        case escape = "Escape"
        case space = " "
        case delete = "Delete"
        case up = "ArrowUp"
        case down = "ArrowDown"

        fileprivate var code: Int {
            switch self {
            case .tab: 9
            case .enter: 13
            case .escape: 27
            case .space: 32
            case .up: 38
            case .down: 40
            case .delete: 46
            }
        }

        /// What the key types.
        fileprivate var text: String? {
            switch self {
            case .enter: "\r"
            case .space: " "
            default: nil
            }
        }
    }

    // MARK: Mouse

    /// Clicks on an element's centre.
    ///
    /// - Throws: ``Failure`` when something else lies there.
    func click(_ selector: String) async throws {
        let point = try await centre(of: selector)
        for (type, buttons) in [("mouseMoved", 0), ("mousePressed", 1), ("mouseReleased", 0)] {
            let params: JSONValue = [
                "type": .string(type), "x": .number(point[0]), "y": .number(point[1]), "clickCount": 1,
                "button": type == "mouseMoved" ? "none" : "left", "buttons": .number(Double(buttons)),
            ]
            try await send("Input.dispatchMouseEvent", params)
        }
    }

    func clickAndLoad(_ selector: String) async throws {
        try await loading("a click on \(selector)") { try await click(selector) }
    }

    /// Ticks a box or takes a choice; one that is taken already stays so.
    func check(_ selector: String) async throws {
        if try await with(selector, "e.checked", as: Bool.self) { return }
        try await click(selector)
        guard try await with(selector, "e.checked", as: Bool.self) else {
            throw Failure(message: "a click on \(selector) did not check it")
        }
    }

    private func centre(of selector: String) async throws -> [Double] {
        try await with(
            selector,
            """
            {
                e.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
                const box = e.getClientRects()[0];
                if (!box) throw new Error(`${e.outerHTML.slice(0, 100)} is not shown`);
                const x = box.x + box.width / 2, y = box.y + box.height / 2;
                const top = document.elementFromPoint(x, y);
                const isHit = top && (e.contains(top) || top.contains(e) && top.matches("label, a, button"));
                if (!isHit) throw new Error(`${top?.outerHTML.slice(0, 100)} covers ${e.outerHTML.slice(0, 100)}`);
                return [x, y];
            }
            """)
    }

    // MARK: Keyboard

    func press(_ key: Key, shift: Bool = false) async throws {
        var params: [String: JSONValue] = [
            "key": .string(key.rawValue), "code": .string(key == .space ? "Space" : key.rawValue),
            "windowsVirtualKeyCode": .number(Double(key.code)), "modifiers": shift ? 8 : 0,
        ]
        if let text = key.text { params["text"] = .string(text) }
        params["type"] = key.text == nil ? "rawKeyDown" : "keyDown"
        try await send("Input.dispatchKeyEvent", .object(params))
        params["type"] = "keyUp"
        params["text"] = nil
        try await send("Input.dispatchKeyEvent", .object(params))
    }

    func pressAndLoad(_ key: Key) async throws {
        try await loading("\(key.rawValue)") { try await press(key) }
    }

    /// Replaces what a field has.
    func fill(_ selector: String, _ value: String) async throws {
        let isTyped: Bool = try await with(
            selector,
            """
            {
                e.scrollIntoView({ block: "center", behavior: "instant" });
                e.focus();
                if (document.activeElement !== e) throw new Error(`${e.outerHTML.slice(0, 100)} takes no focus`);
                e.select();
                return !["date", "time", "month", "week", "datetime-local", "color", "range"].includes(e.type);
            }
            """)
        if !isTyped {
            // These have parts to type into; they get their value as from a picker.
            try await set(selector, to: value)
        } else if value.isEmpty {
            try await press(.delete)
        } else {
            try await send("Input.insertText", ["text": .string(value)])
        }
    }

    /// Chooses an option of a select by its value.
    func choose(_ selector: String, _ value: String) async throws {
        let literal = try Self.literal(value)
        let isOffered: Bool = try await with(
            selector, "[...e.options].some(o => !o.disabled && o.value === \(literal))")
        guard isOffered else { throw Failure(message: "\(selector) does not offer \(value)") }
        try await set(selector, to: value)
    }

    private func set(_ selector: String, to value: String) async throws {
        let literal = try Self.literal(value)
        let isTaken: Bool = try await with(
            selector,
            """
            {
                if (e.disabled || e.readOnly) return false;
                e.focus();
                e.value = \(literal);
                e.dispatchEvent(new Event("input", { bubbles: true }));
                e.dispatchEvent(new Event("change", { bubbles: true }));
                return e.value === \(literal);
            }
            """)
        guard isTaken else { throw Failure(message: "\(selector) does not take \(value)") }
    }

    /// Attaches a file as the field's dialog would.
    func attach(_ selector: String, file path: String) async throws {
        let field = try await handle(try found(selector))
        try await send("DOM.setFileInputFiles", ["files": [.string(path)], "objectId": field])
    }
}
