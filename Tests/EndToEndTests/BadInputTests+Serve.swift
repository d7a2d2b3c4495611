import Foundation
import Testing

extension BadInputTests {
    @Suite("Serving where it cannot be")
    struct ServeTests {
        private let federation = BadInputFederation.current

        @Test("a city's node on a port in use ends with what to do, and leaves the directory free")
        func cityPortInUse() async throws {
            let (holder, city) = (try await federation.city(), try await federation.city())
            try await holder.served { node in
                let result = try await city.run(["serve", "--listen", "127.0.0.1:\(node.port)"])

                #expect(result.status == 1)
                #expect(result.output == "", "ready was said of a server that is not")
                result.expectSaid("the address is in use")
                result.expectSaid("--listen HOST:PORT")
                #expect(try await city.sync().log_head >= 1)
                try await expectEventually { try await holder.sync().connected }
            }
        }

        @Test("a registry on a port in use ends with what to do, and changes nothing for the other")
        func registryPortInUse() async throws {
            let address = try federation.registryURL.replacing("https://", with: "")

            let result = try await federation.registry(["serve", "--listen", address])

            #expect(result.status == 1)
            #expect(result.output == "")
            result.expectSaid("the address is in use")
            result.expectSaid("--listen HOST:PORT")
            let city = try await federation.city()
            try await city.served { _ in try await city.settle() }
        }

        @Test(
            "an address that is none is wrong usage",
            arguments: ["", "8441", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", "0.0.0.0:0"])
        func wrongAddress(address: String) async throws {
            let city = try await federation.city(withVoucher: false)

            let result = try await city.run(["serve", "--listen", address])

            #expect(result.status == 64)
            #expect(
                result.errors.contains("--listen is HOST:PORT") || result.errors.contains("loopback only"),
                "\(result.errors)")
        }

        @Test("a directory that another process serves is named, and the other serves on")
        func lockedDirectory() async throws {
            let city = try await federation.city()
            try await city.served { _ in
                let result = try await city.run(["serve", "--listen", "127.0.0.1:0"])

                #expect(result.status == 1)
                #expect(result.output == "")
                result.expectSaid("another city-node runs on \(city.data): stop it first")
                #expect(try await city.importClaims(ClaimFile.file(1, of: city)).status == 0)
                try await city.settle()
            }
        }

        @Test(
            "a directory that is no node's is named, and nothing is made of it",
            arguments: [["serve"], ["status"], ["log", "verify"], ["claim", "list"]])
        func noNode(verb: [String]) async throws {
            let city = TestCity(code: "999999", data: federation.freshPath())

            let result = try await city.run(verb)

            #expect(result.status == 1)
            #expect(result.output == "")
            #expect(result.errors.contains(city.data), "it must say where: \(result.errors)")
            #expect(result.errors.contains("city-node join TOKEN"), "it must say what to do: \(result.errors)")
            #expect(!FileManager.default.fileExists(atPath: city.data), "a store was made for no city")
        }

        @Test(
            "a directory that cannot be made is named with the reason",
            arguments: ["/proc/nowhere/node", "/dev/null/node"])
        func impossibleDirectory(path: String) async throws {
            let (_, token) = try await federation.enrolledCity()
            let city = TestCity(code: "999999", data: path)

            let result = try await city.run(["join", token])

            #expect(result.status == 1)
            result.expectSaid(path)
            #expect(!result.errors.contains("NSCocoaErrorDomain"), "no sentence: \(result.errors)")
        }

        @Test(
            "a registry whose directory cannot be made says which, in a sentence",
            arguments: ["--embedded-postgres", "--state"])
        func impossibleRegistryDirectory(option: String) async throws {
            let path = "/proc/nowhere/registry"
            let database = option == "--state" ? ["--database", "postgresql://127.0.0.1:1/registry"] : []

            let result = try await Program.registry.run(["serve", option, path, "--listen", "127.0.0.1:0"] + database)

            #expect(result.status == 1)
            #expect(result.output == "")
            result.expectSaid(path)
            #expect(!result.errors.contains("NSCocoaErrorDomain"), "no sentence: \(result.errors)")
        }

        /// A directory stands where the token would be written, which stops root too.
        @Test("a node that cannot write its token ends with a sentence, not a crash")
        func unwritableToken() async throws {
            let city = try await federation.city(withVoucher: false)
            try FileManager.default.createDirectory(
                atPath: "\(city.data)/api-token.new", withIntermediateDirectories: true)

            let result = try await city.run(["serve", "--listen", "127.0.0.1:0"])

            #expect(result.status == 1)
            result.expectSaid("cannot write \(city.data)/api-token")
        }

        @Test("a node without its key ends with what to do", arguments: [nil, "short"])
        func damagedKey(content: String?) async throws {
            let city = try await federation.city(withVoucher: false)
            unlink("\(city.data)/city-key")
            if let content { try Data(content.utf8).write(to: URL(fileURLWithPath: "\(city.data)/city-key")) }

            let result = try await city.run(["serve", "--listen", "127.0.0.1:0"])

            #expect(result.status == 1)
            result.expectSaid("\(city.data)/city-key")
            result.expectSaid("restore it from its backup")
        }

        @Test("where a killed server listened nobody is sent the token any more")
        func killedServer() async throws {
            let city = try await federation.city(withVoucher: false)
            let file = "\(city.data)/serving-url"
            // Somebody else listens there now.
            try Data("http://127.0.0.1:1".utf8).write(to: URL(fileURLWithPath: file))

            let result = try await city.run(["status"])

            #expect(result.status == 0, "\(result.errors)")
            #expect(!FileManager.default.fileExists(atPath: file))
        }

        /// On a database of its own: what is signed by another key would spoil the suite's journal.
        @Test("a state directory that is not this database's is refused by every verb that signs, and signs nothing")
        func otherState() async throws {
            let database = federation.freshPath("registry")
            try await Daemon.with(.registry, ["--embedded-postgres", database]) { _ in
                for verb in [["serve", "--listen", "127.0.0.1:0"], ["city", "enroll", "654321", "城"]] {
                    let other = ["--embedded-postgres", database, "--state", federation.freshPath("state")]
                    let result = try await Program.registry.run(verb + other)

                    #expect(result.status == 1, "\(verb)")
                    #expect(result.output == "", "a token by another key is no use to anybody")
                    result.expectSaid("--state")
                }
                let audit = try await Program.registry.run(["audit", "verify", "--embedded-postgres", database])
                #expect(audit.status == 0, "\(audit.errors)")
            }
        }
    }
}
