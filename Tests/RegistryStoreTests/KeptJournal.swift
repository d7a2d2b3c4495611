import Replication
import Synchronization
import TestSupport

/// A generated journal that several tests look at: pushed once in this process, to a database that is copied for each of
/// them.
struct KeptJournal: Sendable {
    private let database: DatabaseTemplate
    private let order: [Entry]

    private struct Recipe: Hashable {
        let seed: UInt64
        let length: Int
        let decidesMeanwhile: Bool
        let isDecided: Bool
    }
    private static let kept = Mutex<[Recipe: Task<KeptJournal, any Error>]>([:])

    /// Puts a registry that has received such a journal into the database that is leased to the running test.
    ///
    /// - Parameters:
    ///   - decidesMeanwhile: Whether the arbiter decided after every few batches: then there are cases and payments.
    ///   - isDecided: Whether all of it is decided.
    /// - Returns: The registry, and the order in which the journal must be folded.
    static func registry(
        seed: UInt64, length: Int, decidesMeanwhile: Bool, isDecided: Bool
    ) async throws -> (registry: TestRegistry, order: [Entry]) {
        let recipe = Recipe(seed: seed, length: length, decidesMeanwhile: decidesMeanwhile, isDecided: isDecided)
        let task = kept.withLock { kept -> Task<KeptJournal, any Error> in
            if let task = kept[recipe] { return task }
            let task = Task<KeptJournal, any Error> { try await KeptJournal(recipe) }
            kept[recipe] = task
            return task
        }
        let journal = try await task.value
        try await TestDatabase.current.fill(from: journal.database)
        return (TestRegistry(opening: TestDatabase.current.pool), journal.order)
    }

    private init(_ recipe: Recipe) async throws {
        var order: [Entry] = []
        database = try await DatabaseTemplate(copying: RegistryTemplate.schema.value) { pool in
            let registry = try await TestRegistry(policy: PushedJournal.policy, on: pool)
            let journal = try await PushedJournal(
                seed: recipe.seed, length: recipe.length, decidesMeanwhile: recipe.decidesMeanwhile,
                registry: registry)
            if recipe.isDecided { try await registry.decide() }
            order = journal.order
        }
        self.order = order
    }
}
