import Foundation
import Testing

@Suite("Layers")
struct LayerTests {
    /// Each target of the core, and all that it may import. Of `SeededBugs` nothing is left in a build that is delivered.
    static let core: [(target: String, allowed: Set<String>)] = [
        ("VoucherDomain", []),
        ("Arbitration", ["Crypto", "SeededBugs", "VoucherDomain"]),
        ("Replication", ["Arbitration", "Crypto", "SeededBugs", "VoucherDomain"]),
    ]

    @Test(
        "the pure core imports nothing but itself, the crypto library and the names of seeded bugs",
        arguments: core.map(\.target))
    func coreImports(target: String) throws {
        let allowed = try #require(Self.core.first { $0.target == target }).allowed
        for file in try SourceTree.swiftFiles(in: "Sources/\(target)") {
            let foreign = SourceTree.imports(file.text).filter { !allowed.contains($0) }
            #expect(foreign == [], "\(file.path)")
        }
    }

    @Test("the pure core asks no clock, no randomness of its own and no file", arguments: core.map(\.target))
    func coreIsPure(target: String) throws {
        let banned = [
            "Date()", "ContinuousClock", "Task.sleep", "UUID()", "SystemRandomNumberGenerator", "FileManager", "getenv",
        ]
        for file in try SourceTree.swiftFiles(in: "Sources/\(target)") {
            for word in banned { #expect(!file.text.contains(word), "\(file.path) mentions \(word)") }
        }
    }

    @Test("the city's side knows no PostgreSQL, the registry's side no SQLite")
    func programsAreApart() throws {
        for target in ["CitySchema", "CityStore", "CityNode", "city-node"] {
            for file in try SourceTree.swiftFiles(in: target == "CitySchema" ? "Schemas/city" : "Sources/\(target)") {
                let foreign = Set(SourceTree.imports(file.text)).intersection([
                    "CLibPQ", "PostgresClient", "RegistryStore", "NationalRegistry",
                ])
                #expect(foreign == [], "\(file.path)")
            }
        }
        for target in ["PostgresClient", "RegistryStore", "NationalRegistry", "national-registry"] {
            for file in try SourceTree.swiftFiles(in: "Sources/\(target)") {
                let foreign = Set(SourceTree.imports(file.text)).intersection(["GRDB", "CityStore", "CityNode"])
                #expect(foreign == [], "\(file.path)")
            }
        }
    }

    @Test("what both consoles share knows neither store")
    func consolesAreApart() throws {
        let allowed: Set<String> = [
            "Crypto", "FederationHTTP", "Foundation", "HTTPTypes", "Hummingbird", "Mustache", "NIOCore",
            "Synchronization",
            "VoucherDomain",
        ]
        for file in try SourceTree.swiftFiles(in: "Sources/WebConsole") {
            let foreign = SourceTree.imports(file.text).filter { !allowed.contains($0) }
            #expect(foreign == [], "\(file.path)")
        }
    }

    @Test("what records the store's writes is in no program but the laboratory")
    func recordingIsApart() throws {
        for target in ["CityStore", "CityNode", "city-node", "NationalRegistry", "national-registry"] {
            for file in try SourceTree.swiftFiles(in: "Sources/\(target)") {
                let foreign = Set(SourceTree.imports(file.text)).intersection(["CrashImages", "CRecordingVFS"])
                #expect(foreign == [], "\(file.path)")
            }
        }
    }

    @Test("the simulation runs production's code on one thread, without network, disk, clock or randomness of its own")
    func simulationIsClosed() throws {
        let allowed: Set<String> = [
            "Arbitration", "CityStore", "Crypto", "DefaultPolicy", "FederationWire", "Replication", "Synchronization",
            "VoucherDomain",
        ]
        let banned = [
            "Date()", "ContinuousClock", "SuspendingClock", "Task.sleep", "Task {", "await ", "UUID()",
            "SystemRandomNumberGenerator",
            "FileManager",
            "getenv",
        ]
        for file in try SourceTree.swiftFiles(in: "Sources/Simulation") {
            let foreign = SourceTree.imports(file.text).filter { !allowed.contains($0) }
            #expect(foreign == [], "\(file.path)")
            for word in banned { #expect(!file.text.contains(word), "\(file.path) mentions \(word)") }
        }
    }

    @Test("protobuf types stay inside FederationWire")
    func protobufIsContained() throws {
        let folders = try FileManager.default.contentsOfDirectory(
            atPath: SourceTree.root.appendingPathComponent("Sources").path)
        for folder in folders where folder != "FederationWire" {
            for file in try SourceTree.swiftFiles(in: "Sources/\(folder)") {
                #expect(!SourceTree.imports(file.text).contains("SwiftProtobuf"), "\(file.path)")
            }
        }
    }
}
