import Foundation
import Terminal
import Testing

/// A registry whose database was put back to an earlier point: real processes over TLS.
@Suite("A registry that is put back", .serialized)
struct RecoveryStoryTests {
    private var federation: BadInputFederation { .current }

    // MARK: Stories

    @Test(
        "restored from a backup: everything decided since comes back from the cities as it was, payments too",
        .badInputFederation)
    func backup() async throws {
        try await federation.publishQuickPayments()
        let cities = [try await federation.city(), try await federation.city(), try await federation.city()]
        try await served(cities) {
            let (first, second) = (cities[0], cities[1])
            try await first.file([
                ClaimFile.row(1, of: first), ClaimFile.row(2, of: first),
            ])
            let file = try await backUp()
            try await fileAndPay(first, second)
            let late = try await federation.city()
            try await late.served { _ in
                try await late.file([ClaimFile.row(1, of: late)])
                // Suspended after it has filed: what it holds is missed all the same.
                try await cities[2].file([ClaimFile.row(1, of: cities[2])])
                let suspended = try await federation.registry(["city", "suspend", cities[2].code, "--reason", "试"])
                #expect(suspended.status == 0, "\(suspended.errors)")
                try await first.settle()
                let all = cities + [late]
                let before = try await seen(by: all)

                try await restore(file)
                try await waitUntilRecovered([first, second, late])

                #expect(try await seen(by: all) == before)
                try await expectGoesOn(first, second)
                let back = try await federation.registry(["city", "reinstate", cities[2].code, "--reason", "试"])
                #expect(back.status == 0, "\(back.errors)")
                try await cities[2].settle()
            }
        }
        try await expectSound(cities)
    }

    @Test("the data directory of yesterday is noticed at the start", .badInputFederation)
    func olderFiles() async throws {
        let cities = [try await federation.city(), try await federation.city()]
        try await served(cities) {
            try await cities[0].file([ClaimFile.row(1, of: cities[0])])
            federation.stopRegistry()
            let copy = federation.freshPath("data")
            try copyAsIs("\(federation.database)/data", to: copy)
            try await federation.startRegistry()
            try await cities[1].file([ClaimFile.row(1, of: cities[1])])
            let before = try await seen(by: cities)

            federation.stopRegistry()
            try FileManager.default.moveItem(
                atPath: "\(federation.database)/data", toPath: federation.freshPath("lost"))
            try copyAsIs(copy, to: "\(federation.database)/data")
            // Its log lacks its end: an act of the operators now would take the place of one that cities hold.
            let early = try await federation.registry(["city", "suspend", cities[0].code, "--reason", "试"])
            #expect(early.status == 1)
            early.expectSaid("start national-registry serve first")
            try await federation.startRegistry()
            try await waitUntilRecovered(cities)

            #expect(try await seen(by: cities) == before)
        }
        try await expectSound(cities)
    }

    @Test(
        "a copy that nobody knew for one decides by itself; then both histories become one, and an invoice has one holder",
        .badInputFederation)
    func bothDecided() async throws {
        let (first, second) = (try await federation.city(), try await federation.city())
        try await served([first, second]) { for city in [first, second] { try await city.settle() } }
        federation.stopRegistry()
        // What it has seen of its database is copied with it, so that nothing betrays the copy.
        let copy = federation.freshPath("copy")
        try copyAsIs(federation.database, to: copy)
        try await federation.startRegistry()
        try await first.served { _ in
            try await first.file([ClaimFile.row(1, of: first), ClaimFile.row(2, of: first)])
            #expect(try await first.show(first.claim(1)).state == "reserved")
        }

        federation.stopRegistry()
        try FileManager.default.moveItem(atPath: federation.database, toPath: federation.freshPath("lost"))
        try copyAsIs(copy, to: federation.database)
        try await federation.startRegistry()
        try await second.served { _ in
            try await second.file([ClaimFile.row(1, of: second, ["invoice_numbers": invoice(1, of: first)])])
            #expect(try await second.show(second.claim(1)).state == "reserved")
        }
        try await served([first, second]) {
            try await waitUntilRecovered([first, second])
            let rivals = [
                try await first.show(first.claim(1)).state, try await second.show(second.claim(1)).state,
            ]
            #expect(rivals.sorted() == ["refused", "reserved"])
            #expect(try await first.show(first.claim(2)).state == "reserved")
        }
        try await expectSound([first, second])
    }

