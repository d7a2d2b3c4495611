package import PostgresClient
package import Replication

extension RegistryStore {
    /// Which database a connection leads to. A streaming replica has its primary's identity; a restored dump, another
    /// server's database and another one of the same server have not.
    package struct Identity: Hashable, Sendable, CustomStringConvertible {
        /// Of the server's files, given when its cluster was made.
        package let system: String
        /// Of the database among them, PostgreSQL's `oid`: it keeps it when it is renamed.
        package let database: Int64

        package init(system: String, database: Int64) {
            self.system = system
            self.database = database
        }

        package var description: String { "\(system)/\(database)" }
    }

    /// Which database it is, and how far it has come.
    package struct Sight: Hashable, Sendable {
        package let identity: Identity
        /// The one that is in force there: that of a head is the one under which its last entry was decided.
        package let incarnation: UInt32
        package let head: FeedHead

        package init(identity: Identity, incarnation: UInt32, head: FeedHead) {
            self.identity = identity
            self.incarnation = incarnation
            self.head = head
        }
    }

    /// Looks which database it is, and how far it has come; a standby answers, too.
    package func sight() async throws -> Sight {
        try await pool.run { session in
            let identity = try RegistryStore.identity(session)
            let registry = try RegistryRow.read(session)
            return Sight(identity: identity, incarnation: registry.incarnation, head: registry.feedHead)
        }
    }

    /// Which database a connection leads to.
    package static func identity(_ session: PostgresSession) throws -> Identity {
        let result = try session.execute(
            """
            SELECT system_identifier::text, (SELECT oid::bigint FROM pg_database WHERE datname = current_database())
            FROM pg_control_system()
            """)
        return Identity(system: result.text(0, 0), database: result.int(0, 1))
    }
}
