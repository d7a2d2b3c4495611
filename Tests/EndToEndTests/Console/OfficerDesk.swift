import Foundation
import Testing

/// A city officer's session without a browser: what a page holds, and what a form does.
struct OfficerDesk {
    private let probe: HTTPProbe
    private let cookie: String

    /// Lends a session of a city's console.
    ///
    /// - Parameter language: `en` or `zh`.
    static func with(
        _ city: TestCity, _ daemon: Daemon, language: String = "en", _ body: (OfficerDesk) async throws -> Void
    ) async throws {
        try await HTTPProbe.with(daemon.url) { probe in
            let signedIn = try await probe.form("/console/login", ["token": try city.apiToken()])
            let cookie = try #require(signedIn.cookie)
            try await body(OfficerDesk(probe: probe, cookie: "\(cookie); language=\(language)"))
        }
    }

    func get(_ path: String) async throws -> HTTPProbe.Answer {
        try await probe.send("GET", path, [("Cookie", cookie)])
    }

    /// Sends a form of the console's own.
    ///
    /// - Parameter source: The page that has the form.
    func post(
        _ path: String, _ fields: [String: String], from source: String = "/console"
    ) async throws -> HTTPProbe.Answer {
        let token = try #require(try await get(source).hiddenFields["form_token"])
        return try await probe.form(path, fields.merging(["form_token": token]) { $1 }, [("Cookie", cookie)])
    }

    /// The page that a form leads to.
    func follow(_ answer: HTTPProbe.Answer) async throws -> HTTPProbe.Answer {
        #expect(answer.status == 303, "\(answer.text)")
        return try await get(try #require(answer.headers["location"]))
    }
}
