// swift-tools-version: 6.2
import PackageDescription

/// One set of rules for every target; `UseAccessLevelOnImports` keeps the generated protobuf within it too.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),  // SE-0335
    .enableUpcomingFeature("InternalImportsByDefault"),  // SE-0409
    .enableUpcomingFeature("MemberImportVisibility"),  // SE-0444
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),  // SE-0461
    .treatAllWarnings(as: .error),
    // The domain's small functions are called from every layer; without this each call is a generic one.
    .unsafeFlags(["-cross-module-optimization"], .when(configuration: .release)),
]

// Products of other packages, named once.
let argumentParser: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")
let asyncHTTPClient: Target.Dependency = .product(name: "AsyncHTTPClient", package: "async-http-client")
let collections: Target.Dependency = .product(name: "Collections", package: "swift-collections")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let grdb: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let grdbSQLite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let httpTypes: Target.Dependency = .product(name: "HTTPTypes", package: "swift-http-types")
let hummingbird: Target.Dependency = .product(name: "Hummingbird", package: "hummingbird")
let hummingbirdTLS: Target.Dependency = .product(name: "HummingbirdTLS", package: "hummingbird")
let jwtKit: Target.Dependency = .product(name: "JWTKit", package: "jwt-kit")
let logging: Target.Dependency = .product(name: "Logging", package: "swift-log")
let coreMetrics: Target.Dependency = .product(name: "CoreMetrics", package: "swift-metrics")
let metrics: Target.Dependency = .product(name: "Metrics", package: "swift-metrics")
let mustache: Target.Dependency = .product(name: "Mustache", package: "swift-mustache")
let nioCore: Target.Dependency = .product(name: "NIOCore", package: "swift-nio")
let nioEmbedded: Target.Dependency = .product(name: "NIOEmbedded", package: "swift-nio")
let nioFoundationCompat: Target.Dependency = .product(name: "NIOFoundationCompat", package: "swift-nio")
let nioHTTP1: Target.Dependency = .product(name: "NIOHTTP1", package: "swift-nio")
let nioPosix: Target.Dependency = .product(name: "NIOPosix", package: "swift-nio")
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let protobuf: Target.Dependency = .product(name: "SwiftProtobuf", package: "swift-protobuf")
let serviceLifecycle: Target.Dependency = .product(name: "ServiceLifecycle", package: "swift-service-lifecycle")
let structuredHeaders: Target.Dependency =
    .product(name: "StructuredFieldValues", package: "swift-http-structured-headers")
let rawStructuredHeaders: Target.Dependency =
    .product(name: "RawStructuredFieldValues", package: "swift-http-structured-headers")
let swiftASN1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")

