import Foundation
import Testing

extension BadInputTests {
    @Suite("A disk that is full", .enabled(if: ScratchDisk.isPossible, Comment(rawValue: ScratchDisk.reason)))
    struct DiskFullTests {
        private let federation = BadInputFederation.current

        /// A city whose store is on a small disk.
        private func withCity(_ body: (_ city: TestCity, _ disk: String) async throws -> Void) async throws {
            let (enrolled, token) = try await federation.enrolledCity()
            try await ScratchDisk.with(megabytes: 4) { disk in
                let city = TestCity(code: enrolled.code, data: "\(disk)/node")
                let joined = try await city.run(["join", token])
                try #require(joined.status == 0, "\(joined.errors)")
                let file = try enrolled.write(ClaimFile.voucher(city.voucher), "vouchers.csv")
                try #require(try await city.run(["import", "vouchers", file]).status == 0)
                try await body(city, disk)
            }
        }

        @Test("an import ends with what to do and how far it came; earlier rows stay; another run completes it")
        func importOfAFile() async throws {
            try await withCity { city, disk in
                // The file itself is on another disk.
                let rows = 6_000
                let path = "\(federation.freshPath("claims")).csv"
                try Data(ClaimFile.file(rows, of: city)).write(to: URL(fileURLWithPath: path))

                let result = try await city.run(["import", "claims", path])

                #expect(result.status == 1)
                result.expectSaid("disk full")
                result.expectSaid("free some space and try again")
                let recorded = try await city.sync().log_head - 1
                #expect(recorded > 0 && recorded < rows)
                #expect(!result.errors.contains("nothing was recorded"), "\(recorded) rows were: \(result.errors)")
                #expect(
                    (result.output + result.errors).contains("\(recorded) recorded"), "\(result.output)\(result.errors)"
                )
                try await city.expectSoundLog()
                #expect(try await city.show(city.claim(1)).state == "recorded")

                try ScratchDisk.grow(disk, megabytes: 64)
                let completed = try await city.run(["import", "claims", path])
                #expect(completed.status == 0, "\(completed.errors)")
                #expect(completed.summary.contains("\(rows - recorded) recorded, \(recorded) unchanged"))
                try await city.expectSoundLog()
            }
        }

        @Test("a disk that may not be written is named, and the node works when it may again")
        func readOnly() async throws {
            try await withCity { city, disk in
                let path = "\(federation.freshPath("claims")).csv"
                try Data(ClaimFile.file(1, of: city)).write(to: URL(fileURLWithPath: path))
                try await ScratchDisk.whileReadOnly(disk) {
                    for verb in [["serve", "--listen", "127.0.0.1:0"], ["import", "claims", path]] {
                        let result = try await city.run(verb)

                        #expect(result.status == 1)
                        #expect(result.output == "")
                        result.expectSaid("cannot write in \(city.data): Read-only file system")
                    }
                }
                let imported = try await city.run(["import", "claims", path])
                #expect(imported.status == 0, "\(imported.errors)")
                #expect(try await city.states() == [city.claim(1): "recorded"])
            }
        }

        @Test("a backup that does not fit leaves nothing that could be taken for one, and its place is free")
        func backup() async throws {
            try await withCity { city, disk in
                let backup = "\(disk)/backup"
                try ScratchDisk.fill(disk)

                let refused = try await city.run(["backup", backup])
                #expect(refused.status == 1)
                refused.expectSaid("disk full")
                #expect(!FileManager.default.fileExists(atPath: backup))

                try ScratchDisk.grow(disk, megabytes: 64)
                let saved = try await city.run(["backup", backup])
                #expect(saved.status == 0, "\(saved.errors)")
            }
        }

        @Test("a claim is not taken, is taken when there is space again, and reading goes on meanwhile")
        func fileOneClaim() async throws {
            try await withCity { city, disk in
                try await city.served { node in
                    try await city.settle()
                    let token = try String(contentsOfFile: "\(city.data)/api-token", encoding: .utf8)
                    let headers = [("Authorization", "Bearer \(token)"), ("Content-Type", "application/json")]
                    try await HTTPProbe.with(node.url) { probe in
                        let first = try await probe.send(
                            "POST", "/v1/claims", headers, body: ClaimFile.json(1, of: city))
                        #expect(first.status == 201)
                        try await city.settle()
                        try ScratchDisk.fill(disk)
                        let refused = try await Self.fileUntilRefused(probe, headers, city)

                        refused.answer.expectProblem(507, "disk-full", "on a full disk")
                        #expect(refused.answer.problem?.detail.contains("free some space") == true)
                        #expect(try await city.show(city.claim(1)).state != "invalid")
                        try await city.expectSoundLog()

                        ScratchDisk.free(disk)
                        let again = try await probe.send(
                            "POST", "/v1/claims", headers, body: ClaimFile.json(refused.number, of: city))
                        #expect(again.status == 201, "nothing of the refused claim had been taken")
                    }
                    try await city.settle()
                    #expect(try await city.claims().allSatisfy { $0.receipt != nil })
                    #expect(try await node.stop() == 0)
                }
                try await city.expectSoundLog()
            }
        }

        @Test("a node that is started on a full disk ends with a sentence, and starts when there is space again")
        func serve() async throws {
            try await withCity { city, disk in
                try ScratchDisk.fill(disk)

                let result = try await city.run(["serve", "--listen", "127.0.0.1:0"])

                #expect(result.status == 1)
                #expect(result.output == "")
                #expect(
                    result.errors.contains("disk full") || result.errors.contains("No space left"), "\(result.errors)")
                ScratchDisk.free(disk)
                try await city.served { _ in try await city.settle() }
                try await city.expectSoundLog()
            }
        }

        /// Files claims, from 2 on, until one is refused: the log's last pages may have room for a few.
        private static func fileUntilRefused(
            _ probe: HTTPProbe, _ headers: [(String, String)], _ city: TestCity
        ) async throws -> (number: Int, answer: HTTPProbe.Answer) {
            for number in 2..<2_000 {
                let answer = try await probe.send("POST", "/v1/claims", headers, body: ClaimFile.json(number, of: city))
                if answer.status != 201 { return (number, answer) }
            }
            throw ScratchDisk.Failure(message: "a full disk took 2,000 claims")
        }
    }
}
