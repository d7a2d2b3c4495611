import FederationWire
import Foundation
import RegistryStore

/// A file that a command is given by name; `-` is standard input.
enum InputFile {
    /// What `parse` makes of the file's bytes.
    ///
    /// - Throws: ``RegistryRefusal`` that names the file, when it cannot be read or has not the right form.
    static func read<Value>(_ path: String, _ parse: ([UInt8]) throws -> Value) throws -> Value {
        let bytes = try contents(of: path)
        do {
            return try parse(bytes)
        } catch let fault as WireFault {
            throw RegistryRefusal(.invalid, "\(path): \(fault.message)")
        }
    }

    private static func contents(of path: String) throws -> [UInt8] {
        if path == "-" { return Array(FileHandle.standardInput.readDataToEndOfFile()) }
        guard let data = FileManager.default.contents(atPath: path) else {
            throw RegistryRefusal(.notFound, "cannot read \(path): \(String(cString: strerror(errno)))")
        }
        return Array(data)
    }
}