let package = Package(
    name: "voucher-federation",
    // For Tests/Benchmarks, which is a package of its own. The programs are products by themselves.
    products: [.library(name: "BenchmarkSubjects", targets: ["BenchmarkSubjects"])],
    traits: [
        // Off in everything that is delivered: see `federation-lab bugs`.
        .trait(name: "SeededBugs", description: "Compile in the defects that the test bench must find.")
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-asn1", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-certificates", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-http-structured-headers", from: "1.7.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-protobuf", from: "1.39.0"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1"),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
        .package(url: "https://github.com/swift-server/swift-service-lifecycle", from: "2.13.0"),
        .package(url: "https://github.com/vapor/jwt-kit", from: "5.7.1"),
    ],
    targets: [
        // The pure core: no I/O, no clock, no randomness of its own.
        .target(name: "VoucherDomain", swiftSettings: settings),
        .target(name: "SeededBugs", swiftSettings: settings),
        .target(name: "Arbitration", dependencies: ["SeededBugs", "VoucherDomain", crypto], swiftSettings: settings),
        .target(
            name: "Replication", dependencies: ["Arbitration", "SeededBugs", "VoucherDomain", crypto],
            swiftSettings: settings),
        .target(
            name: "FederationWire",
            dependencies: [
                "Arbitration", "Replication", "SeededBugs", "VoucherDomain", crypto, protobuf, rawStructuredHeaders,
            ], swiftSettings: settings),
        // Where a daemon can be started to die; depends on nothing.
        .target(name: "Failpoints", swiftSettings: settings),
        // Embedded files: migrations and the default policy.
        .target(
            name: "RegistrySchema", path: "Schemas/registry", exclude: ["registry_current.sql"],
            resources: [.embedInCode("Migrations")], swiftSettings: settings),
        .target(
            name: "DefaultPolicy", path: "Schemas/policy", exclude: ["policy.schema.json"],
            resources: [.embedInCode("default_policy.json")], swiftSettings: settings),

        .target(
            name: "OpenAPIDocuments", path: "Schemas/openapi",
            resources: [.embedInCode("registry.json"), .embedInCode("city.json")], swiftSettings: settings),

        // PostgreSQL.
        .systemLibrary(name: "CLibPQ", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        .target(name: "PostgresClient", dependencies: ["CLibPQ", collections], swiftSettings: settings),
        .target(
            name: "RegistryStore",
            dependencies: [
                "Arbitration", "Failpoints", "FederationWire", "PostgresClient", "RegistrySchema", "Replication",
                "VoucherDomain", crypto,
            ], swiftSettings: settings),

        // SQLite.
        .target(
            name: "CitySchema", path: "Schemas/city", exclude: ["city_current.sql"],
            resources: [.embedInCode("Migrations")], swiftSettings: settings),
        .target(
            name: "CityStore",
            dependencies: [
                "Arbitration", "CitySchema", "Failpoints", "FederationWire", "Replication", "SeededBugs",
                "VoucherDomain", grdb, grdbSQLite,
            ], swiftSettings: settings),

        // Production's pure code and the city's store in a world of its own: virtual time, seeded faults.
        .target(
            name: "Simulation",
            dependencies: [
                "Arbitration", "CityStore", "DefaultPolicy", "FederationWire", "Replication", "VoucherDomain", crypto,
            ], swiftSettings: settings),

        // Every write and sync of the city's store under record, and crashes between any two of them. In no program but
        // the laboratory.
        .target(
            name: "CRecordingVFS", dependencies: [grdbSQLite], linkerSettings: [.linkedLibrary("sqlite3")]),
        .target(
            name: "CrashImages",
            dependencies: [
                "Arbitration", "CRecordingVFS", "CityStore", "DefaultPolicy", "FederationWire", "Replication",
                "VoucherDomain", grdb,
            ], swiftSettings: settings),

        // Journals from seeds, and audits that follow them with books of their own: for tests and for the laboratory.
        .target(
            name: "GeneratedJournals", dependencies: ["Arbitration", "Replication", "VoucherDomain"],
            swiftSettings: settings),

        // HTTP and terminal conventions that both programs share.
        .target(
            name: "FederationHTTP",
            dependencies: [
                "Failpoints", "VoucherDomain", coreMetrics, crypto, httpTypes, hummingbird, nioCore, nioSSL,
            ], swiftSettings: settings),
        .target(name: "Terminal", dependencies: ["VoucherDomain", argumentParser], swiftSettings: settings),
        // What both consoles in the browser share: pages, languages, sessions, and what keeps them safe.
        .target(
            name: "WebConsole",
            dependencies: ["FederationHTTP", "VoucherDomain", crypto, httpTypes, hummingbird, mustache, nioCore],
            resources: [.embedInCode("Resources")], swiftSettings: settings),

        // The two programs, as libraries.
        .target(
            name: "NationalRegistry",
            dependencies: [
                "Arbitration", "DefaultPolicy", "Failpoints", "FederationHTTP", "FederationWire", "OpenAPIDocuments",
                "PostgresClient", "RegistryStore", "Replication", "Terminal", "VoucherDomain", "WebConsole",
                argumentParser, asyncHTTPClient, crypto, httpTypes, hummingbird, hummingbirdTLS, jwtKit, logging,
                metrics, nioCore, nioHTTP1, nioSSL, serviceLifecycle, swiftASN1, x509,
            ], resources: [.embedInCode("Resources")], swiftSettings: settings),
        .executableTarget(
            name: "national-registry", dependencies: ["NationalRegistry", argumentParser], swiftSettings: settings),
        .target(
            name: "CityNode",
            dependencies: [
                "Arbitration", "CityStore", "Failpoints", "FederationHTTP", "FederationWire", "OpenAPIDocuments",
                "Replication", "Terminal", "VoucherDomain", "WebConsole", argumentParser, asyncHTTPClient, crypto,
                httpTypes, hummingbird, logging, metrics, nioCore, nioFoundationCompat, nioPosix, nioSSL,
                serviceLifecycle,
            ], resources: [.embedInCode("Resources")], swiftSettings: settings),
        .executableTarget(name: "city-node", dependencies: ["CityNode", argumentParser], swiftSettings: settings),
        .target(
            name: "Laboratory",
            dependencies: [
                "Arbitration", "CityNode", "CityStore", "CrashImages", "DefaultPolicy", "Failpoints", "FederationHTTP",
                "FederationWire", "GeneratedJournals", "NationalRegistry", "PostgresClient", "RegistryStore",
                "Replication", "SeededBugs", "Simulation", "Terminal", "VoucherDomain", argumentParser,
                asyncHTTPClient, grdb, nioCore, nioHTTP1, nioSSL,
            ], swiftSettings: settings),
        .executableTarget(
            name: "federation-lab", dependencies: ["Laboratory", "city-node", "national-registry", argumentParser],
            swiftSettings: settings),

        // Tests.
        .target(
            name: "TestSupport",
            dependencies: [
                "Arbitration", "GeneratedJournals", "NationalRegistry", "PostgresClient", "Replication",
                "VoucherDomain",
            ],
            path: "Tests/TestSupport", swiftSettings: settings),
        // What Tests/Benchmarks counts the instructions of.
        .target(
            name: "BenchmarkSubjects",
            dependencies: ["Arbitration", "FederationWire", "GeneratedJournals", "Replication", "VoucherDomain"],
            path: "Tests/BenchmarkSubjects", swiftSettings: settings),
        .testTarget(
            name: "VoucherDomainTests", dependencies: ["Replication", "TestSupport", "VoucherDomain"],
            swiftSettings: settings),
        .testTarget(
            name: "ArbitrationTests", dependencies: ["Arbitration", "Replication", "TestSupport", "VoucherDomain"],
            swiftSettings: settings),
        .testTarget(
            name: "ReplicationTests", dependencies: ["Arbitration", "Replication", "VoucherDomain"],
            swiftSettings: settings),
        .testTarget(
            name: "FederationWireTests",
            dependencies: ["Arbitration", "FederationWire", "Replication", "VoucherDomain", protobuf],
            swiftSettings: settings),
        .testTarget(
            name: "PostgresClientTests", dependencies: ["PostgresClient", "TestSupport"], swiftSettings: settings),
        .testTarget(
            name: "RegistryStoreTests",
            dependencies: [
                "Arbitration", "DefaultPolicy", "FederationWire", "PostgresClient", "RegistrySchema", "RegistryStore",
                "Replication", "TestSupport", "VoucherDomain",
            ], swiftSettings: settings),
        .testTarget(
            name: "RecoveryTests",
            dependencies: [
                "Arbitration", "CityStore", "FederationWire", "PostgresClient", "RegistryStore", "Replication",
                "Simulation", "TestSupport", "VoucherDomain",
            ], swiftSettings: settings),
        .testTarget(
            name: "CityStoreTests",
            dependencies: [
                "Arbitration", "CityStore", "CrashImages", "DefaultPolicy", "FederationWire", "Replication",
                "TestSupport", "VoucherDomain", grdb, grdbSQLite,
            ], swiftSettings: settings),
        .testTarget(
            name: "SimulationTests",
            dependencies: [
                "Arbitration", "CityStore", "FederationWire", "PostgresClient", "RegistryStore", "Replication",
                "Simulation", "TestSupport", "VoucherDomain",
            ], swiftSettings: settings),
        .testTarget(
            name: "LaboratoryTests",
            dependencies: [
                "Arbitration", "BenchmarkSubjects", "DefaultPolicy", "FederationWire", "Laboratory", "Replication",
                "SeededBugs", "Simulation", "TestSupport", "VoucherDomain",
            ], swiftSettings: settings),
        .testTarget(
            name: "WebConsoleTests",
            dependencies: [
                "Arbitration", "FederationHTTP", "GeneratedJournals", "VoucherDomain", "WebConsole", httpTypes,
                hummingbird, nioCore,
            ], swiftSettings: settings),
        .testTarget(name: "TerminalTests", dependencies: ["Terminal", argumentParser], swiftSettings: settings),
        .testTarget(name: "HouseRulesTests", dependencies: ["Failpoints"], swiftSettings: settings),
        .testTarget(
            name: "EndToEndTests",
            dependencies: [
                "Arbitration", "CityNode", "DefaultPolicy", "Failpoints", "FederationHTTP", "FederationWire",
                "Laboratory", "NationalRegistry", "PostgresClient", "RegistryStore", "Replication", "Terminal",
                "TestSupport", "VoucherDomain", "WebConsole", asyncHTTPClient, crypto, httpTypes, hummingbird,
                hummingbirdTLS, logging, nioCore, nioEmbedded, nioHTTP1, nioSSL, serviceLifecycle,
            ], swiftSettings: settings),
    ]
)