    @Test(
        "a city that does not come is waited for, and nothing is decided, until the operator goes on without it",
        .badInputFederation)
    func absent() async throws {
        let cities = [try await federation.city(), try await federation.city()]
        let (present, absent) = (cities[0], cities[1])
        let token = try await federation.token("operator", label: "waits")
        try await absent.served { _ in try await absent.settle() }
        try await present.served { _ in
            try await present.file([ClaimFile.row(1, of: present)])
            let file = try await backUp()
            try await present.file([
                ClaimFile.row(2, of: present)
            ])
            try await restore(file)
            try await expectEventually {
                let states = try await federation.recovery().recovery?.states ?? [:]
                return states == [present.code: "giving back", absent.code: "waited for"]
            }
            for language in ConsoleWords.languages { try await lookAtRecovery(token, present, absent, language) }
            let filed = try await present.importClaims(
                ClaimFile.file([ClaimFile.row(3, of: present)]))
            #expect(filed.status == 0, "\(filed.errors)")
            #expect(try await present.show(present.claim(3)).state == "recorded")
            let enrolling = try await federation.registry(["city", "suspend", absent.code, "--reason", "试"])
            enrolling.expectSaid("national-registry status says what is waited for")

            let accepted = try await federation.registry(["recovery", "accept-absence", absent.code, "--why", "机房断电"])
            #expect(accepted.status == 0, "\(accepted.errors)")

            try await waitUntilRecovered([present])
            try await present.settle()
            #expect(try await present.states().values.sorted() == ["reserved", "reserved", "reserved"])
        }
        // What it holds is part of what came back: it goes on where it was.
        try await absent.served { _ in
            try await absent.settle()
            try await absent.file([ClaimFile.row(1, of: absent)])
            #expect(["reserved", "held"].contains(try await absent.show(absent.claim(1)).state))
        }
        try await expectSound(cities)
    }

    @Test("a city that changed its key after the backup is heard under it", .badInputFederation)
    func newKey() async throws {
        let cities = [try await federation.city(), try await federation.city()]
        let (changed, other) = (cities[0], cities[1])
        try await served(cities) { for city in cities { try await city.file([ClaimFile.row(1, of: city)]) } }
        let file = try await backUp()
        let token = try await federation.registry(["city", "rotate-key", changed.code])
        try #require(token.status == 0, "\(token.errors)")
        let joined = try await changed.run(["join", token.output.trimmingCharacters(in: .whitespacesAndNewlines)])
        try #require(joined.status == 0, "\(joined.errors)")
        try await changed.served { _ in
            // Nobody else reads the feed meanwhile: what tells of the new key is with this city alone.
            try await changed.file([ClaimFile.row(2, of: changed)])
            let before = try await seen(by: [changed])
            try await restore(file)
            try await other.served { _ in
                try await waitUntilRecovered(cities)
                #expect(try await seen(by: [changed]) == before)
                try await changed.file([ClaimFile.row(3, of: changed)])
                #expect(["reserved", "held"].contains(try await changed.show(changed.claim(3)).state))
            }
        }
        try await expectSound(cities)
    }

    @Test("a city that joined after the backup, and of which nobody tells, is named", .badInputFederation)
    func lostCity() async throws {
        let city = try await federation.city()
        try await city.served { _ in try await city.file([ClaimFile.row(1, of: city)]) }
        let file = try await backUp()
        let late = try await federation.city()
        try await late.served { _ in
            try await late.settle()
            try await restore(file)
            try await city.served { _ in
                try await waitUntilRecovered([city])
                try await expectEventually {
                    try await federation.recovery().lost_cities.map(\.city_code) == [late.code]
                }
            }
        }
        let status = try await federation.registry(["status"])
        #expect(status.output.contains("ALARM: city \(late.code)"), "\(status.output)")
        #expect(status.output.contains("national-registry city enroll"), "\(status.output)")
        let accepted = try await federation.registry(["recovery", "accept-absence", late.code, "--why", "试"])
        #expect(accepted.status == 0, "\(accepted.errors)")
        #expect(try await federation.recovery().lost_cities.isEmpty)
        try await expectSound([city])
    }

