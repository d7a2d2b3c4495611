import Foundation
import Testing

/// A city whose store is lost, old or copied: real processes over TLS.
@Suite("A city's store that is put back", .badInputFederation)
struct RestoreStoryTests {
    private let federation = BadInputFederation.current

    private func file(_ numbers: ClosedRange<Int>, in city: TestCity) async throws {
        let rows = numbers.map { ClaimFile.row($0, of: city) }
        let filed = try await city.importClaims(ClaimFile.file(rows))
        try #require(filed.status == 0, "\(filed.errors)")
    }

    private func backUp(_ city: TestCity) async throws -> String {
        let directory = federation.freshPath("backup")
        let saved = try await city.run(["backup", directory])
        try #require(saved.status == 0, "\(saved.errors)")
        return directory
    }

    /// What officers see of every claim, receipts included.
    private func claims(_ city: TestCity) async throws -> [TestCity.Claim] {
        try await city.claims().sorted { $0.claim_no ?? "" < $1.claim_no ?? "" }
    }

    /// The city files 1 and 2, and then 3 and 4; its directory is put back, by hand, to between them.
    ///
    /// - Returns: What was there in the end.
    private func goBack(_ city: TestCity) async throws -> [TestCity.Claim] {
        let copy = federation.freshPath("copy")
        var before: [TestCity.Claim] = []
        try await city.served { _ in
            try await file(1...2, in: city)
            try await city.settle()
        }
        try FileManager.default.copyItem(atPath: city.data, toPath: copy)
        try await city.served { _ in
            try await file(3...4, in: city)
            try await city.settle()
            before = try await claims(city)
        }
        try FileManager.default.removeItem(atPath: city.data)
        try FileManager.default.copyItem(atPath: copy, toPath: city.data)
        return before
    }

    /// The city goes on: it has these claims, its log is sound, and files another one.
    private func expectGoesOn(_ city: TestCity, with before: [TestCity.Claim]) async throws {
        try await city.served { _ in
            try await city.settle()
            let now = try await claims(city)
            #expect(now == before)
            try await file(90...90, in: city)
            try await city.settle()
            #expect(["reserved", "held"].contains(try await city.show(city.claim(90)).state))
        }
        try await city.expectSoundLog()
        try await federation.expectSoundJournal()
    }

    @Test("a backup that was made beside a running node is put back, and what was filed since comes back")
    func oldBackup() async throws {
        let city = try await federation.city()
        var before: [TestCity.Claim] = []
        var backup = ""
        try await city.served { _ in
            try await file(1...3, in: city)
            try await city.settle()
            backup = try await backUp(city)
            try await file(4...6, in: city)
            _ = try await city.run(["claim", "withdraw", city.claim(2), "--reason", "重复"])
            try await city.settle()
            before = try await claims(city)
        }
        try FileManager.default.removeItem(atPath: city.data)

        let restored = try await city.run(["restore", backup])

        #expect(restored.status == 0, "\(restored.errors)")
        #expect(before.map(\.state).filter { $0 == "withdrawn" }.count == 1)
        try await expectGoesOn(city, with: before)
    }

    @Test("a restored store takes nothing before it has got back what the registry has")
    func notBefore() async throws {
        let city = try await federation.city()
        var backup = ""
        try await city.served { _ in
            try await city.settle()
            backup = try await backUp(city)
        }
        let restored = try await city.run(["restore", backup, "--replace"])
        #expect(restored.status == 0, "\(restored.errors)")
        #expect(restored.output.contains("the files that were there are in \(city.data)/replaced-"))

        let refused = try await city.importClaims(ClaimFile.file([ClaimFile.row(1, of: city)]))

        #expect(refused.status == 1)
        let said = refused.output + refused.errors
        #expect(said.contains("this store was restored from a backup: run city-node serve"))
        try await expectGoesOn(city, with: [])
    }

    @Test("a file that was copied back by hand stops with an alarm that says what to do, and that works")
    func byHand() async throws {
        let city = try await federation.city()
        let before = try await goBack(city)
        try await city.served { _ in
            try await expectEventually { try await city.sync().last_error?.contains("run city-node restore") ?? false }
        }

        let restored = try await city.run(["restore", "--in-place"])

        #expect(restored.status == 0, "\(restored.errors)")
        try await expectGoesOn(city, with: before)
    }

