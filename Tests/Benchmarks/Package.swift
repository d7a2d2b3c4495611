// swift-tools-version: 6.2
import PackageDescription

// Apart from the main package, so that nobody who builds that one builds this: see README.md beside this file.
let package = Package(
    name: "benchmarks",
    dependencies: [.package(name: "voucher-federation", path: "../..")],
    targets: [
        .executableTarget(
            name: "benchmarks",
            dependencies: [.product(name: "BenchmarkSubjects", package: "voucher-federation")])
    ]
)