    @Test("an old registry that is started beside the new one decides nothing, and is named", .badInputFederation)
    func oldPrimary() async throws {
        let (city, other) = (try await federation.city(), try await federation.city())
        try await other.served { _ in try await other.settle() }
        try await city.served { _ in try await city.file([ClaimFile.row(1, of: city)]) }
        let file = try await backUp()
        let old = federation.freshPath("old-registry")
        try await served([city, other]) {
            try await city.file([ClaimFile.row(2, of: city)])
            try await restore(file, movingTo: old)
            try await waitUntilRecovered([city, other])
        }
        // The city has seen what came after; the old registry asks for all cities, and one of them never comes to it.
        try await Daemon.with(.registry, ["--embedded-postgres", old]) { server in
            try await Daemon.with(.city, ["--data", city.data, "--registry", server.url]) { _ in
                try await expectEventually {
                    try await Program.registry.run(["status", "--json", "--embedded-postgres", old])
                        .json(RegistryStatus.self).recovery?.states[city.code] == "giving back"
                }
                _ = try await city.importClaims(ClaimFile.file([ClaimFile.row(3, of: city)]))
                #expect(try await city.show(city.claim(3)).state == "recorded")
            }
        }
        // Called by another registry, it is taken back by the right one, which begins anew above both.
        try await served([city, other]) {
            try await waitUntilRecovered([city, other], incarnation: 3)
            #expect(Set(try await city.states().values).isSubset(of: ["reserved", "held"]))
            #expect(try await city.states().count == 3)
        }
        try await expectSound([city, other])
    }

    @Test("a backup that is damaged, unfinished or in the way of a database is refused", .badInputFederation)
    func refused() async throws {
        let file = try await backUp()
        for path in [file, "\(file).manifest.json"] {
            let mode = try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int
            #expect(mode == 0o600, "\(path)")
        }
        let again = try await federation.registry(["backup", file])
        #expect(again.status == 1)
        again.expectSaid("is there already: name a new file")
        let inTheWay = try await federation.registry(["restore", file])
        #expect(inTheWay.status == 1)
        inTheWay.expectSaid("the database is not empty")
        var bytes = try #require(FileManager.default.contents(atPath: file))
        bytes[bytes.count / 2] ^= 1
        try bytes.write(to: URL(fileURLWithPath: file))
        let damaged = try await Program.registry.run(
            ["restore", file, "--embedded-postgres", federation.freshPath("empty")])
        #expect(damaged.status == 1)
        damaged.expectSaid("is not what its manifest says")
    }

    // MARK: Steps

    private func invoice(_ number: Int, of city: TestCity) -> String {
        ClaimFile.fields(number, of: city)["invoice_numbers"] ?? ""
    }

    private func served(_ cities: [TestCity], _ body: () async throws -> Void) async throws {
        guard let city = cities.first else { return try await body() }
        try await city.served { _ in try await served(Array(cities.dropFirst()), body) }
    }

    /// After the backup: a duplicate is refused, and a claim is released for payment and told to the bank.
    private func fileAndPay(_ first: TestCity, _ second: TestCity) async throws {
        try await second.file([ClaimFile.row(1, of: second, ["invoice_numbers": invoice(2, of: first)])])
        #expect(try await second.show(second.claim(1)).state == "refused")
        try await first.does(["payment", "request", first.claim(1)])
        try await first.expectPayment(of: first.claim(1), at: "released")
        #expect(try await first.exported().count == 1)
        try await first.does(["claim", "withdraw", first.claim(2), "--reason", "重复"])
        try await first.settle()
    }

    /// The payment has its old reference and is not given another one; a new duplicate is refused, too.
    private func expectGoesOn(_ first: TestCity, _ second: TestCity) async throws {
        let payment = try #require(try await first.payment(of: first.claim(1)))
        #expect(payment.stage == "submitted")
        #expect(try await federation.payments().first?.payment.reference == payment.reference)
        try await second.file([ClaimFile.row(2, of: second, ["invoice_numbers": invoice(1, of: first)])])
        #expect(try await second.show(second.claim(2)).state == "refused")
    }