    @Test("a copy that went on offline while the city went on elsewhere loses nothing of both")
    func forked() async throws {
        let city = try await federation.city()
        let sent = try await goBack(city)
        // Offline, by a command that holds the directory: one number is given once more.
        _ = try await city.importClaims(
            ClaimFile.file([ClaimFile.row(4, of: city, ["claimed_yuan": "1.00"]), ClaimFile.row(5, of: city)]))
        let withdrawn = try await city.run(["claim", "withdraw", city.claim(1), "--reason", "重复"])
        try #require(withdrawn.status == 0, "\(withdrawn.errors)")
        try await city.served { _ in
            try await expectEventually {
                try await city.sync().last_error?.contains("city-node restore --in-place") ?? false
            }
        }

        let restored = try await city.run(["restore", "--in-place"])
        #expect(restored.status == 0, "\(restored.errors)")

        try await city.served { _ in
            try await city.settle()
            let states = try await city.states()
            #expect(states[city.claim(1)] == "withdrawn")
            #expect(["reserved", "held"].contains(states[city.claim(5)]))
            let now = try await claims(city)
            #expect(now.filter { $0.claim_no == city.claim(4) } == sent.filter { $0.claim_no == city.claim(4) })
            let notice = "are appended late: look at them with city-node log late"
            #expect(try await city.run(["status"]).output.contains(notice))
            let late = try await city.run(["log", "late", "--seen", "--csv"]).output
            #expect(late.contains("claim,\(city.claim(4)),invalid,"), "\(late)")
            #expect(late.contains("withdrawal,\(city.claim(1)),withdrawn,"), "\(late)")
            #expect(try await !city.run(["status"]).output.contains(notice))
        }
        try await city.expectSoundLog()
        try await federation.expectSoundJournal()
    }

    @Test("with the disk gone, a new token and nothing else brings all of it back")
    func diskGone() async throws {
        let city = try await federation.city()
        var before: [TestCity.Claim] = []
        try await city.served { _ in
            try await file(1...5, in: city)
            _ = try await city.run(["claim", "withdraw", city.claim(5), "--reason", "重复"])
            try await city.settle()
            before = try await claims(city)
        }
        try FileManager.default.removeItem(atPath: city.data)

        let token = try await federation.registry(["city", "rotate-key", city.code])
        try #require(token.status == 0, "\(token.errors)")
        let joined = try await city.run(["join", token.output.trimmingCharacters(in: .whitespacesAndNewlines)])

        #expect(joined.status == 0, "\(joined.errors)")
        try await expectGoesOn(city, with: before)
    }

    @Test("a restored node takes the place of one that was started since and still runs, which stops and says why")
    func takesThePlace() async throws {
        let city = try await federation.city()
        let other = TestCity(code: city.code, data: federation.freshPath("other"))
        var backup = ""
        try await city.served { _ in
            try await file(1...2, in: city)
            try await city.settle()
            backup = try await backUp(city)
        }
        try await city.served { _ in
            try await city.settle()
            let restored = try await other.run(["restore", backup])
            try #require(restored.status == 0, "\(restored.errors)")
            try await other.served { _ in
                try await other.settle()
                try await file(3...3, in: other)
                try await other.settle()
                _ = try await city.importClaims(ClaimFile.file([ClaimFile.row(4, of: city)]))
                try await expectEventually {
                    let said = try await city.sync().last_error ?? ""
                    return said.contains("another node") || said.contains("clone") || said.contains("epoch")
                }
                #expect(try await other.states().keys.sorted() == [1, 2, 3].map(other.claim))
            }
        }
        try await federation.expectSoundJournal()
    }

    @Test("a copy of a running node that is switched on later stops with an alarm, and the node goes on")
    func copyOfRunningNode() async throws {
        let city = try await federation.city()
        let copy = TestCity(code: city.code, data: federation.freshPath("copy"))
        try await city.served { _ in
            try await file(1...2, in: city)
            try await city.settle()
            // The store of one moment, as in an image of the machine: nothing notes that it was put back.
            let image = try await backUp(city)
            try FileManager.default.createDirectory(atPath: copy.data, withIntermediateDirectories: false)
            for name in ["city.sqlite", "city-key"] {
                try FileManager.default.copyItem(atPath: "\(image)/\(name)", toPath: "\(copy.data)/\(name)")
            }
            try await file(3...4, in: city)
            try await city.settle()

            try await copy.served { _ in
                try await expectEventually {
                    try await copy.sync().last_error?.contains("city-node restore --in-place") ?? false
                }
            }

            try await file(5...5, in: city)
            try await city.settle()
            #expect(["reserved", "held"].contains(try await city.show(city.claim(5)).state))
        }
        try await city.expectSoundLog()
        try await federation.expectSoundJournal()
    }

    @Test("a backup that is not what its manifest says is refused, and so is one where a store is in the way")
    func refused() async throws {
        let city = try await federation.city()
        let backup = try await backUp(city)

        let inTheWay = try await city.run(["restore", backup])
        #expect(inTheWay.status == 1)
        inTheWay.expectSaid("add --replace, and it is moved aside")

        let store = "\(backup)/city.sqlite"
        var bytes = try #require(FileManager.default.contents(atPath: store))
        bytes[bytes.count - 7] ^= 1
        try bytes.write(to: URL(fileURLWithPath: store))
        let damaged = try await city.run(["restore", backup, "--replace"])
        #expect(damaged.status == 1)
        damaged.expectSaid("is not what its manifest says")

        let twice = try await city.run(["backup", backup])
        #expect(twice.status == 1)
        twice.expectSaid("is there already: name a new directory")
        try await city.expectSoundLog()
    }
}
