import CityStore
import Replication
import Synchronization

/// A city's disk: production's store in memory, whose entries have seeded ids.
final class SimulatedDisk: Sendable {
    let store: CityStore
    private let ids = EntryIDs()

    private init() throws { store = try CityStore(inMemory: ids.next) }

    private final class EntryIDs: Sendable {
        private let generator = Mutex(SeededGenerator(seed: 0))

        func seed(_ generator: SeededGenerator) { self.generator.withLock { $0 = generator } }

        @Sendable func next() -> EntryID { generator.withLock { EntryID(using: &$0) } }
    }

    /// Disks that runs before have used: making a store costs far more than emptying it.
    final class Shelf: Sendable {
        private let disks = Mutex<[SimulatedDisk]>([])

        init() {}

        /// An empty disk.
        func take(_ generator: SeededGenerator) throws -> SimulatedDisk {
            let used = disks.withLock { $0.popLast() }
            let disk = try used ?? SimulatedDisk()
            if used != nil { try disk.store.erase() }
            disk.ids.seed(generator)
            return disk
        }

        func putBack(_ disk: SimulatedDisk) { disks.withLock { $0.append(disk) } }
    }
}
