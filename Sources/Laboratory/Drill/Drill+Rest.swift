import Foundation

/// What the drill does until all is quiet, and what it then looks at.
extension Drill {
    /// Asks again what was not answered, waits until nothing is unsent or undecided, and looks at everything.
    mutating func comeToRest() async throws {
        let deadline = ContinuousClock.now + Self.patience
        while await !officers.askAgain(), ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(50))
        }
        for city in officers.cities {
            var standing: Officers.Standing?
            repeat {
                standing = await officers.standing(of: city)
                if let standing, standing.unsent == 0, standing.undecided == 0, standing.connected { break }
                try await Task.sleep(for: .milliseconds(50))
            } while ContinuousClock.now < deadline
            officers.history.add(.standing(city: city, unsent: standing?.unsent, undecided: standing?.undecided))
        }
        // A payment may still go on by itself: all sides are looked at until they show one state.
        var (national, local) = try await look()
        let agreed = ContinuousClock.now + .seconds(20)
        while ContinuousClock.now < agreed, !Self.areEqual(national, local) {
            try await Task.sleep(for: .milliseconds(100))
            (national, local) = try await look()
        }
        for (city, claims) in local { officers.history.add(.shown(by: city, claims: claims)) }
        officers.history.add(.shown(by: ClientHistory.registry, claims: national))
    }

    private func look() async throws -> (national: [ShownClaim], local: [(String, [ShownClaim])]) {
        struct List: Decodable { let items: [ShownClaim] }
        let found = try await federation.registry(["claim", "find", "--json"])
        let national = try JSONDecoder().decode(List.self, from: found).items
        var local: [(String, [ShownClaim])] = []
        for city in officers.cities { local.append((city, await officers.claims(of: city) ?? [])) }
        return (national, local)
    }

    private static func areEqual(_ national: [ShownClaim], _ local: [(String, [ShownClaim])]) -> Bool {
        func states(_ claims: [ShownClaim]) -> [String] { claims.map { "\($0.name) \($0.state)" }.sorted() }
        return states(national) == states(local.flatMap(\.1))
    }
}
