import Foundation
import Terminal
import Testing

extension BadInputTests {
    @Suite("Ctrl-C and SIGTERM")
    struct SignalTests {
        private let federation = BadInputFederation.current

        @Test(
            "a node that is told to end exits 0, and all that was filed is there and is sent at the next start",
            arguments: [SIGINT, SIGTERM])
        func cityServe(signal: Int32) async throws {
            let city = try await federation.city()
            try await city.served { node in
                let filed = try await city.importClaims(ClaimFile.file(20, of: city))
                #expect(filed.status == 0)

                let status = try await node.stop(signal)
                #expect(status == 0)
            }

            #expect(try await city.claims().count == 20)
            try await city.expectSoundLog()
            try await city.served { _ in try await city.settle() }
            #expect(try await city.claims().allSatisfy { $0.receipt != nil && $0.state != "recorded" })
        }

        @Test("a node that cannot reach the registry exits 0 too", arguments: [SIGINT, SIGTERM])
        func offlineServe(signal: Int32) async throws {
            let city = try await federation.city()
            try await city.served(isOffline: true) { node in
                let filed = try await city.importClaims(ClaimFile.file(1, of: city))
                #expect(filed.status == 0)

                let status = try await node.stop(signal)
                #expect(status == 0)
            }
            #expect(try await city.states() == [city.claim(1): "recorded"])
        }

        @Test(
            "a registry server that is told to end exits 0, and the other one serves on", arguments: [SIGINT, SIGTERM])
        func registryServe(signal: Int32) async throws {
            let city = try await federation.city()
            _ = try await city.importClaims(ClaimFile.file(20, of: city))
            // The last server to start says where new cities find the registry: that stays the first one's URL.
            let first = try federation.registryURL
            let arguments = ["--embedded-postgres", federation.database, "--advertise", first]
            try await Daemon.with(.registry, arguments) { registry in
                // The second server is ended while it talks to the city.
                try await Daemon.with(.city, ["--data", city.data, "--registry", registry.url]) { _ in
                    try await expectEventually { try await city.sync().connected }

                    let status = try await registry.stop(signal)
                    #expect(status == 0)
                }
            }
            try await city.served { _ in try await city.settle() }
            #expect(try await federation.summary(of: city).entries >= 21)
            try await federation.expectSoundJournal()
        }

        @Test(
            "an import that is interrupted keeps what it recorded, and another run completes it",
            arguments: [true, false])
        func interruptedImport(isServed: Bool) async throws {
            let city = try await federation.city()
            let rows = 10_000
            let path = try city.write(ClaimFile.file(rows, of: city), "many.csv")
            let status: Int32
            if isServed {
                status = try await city.served(isOffline: true) { _ in try await interrupt(city, path) }
            } else {
                status = try await interrupt(city, path)
            }

            #expect(status != 0)
            let recorded = try await city.sync().log_head - 1
            #expect(
                recorded > 0 && recorded < rows, "\(recorded) rows were recorded: the test came too early or too late")
            try await city.expectSoundLog()
            let completed = try await city.run(["import", "claims", path])
            #expect(completed.status == 0, "\(completed.errors)")
            #expect(
                completed.summary.contains("\(rows) rows, \(rows - recorded) recorded, \(recorded) unchanged"),
                "\(recorded) before: \(completed.summary)")
            #expect(try await city.sync().log_head == rows + 1)
            try await city.expectSoundLog()
        }

        /// Starts an import and interrupts it once it has said that it is under way.
        ///
        /// - Returns: Its exit code.
        private func interrupt(_ city: TestCity, _ path: String) async throws -> Int32 {
            let files = OutputFiles()
            defer { files.remove() }
            // A test runner in the background may have SIGINT ignored, which its children would inherit.
            let command = try Program.city.command(
                ["import", "claims", path, "--data", city.data], ["/usr/bin/env", "--default-signal=INT"])
            let child = try ChildProgram.start(command, output: files.output, errors: files.errors)
            let isUnderWay = try await eventually { files.errorText.contains("claims: ") }
            kill(child, SIGINT)
            let status = try await ChildEnd.wait(for: child)
            #expect(isUnderWay)
            return status
        }
    }
}
