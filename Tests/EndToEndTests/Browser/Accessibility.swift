import Foundation

extension BrowserPage {
    /// What keeps people from using the page who do not see it, or see it badly, or have no mouse: a sentence for each
    /// fault, naming the element.
    ///
    /// The contrast is that of WCAG 2.1 AA, of text as it is now: not of what hovering or focus would change, and not
    /// of controls that are disabled. Text over a picture or a gradient is a fault: its contrast cannot be computed.
    func accessibilityFaults() async throws -> [String] { try await evaluate(accessibilityCheck) }

    /// The element that has the focus: its tag, id and name, and what a screen reader calls it.
    func focused() async throws -> String { try await focusedElement().description }

    /// What keeps people from walking through the page with the tab key: a sentence for each fault, naming the element.
    ///
    /// The first stop is the link past the navigation; every stop takes the focus, shows that it has it, and lies in the
    /// window then; none lies above and left of the one before. (Between them the key goes as the document does: another
    /// order is a fault of ``accessibilityFaults()``.) The page is asked at once for all stops; ``focusOrder()`` presses the
    /// key for each, and takes as much longer.
    func focusFaults() async throws -> [String] {
        try await focusNothing()
        // One real press: from here on what takes the focus shows it, as for somebody without a mouse.
        try await press(.tab)
        return try await evaluate(focusCheck)
    }

    /// The body takes the focus once, so that the next element is the page's first.
    private func focusNothing() async throws {
        try await run(
            """
            document.body.tabIndex = -1;
            document.body.focus();
            document.body.blur();
            document.body.removeAttribute("tabindex");
            """)
    }

    /// Where the tab key leads, from the top of the page on, until it is back at the first element or past the last.
    ///
    /// Its length has a bound: who never comes to the end is in a trap.
    func focusOrder() async throws -> [String] {
        try await focusNothing()
        var elements: [FocusedElement] = []
        for _ in 0..<200 {
            try await press(.tab)
            let element = try await focusedElement()
            if element.isNone { break }
            // Some fields have parts: they keep the focus for more than one press.
            if element.node == elements.last?.node { continue }
            if element.node == elements.first?.node { break }
            elements.append(element)
        }
        return elements.map(\.description)
    }

    private func focusedElement() async throws -> FocusedElement {
        let own: String = try await evaluate(
            """
            (e => !e || e === document.body || e === document.documentElement ? "" : e.localName
                + ["id", "name"].filter(a => e.hasAttribute(a)).map(a => `[${a}=${e.getAttribute(a)}]`).join("")
            )(document.activeElement)
            """)
        if own.isEmpty { return FocusedElement(node: nil, description: "nothing") }
        let element = try await handle("document.activeElement")
        let tree = try await send("Accessibility.getPartialAXTree", ["objectId": element, "fetchRelatives": false])
        let node = tree["nodes"].items.first ?? .null
        let name = node["name"]["value"].text ?? ""
        return FocusedElement(node: node["backendDOMNodeId"].number, description: "\(own) “\(name)”")
    }
}

private struct FocusedElement {
    /// The browser's own number for it.
    let node: Double?
    let description: String

    var isNone: Bool { node == nil }
}

