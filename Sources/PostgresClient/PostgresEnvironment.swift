import CLibPQ
import Foundation

/// A database's URL as the environment of one of PostgreSQL's own programs: what stands among a program's arguments every
/// user of the machine can read, the password in it too.
package struct PostgresEnvironment: Sendable {
    /// What the URL says, by the names of libpq's environment variables.
    package let variables: [String: String]
    /// What it says and no variable can.
    private let rest: [String]

    /// - Parameter url: As libpq takes it: a URL, or pairs such as `host=… dbname=…`.
    /// - Throws: ``PostgresError`` with ``PostgresError/Code/connectionFailure`` when it is neither.
    package init(url: String) throws {
        var message: UnsafeMutablePointer<CChar>?
        guard let options = PQconninfoParse(url, &message) else {
            defer { PQfreemem(message) }
            throw PostgresError(
                code: .connectionFailure,
                message: message.map { String(cString: $0).trimmingCharacters(in: .whitespacesAndNewlines) }
                    ?? "the database's URL cannot be read")
        }
        defer { PQconninfoFree(options) }
        var variables: [String: String] = [:]
        var rest: [String] = []
        var option = options
        while let keyword = option.pointee.keyword {
            if let value = option.pointee.val.map({ String(cString: $0) }) {
                if let name = option.pointee.envvar {
                    variables[String(cString: name)] = value
                } else {
                    rest.append(PostgresEnvironment.pair(String(cString: keyword), value))
                }
            }
            option += 1
        }
        self.variables = variables
        self.rest = rest
    }

    /// What stands for `--dbname`: which database, whatever the variables say of it, and what no variable can say.
    package func text(naming database: String) -> String {
        ([PostgresEnvironment.pair("dbname", database)] + rest).joined(separator: " ")
    }

    private static func pair(_ keyword: String, _ value: String) -> String {
        let quoted = value.replacing("\\", with: "\\\\").replacing("'", with: "\\'")
        return "\(keyword)='\(quoted)'"
    }
}
