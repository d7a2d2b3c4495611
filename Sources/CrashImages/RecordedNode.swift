import CityStore
import Replication
import Synchronization

/// The store of a city in a recorded directory, driven call by call.
struct RecordedNode {
    private let directory: String
    private let ids: CallIDs
    private let checkpointPages: Int
    private(set) var store: CityStore

    /// Opens the store: production's own recovery.
    init(directory: String, seed: UInt64) throws {
        let ids = CallIDs(seed: seed)
        self.directory = directory
        self.ids = ids
        // Often, so that a short scenario has several.
        checkpointPages = 8 + Int(seed % 5) * 8
        store = try CityStore(directory: directory, entryIDs: ids.next, checkpointPages: checkpointPages)
    }

    /// Makes the call that stands at that place of the scenario.
    mutating func perform(_ call: StoreCall, at place: Int) throws -> StoreAnswer {
        ids.begin(place)
        if case .restart = call {
            try store.close()
            store = try CityStore(directory: directory, entryIDs: ids.next, checkpointPages: checkpointPages)
        }
        return try call.perform(on: store, at: place)
    }

    func close() throws { try store.close() }
}

/// Ids of new entries that depend on the place of the call alone, so that a call made again after a crash writes the same.
private final class CallIDs: Sendable {
    private let seed: UInt64
    private let generator: Mutex<SeededGenerator>

    init(seed: UInt64) {
        self.seed = seed
        generator = Mutex(SeededGenerator(seed: seed))
    }

    func begin(_ place: Int) {
        generator.withLock { generator in
            var first = SeededGenerator(seed: seed ^ UInt64(place) << 32)
            generator = SeededGenerator(seed: first.next())
        }
    }

    @Sendable func next() -> EntryID { generator.withLock { EntryID(using: &$0) } }
}
