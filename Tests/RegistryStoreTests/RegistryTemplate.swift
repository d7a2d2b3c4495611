import RegistryStore
import TestSupport
import Testing

/// What databases of this target's tests begin with.
enum RegistryTemplate {
    /// The schema as the migrations make it, and no registry: tests have policies of their own.
    static let schema = Task<DatabaseTemplate, any Error> {
        try await DatabaseTemplate { pool in
            let store = RegistryStore(pool: pool, secrets: .test)
            // A policy that cannot be used ends it behind the schema, with nothing of a registry.
            let refusal = await #expect(throws: RegistryRefusal.self) {
                try await store.migrate(policyDocument: Array("{}".utf8), now: .noon)
            }
            try #require(refusal?.code == .invalid)
        }
    }
}

extension Trait where Self == TestDatabaseTrait {
    /// A database with the schema of a registry, which ``TestRegistry/init(policy:on:)`` need not make.
    static var registryDatabase: Self { TestDatabaseTrait(copying: { try await RegistryTemplate.schema.value }) }
}