    /// The console says on every page that the registry recovers, and on one what it waits for, city by city.
    private func lookAtRecovery(
        _ token: String, _ present: TestCity, _ absent: TestCity, _ language: String
    ) async throws {
        let words = try ConsoleWords.registry(language)
        try await ConsoleVisitor.with(try federation.registryURL, token: token, language: language) { visitor in
            let banner = try words.text("recoveryBanner")
            #expect(try await visitor.page.text(of: "#banner").contains(banner))
            try await visitor.open("/console/recovery")
            #expect(try await visitor.page.text(of: "#recovery").contains(words.text("phase_collecting")))
            let cities = try await visitor.column(0, in: "#recovery")
            let states = try await visitor.column(1, in: "#recovery")
            for (city, key) in [(present, "givingBack"), (absent, "waitedFor")] {
                let row = try #require(cities.firstIndex { $0.contains(city.code) })
                let state = try words.text(key)
                #expect(states[row] == state)
            }
            try await visitor.expectAccessible("recovery")
            try await visitor.picture("registry-recovery", in: "zh-CN")
        }
    }

    private func backUp() async throws -> String {
        let token = try await federation.registry(["token", "create", "--role", "auditor"])
        try #require(token.status == 0, "\(token.errors)")
        let file = federation.freshPath("registry.backup")
        let saved = try await federation.registry(["backup", file])
        try #require(saved.status == 0, "\(saved.errors)")
        return file
    }

    /// Ends the registry, and starts it again on a new database that was filled from the backup, with the same keys.
    private func restore(_ file: String, movingTo old: String? = nil) async throws {
        federation.stopRegistry()
        let old = old ?? federation.freshPath("old-registry")
        try FileManager.default.moveItem(atPath: federation.database, toPath: old)
        try FileManager.default.createDirectory(atPath: federation.database, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: "\(old)/state", toPath: "\(federation.database)/state")
        let restored = try await federation.registry(["restore", file])
        try #require(restored.status == 0, "\(restored.errors)")
        #expect(restored.output.contains("API token(s) are valid as they were then"))
        #expect(try await federation.recovery().recovery?.phase == "collecting")
        try await federation.startRegistry()
    }

    /// - Parameter incarnation: The lowest one that the registry goes on under.
    private func waitUntilRecovered(_ cities: [TestCity], incarnation: Int = 2) async throws {
        try await expectEventually {
            let status = try await federation.recovery()
            return status.recovery == nil && status.incarnation >= incarnation
        }
        for city in cities {
            try await expectEventually { try await city.sync().connected }
            try await city.settle()
        }
    }

    /// What the officers of each city see.
    private func seen(by cities: [TestCity]) async throws -> [[TestCity.Claim]] {
        var all: [[TestCity.Claim]] = []
        for city in cities { all.append(try await city.claims()) }
        return all
    }

    private func expectSound(_ cities: [TestCity]) async throws {
        try await federation.expectSoundJournal()
        for city in cities { try await city.expectSoundLog() }
    }

    /// Copies a directory with its owners and modes.
    private func copyAsIs(_ source: String, to target: String) throws {
        let status = try ChildProgram.run(["/bin/cp", "-a", source, target], output: "\(target).out")
        try #require(status == 0)
    }
}

/// What `national-registry status --json` says.
struct RegistryStatus: Decodable {
    struct Recovery: Decodable {
        struct City: Decodable { let city_code, state: String }
        let phase: String
        let cities: [City]

        var states: [String: String] {
            Dictionary(uniqueKeysWithValues: cities.map { ($0.city_code, $0.state) })
        }
    }
    struct LostCity: Decodable { let city_code: String }
    let incarnation: Int
    let lost_cities: [LostCity]
    let recovery: Recovery?
}

extension BadInputFederation {
    func recovery() async throws -> RegistryStatus {
        try await registry(["status", "--json"]).json(RegistryStatus.self)
    }
}
