import Foundation

/// What was typed into a form that came without a session, kept until somebody has signed in.
///
/// It is kept in pages alone, as hidden fields of the login and then of the page that asks whether to send it: not at
/// the server, in no cookie and in no address. No other site can plant one:
/// 1. What another site sends is refused before it is read, both where a form is kept and where one is brought along to
///    the login (``SessionKeeper/requireOwnSite(_:)``): a browser says where a form comes from, cookie or not.
/// 2. Another site can neither read nor frame the pages that have it (``SafetyHeaders``), nor bring it by a link: the
///    login takes no kept form out of its address.
/// 3. It is sent by nothing but a click of whoever has signed in, on a page of ours that shows all of it, with the form
///    token of the new session, which is checked as ever; and only to a path of this console.
package struct KeptForm: Hashable, Sendable {
    struct Field: Hashable, Sendable {
        let name: String
        let value: String
    }

    /// Where it was sent, and is to be sent again.
    let path: String
    /// Those that are not empty, in their order: an empty one counts as not given (``ConsoleForm``).
    let fields: [Field]

    /// How much longer a login's body is than that of the form that it brings along, at most: a thousand names are
    /// seven bytes longer each, and a token, a purpose and two paths take less than as much again.
    package static let overhead = 16 << 10
    private static let prefix = "kept:"
    private static let pathName = "kept_path"
    private static let never: Set = ["form_token", "token", "purpose"]
    /// More than any form of ours has. Without a bound a body of short names would become a page many times as long.
    private static let most = 1_000

    /// - Returns: `nil` where nothing was typed, or nothing that a form of this console has.
    init?(_ form: ConsoleForm, sentTo path: String) { self.init(form.values(prefix: ""), path) }

    /// What a login brings along.
    package init?(in login: ConsoleForm) {
        guard let path = login.text(KeptForm.pathName) else { return nil }
        self.init(login.values(prefix: KeptForm.prefix), path)
    }

    private init?(_ all: [(name: String, value: String)], _ path: String) {
        let typed = all.filter { !$0.name.isEmpty && !$0.value.isEmpty && !KeptForm.never.contains($0.name) }
        guard KeptForm.isOwn(path), !typed.isEmpty, typed.count <= KeptForm.most else { return nil }
        self.path = path
        fields = typed.map { Field(name: $0.name, value: $0.value) }
    }

    /// Only an address below `/console/`, by bytes, as browsers read it: no scheme, no host, and nothing that leads out
    /// of it again.
    private static func isOwn(_ path: String) -> Bool {
        let isPlain = path.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && !"\\?#".utf8.contains($0) }
        guard isPlain, path.hasPrefix("/console/") else { return false }
        return path.dropFirst().split(separator: "/", omittingEmptySubsequences: false).allSatisfy { segment in
            guard let name = String(segment).removingPercentEncoding else { return false }
            return !["", ".", ".."].contains(name)
        }
    }

    /// What the login's form has of it.
    var hidden: [[String: String]] {
        [["name": KeptForm.pathName, "value": path]]
            + fields.map { ["name": KeptForm.prefix + $0.name, "value": $0.value] }
    }
}