/// JavaScript for the list of the faults of a page that somebody walks through by the tab key, which has led to its first
/// stop.
private let focusCheck = #"""
    (() => {
        const faults = [];
        const named = e => `${e.localName}${e.id && "#" + e.id}${e.name ? `[name=${e.name}]` : ""} `
            + `“${e.textContent.trim().replace(/\s+/g, " ").slice(0, 80)}”`;
        const stops = [...document.querySelectorAll("a[href], button, input, select, textarea, summary, [tabindex]")]
            .filter(e => e.tabIndex >= 0 && e.type !== "hidden" && !e.matches(":disabled")
                && e.checkVisibility({ visibilityProperty: true }));
        const first = stops[0];
        if (document.activeElement !== first) faults.push(`The first stop is ${named(document.activeElement)}.`);
        if (!first?.hash || first.hash !== `#${document.querySelector("main").id}`) {
            faults.push("The first stop does not lead past the navigation.");
        }
        let last = null;
        for (const e of stops) {
            e.focus();
            if (document.activeElement !== e) { faults.push(`${named(e)} takes no focus.`); continue; }
            const style = getComputedStyle(e);
            if (style.outlineStyle === "none" || !(parseFloat(style.outlineWidth) > 0)) {
                faults.push(`${named(e)} does not show that it has the focus.`);
            }
            const box = e.getBoundingClientRect();
            const isInWindow = box.width > 0 && box.height > 0 && box.bottom > 0 && box.right > 0
                && box.top < innerHeight && box.left < innerWidth;
            if (!isInWindow) faults.push(`${named(e)} has the focus outside of the window.`);
            const place = { top: box.top + scrollY, bottom: box.bottom + scrollY, left: box.left, right: box.right };
            if (last && place.bottom <= last.top && place.right <= last.left) {
                faults.push(`${named(e)} lies above and left of the stop before it.`);
            }
            // The first one has its place only while it has the focus.
            last = e === first ? null : place;
        }
        document.activeElement.blur();
        scrollTo(0, 0);
        return faults;
    })()
    """#

/// JavaScript for the list of the page's faults.
private let accessibilityCheck = #"""
    (() => {
        const faults = [];
        const all = selector => [...document.querySelectorAll(selector)];
        // Without a box of its own an element is as visible as what it is in.
        const isShown = e => getComputedStyle(e).display === "contents" ? isShown(e.parentElement)
            : e.checkVisibility({ visibilityProperty: true, opacityProperty: true });
        const isRead = e => isShown(e) && !e.closest('[aria-hidden="true"]');
        const short = text => text.trim().replace(/\s+/g, " ").slice(0, 80);
        const kind = e => e.localName + ["id", "class", "name"].filter(a => e.hasAttribute(a))
            .map(a => `[${a}=${e.getAttribute(a)}]`).join("");
        const named = e => `${kind(e)} “${short(e.textContent)}”`;
        const written = e => short(e.outerHTML);

        // What is read out of an element: without its controls and what is hidden.
        const textOf = node => {
            if (node.nodeType === Node.TEXT_NODE) return node.data;
            if (node.nodeType !== Node.ELEMENT_NODE || node.matches('select, textarea, [aria-hidden="true"]')) return "";
            if (!isShown(node)) return "";
            if (node.matches("img, input[type=image]")) return node.alt;
            return node.ariaLabel || [...node.childNodes].map(textOf).join(" ");
        };
        const labelled = e => (e.getAttribute("aria-labelledby") ?? "").split(/\s+/).filter(Boolean)
            .map(id => document.getElementById(id)?.textContent ?? "").join(" ");
        const says = text => (text ?? "").trim() !== "";

        // The document.
        if (!says(document.documentElement.lang)) faults.push("The html element has no lang.");
        if (!says(document.title)) faults.push("The page has no title.");
        if (!all("main, [role=main]").some(isRead)) faults.push("The page has no main landmark.");
        const headings = all("h1, h2, h3, h4, h5, h6").filter(isRead);
        const tops = headings.filter(h => h.localName === "h1").length;
        if (tops !== 1) faults.push(`The page has ${tops} h1 headings instead of one.`);
        headings.reduce((above, h) => {
            const level = Number(h.localName[1]);
            if (level > above + 1) faults.push(`The heading ${named(h)} skips a level: above it is ${above || "none"}.`);
            return level;
        }, 0);
        const ids = all("[id]").map(e => e.getAttribute("id"));
        for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) {
            faults.push(`The id “${id}” is given more than once.`);
        }
        for (const e of all("[tabindex]").filter(e => e.tabIndex > 0)) {
            faults.push(`${named(e)} has the positive tabindex ${e.tabIndex}.`);
        }

        // What needs a name.
        const buttons = "button, summary, [role=button], input:is([type=button], [type=submit], [type=reset], [type=image])";
        for (const e of all("input:not([type=hidden]), select, textarea").filter(isRead)) {
            const labels = [...e.labels ?? []].map(textOf).join(" ");
            if (!e.matches(buttons) && !says(labels) && !says(e.ariaLabel) && !says(labelled(e))) {
                faults.push(`The field ${written(e)} has no label.`);
            }
        }
        for (const e of all(`a[href], [role=link], ${buttons}`).filter(isRead)) {
            // Without a value of its own, such a button is named by the browser.
            const isNamed = e.matches("[type=submit], [type=reset]") && e.localName === "input" && !e.hasAttribute("value");
            const own = e.localName === "input" && e.type !== "image" ? e.value : textOf(e);
            if (isNamed || says(own) || says(e.ariaLabel) || says(labelled(e))) continue;
            faults.push(`The ${e.matches("a, [role=link]") ? "link" : "button"} ${written(e)} has no text.`);
        }
        for (const e of all('img, svg[role="img"]').filter(isRead)) {
            const title = e.querySelector(":scope > title")?.textContent ?? e.getAttribute("title");
            if (e.hasAttribute("alt") || says(e.ariaLabel) || says(labelled(e)) || says(title)) continue;
            faults.push(`The picture ${written(e)} has no alternative text.`);
        }
        for (const e of all("th").filter(e => !["col", "row", "colgroup", "rowgroup"].includes(e.scope))) {
            faults.push(`The table heading ${named(e)} has no scope.`);
        }

        // Contrast. Colours are red, green, blue and opacity.
        const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
        const known = new Map();
        const colour = text => {
            if (known.has(text)) return known.get(text);
            canvas.clearRect(0, 0, 1, 1);
            canvas.fillStyle = text;
            canvas.fillRect(0, 0, 1, 1);
            const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
            const numbers = text.match(/^rgba?\(/) ? text.match(/[\d.]+/g).map(Number) : [r, g, b, a / 255];
            known.set(text, numbers.length === 3 ? [...numbers, 1] : numbers);
            return known.get(text);
        };
        const mix = (below, above, part) => [0, 1, 2].map(i => below[i] * (1 - part) + above[i] * part);
        const over = (above, below) => mix(below, above, above[3]);
        const root = getComputedStyle(document.documentElement);
        const isDark = root.colorScheme.includes("dark")
            && (!root.colorScheme.includes("light") || matchMedia("(prefers-color-scheme: dark)").matches);
        const paper = isDark ? [18, 18, 18] : [255, 255, 255];
        // The text's and the background's colour as they are seen, through all that lies above `below`.
        const painted = (chain, text, below) => {
            const [style, ...inner] = chain;
            const background = over(colour(style.backgroundColor), below);
            const seen = inner.length ? painted(inner, text, background) : [over(text, background), background];
            return seen.map(c => mix(below, c, Number(style.opacity)));
        };
        const luminance = c => {
            const [r, g, b] = c.map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
            return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const chainOf = e => e ? [...chainOf(e.parentElement), getComputedStyle(e)] : [];
        const hex = c => "#" + c.map(v => Math.round(v).toString(16).padStart(2, "0")).join("");
        const reported = new Set();
        const checkContrast = (e, style, text) => {
            const chain = chainOf(e);
            const picture = chain.findLastIndex(s => s.backgroundImage !== "none");
            const cover = chain.findLastIndex(s => colour(s.backgroundColor)[3] === 1);
            // A field's own picture is its arrow or mark.
            const isOwn = e.matches("input, select") && picture === chain.length - 1;
            const [front, back] = painted(chain, colour(style.color), paper);
            const [light, dark] = [luminance(front), luminance(back)].sort((a, b) => b - a);
            const ratio = (light + 0.05) / (dark + 0.05);
            const size = parseFloat(style.fontSize);
            const least = size >= 24 || size >= 18.66 && Number(style.fontWeight) >= 700 ? 3 : 4.5;
            const where = `${kind(e)} “${short(text)}”`;
            const isHidden = picture >= 0 && picture >= cover && !isOwn;
            if (!isHidden && ratio >= least) return;
            // Once for all that look alike.
            const look = `${e.localName}${e.className} ${hex(front)} ${hex(back)} ${isHidden}`;
            if (reported.has(look)) return;
            reported.add(look);
            faults.push(isHidden
                ? `The text of ${where} lies on a picture or a gradient.`
                : `The text of ${where} has a contrast of ${ratio.toFixed(2)} instead of ${least}: `
                    + `${hex(front)} on ${hex(back)}.`);
        };
        const isActive = e => !e.closest(':disabled, [aria-disabled="true"]');
        // Text for screen readers alone is clipped away.
        const isClipped = e => e !== null && (isClipped(e.parentElement) || getComputedStyle(e).overflow !== "visible"
            && [...e.getClientRects()].some(r => r.width <= 1 || r.height <= 1));
        const isSeen = e => isShown(e) && !isClipped(e);
        const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
        while (walker.nextNode()) {
            const e = walker.currentNode.parentElement;
            const range = document.createRange();
            range.selectNodeContents(walker.currentNode);
            if (!says(walker.currentNode.data) || range.getClientRects().length === 0) continue;
            if (e.matches("script, style, noscript, option") || !isSeen(e) || !isActive(e)) continue;
            checkContrast(e, getComputedStyle(e), walker.currentNode.data);
        }
        const signs = "[type=hidden], [type=checkbox], [type=radio], [type=range], [type=color], [type=image]";
        for (const e of all(`input:not(${signs}), select, textarea`).filter(e => isSeen(e) && isActive(e))) {
            checkContrast(e, getComputedStyle(e), e.value);
            if (e.placeholder) checkContrast(e, getComputedStyle(e, "::placeholder"), e.placeholder);
        }
        return faults;
    })()
    """#
