package import Arbitration
import FederationWire
package import PostgresClient
package import Replication
import VoucherDomain

/// The registry's PostgreSQL database: everything that is SQL is in this module, and nothing else is.
///
/// Each method is one transaction that keeps the invariants of the schema; any number of processes may use one
/// database. Decisions are made by one arbiter at a time (``Arbiter``).
package struct RegistryStore: Sendable {
    package let pool: PostgresPool
    package let secrets: RegistrySecrets
    /// What this process speaks and reads.
    let dialect: Dialect
    let policies = PolicyCache()
    /// Tells processes apart.
    let processNonce: [UInt8]

    package init(pool: PostgresPool, secrets: RegistrySecrets, dialect: Dialect = .current) {
        self.pool = pool
        self.secrets = secrets
        self.dialect = dialect
        var generator = SystemRandomNumberGenerator()
        processNonce = EntryID(using: &generator).rawValue
    }

    /// Notified when a batch was committed: the arbiter has work.
    package static let inboxChannel = "federation_inbox"
    /// Notified when the feed grew.
    package static let feedChannel = "federation_feed"
}

/// What the registry alone knows: its signing key and the secrets behind the feed. Kept outside the database.
package struct RegistrySecrets: Sendable {
    package let signingKey: SigningKey
    package let keyEpoch: UInt32
    /// Behind the keyed hashes; every city has it.
    package let federationSecret: [UInt8]
    /// Behind the cities' detail keys; it never leaves the registry.
    package let detailMaster: [UInt8]

    package init(signingKey: SigningKey, keyEpoch: UInt32, federationSecret: [UInt8], detailMaster: [UInt8]) {
        self.signingKey = signingKey
        self.keyEpoch = keyEpoch
        self.federationSecret = federationSecret
        self.detailMaster = detailMaster
    }

    /// One digest of all of them, which betrays none.
    var digest: [UInt8] {
        Secret.stored(
            signingKey.publicKey.bytes + withUnsafeBytes(of: keyEpoch.bigEndian, Array.init) + federationSecret
                + detailMaster)
    }

    package var hasher: KeyHasher { KeyHasher(epoch: keyEpoch, secret: federationSecret) }
}

/// A request that the store refuses, in words for whoever made it.
package struct RegistryRefusal: Error, Hashable, Sendable {
    package struct Code: Hashable, Sendable {
        private enum Raw {
            case unknownCity, exists, suspended, tokenUnusable, fenced, diverged, invalid, notFound, notInitialised
            case recovering, unknownFeedHead
        }
        private let raw: Raw

        package static let unknownCity = Code(raw: .unknownCity)
        package static let exists = Code(raw: .exists)
        package static let suspended = Code(raw: .suspended)
        package static let tokenUnusable = Code(raw: .tokenUnusable)
        package static let fenced = Code(raw: .fenced)
        package static let diverged = Code(raw: .diverged)
        package static let invalid = Code(raw: .invalid)
        package static let notFound = Code(raw: .notFound)
        package static let notInitialised = Code(raw: .notInitialised)
        /// The reader's cursor is not on this feed: one of both was restored to an earlier point.
        package static let unknownFeedHead = Code(raw: .unknownFeedHead)
        /// Not now: the database was restored and is being filled again.
        package static let recovering = Code(raw: .recovering)

        /// The kind of its problem document (protocol page §10).
        package var kind: String {
            switch raw {
            case .unknownCity: "unknown-city"
            case .exists: "exists"
            case .suspended: "suspended"
            case .tokenUnusable: "token"
            case .fenced: "fenced"
            case .diverged: "diverged"
            case .notFound: "not-found"
            case .unknownFeedHead: "unknown-feed-head"
            case .recovering: "recovering"
            case .invalid, .notInitialised: "invalid"
            }
        }
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }
}
