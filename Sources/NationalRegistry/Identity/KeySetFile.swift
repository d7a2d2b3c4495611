import Foundation
import Synchronization

/// A JSON Web Key Set in a file, which an operator fetches by whatever way the network allows; read again when the file
/// has changed.
final class KeySetFile: Sendable {
    private let path: String
    private struct Known {
        let modified: Date
        let keys: KeySet
    }
    private let known = Mutex<Known?>(nil)

    /// - Throws: ``IdentityProvider/Failure`` when there is no key set in the file.
    init(path: String) throws {
        self.path = path
        _ = try read()
    }

    /// The keys of the file; the last good ones while it is being written. A file that is gone, or a set without keys, calls
    /// nobody.
    func read() throws -> KeySet {
        let modified = (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date
        return try known.withLock { known in
            if let known, let modified, known.modified == modified { return known.keys }
            guard let modified, let data = FileManager.default.contents(atPath: path) else {
                throw IdentityProvider.Failure(description: "cannot read the identity provider's keys in \(path)")
            }
            guard let keys = KeySet(data) else {
                if let known { return known.keys }
                throw IdentityProvider.Failure(description: "\(path) is no JSON Web Key Set")
            }
            known = Known(modified: modified, keys: keys)
            return keys
        }
    }
}
