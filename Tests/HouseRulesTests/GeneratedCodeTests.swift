import Foundation
import Testing

@Suite("Generated code")
struct GeneratedCodeTests {
    /// Where protoc and the plugin are; the plugin is built with the package.
    static var isPossible: Bool {
        let protoc = ["/usr/bin/protoc", "/usr/local/bin/protoc"].contains {
            FileManager.default.isExecutableFile(atPath: $0)
        }
        let plugin = ["protoc-gen-swift", "protoc-gen-swift-tool"].contains { name in
            FileManager.default.isExecutableFile(
                atPath: SourceTree.root.appendingPathComponent(".build/debug/\(name)").path)
        }
        return protoc && plugin
    }

    @Test(
        "the checked-in protobuf code is what the .proto file generates",
        .enabled(if: isPossible, "needs protoc and a built protoc-gen-swift: deploy/generate-protobuf --check"))
    func noDrift() throws {
        let process = Process()
        process.executableURL = SourceTree.root.appendingPathComponent("deploy/generate-protobuf")
        process.arguments = ["--check"]
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()

        #expect(process.terminationStatus == 0)
    }
}
