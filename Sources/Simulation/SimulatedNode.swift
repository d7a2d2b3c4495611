import CityStore
import FederationWire
import Replication
import VoucherDomain

/// A city's machine: the production store and the production session, and what their service keeps beside them.
struct SimulatedNode {
    let id: NodeID
    let city: CityCode
    let identity: NodeIdentity
    /// The city's; a new one after its disk was lost, perhaps.
    var key: SigningKey
    var disk: SimulatedDisk
    /// An old copy of the disk; `nil` before the first was made.
    var backup: SimulatedDisk?
    var clock = SimulatedClock()
    var link = SimulatedLink()

    /// Counts starts; what an earlier process was waiting for comes to nothing.
    private(set) var process = 0
    private(set) var isRunning = false
    /// Whether nobody will ever start it again.
    var isRetired = false
    private(set) var processNonce: [UInt8] = []
    var session = CitySession(seed: 0)
    var errands: [Errand] = []
    /// Why replication has stopped, if it has.
    var alarm: String?
    /// Whether an officer has told it to go on with the store that it has.
    var wentOnInPlace = false
    /// How many of the log's entries the history has.
    var notedThrough: UInt64 = 0

    var store: CityStore { disk.store }

    /// A request under way.
    struct Errand {
        enum Purpose {
            /// Asking what the registry has of the log after a head, before the process's first hello.
            case compare(LogHead)
            case hello(Hello)
            /// Asking who holds the log, after the hello was refused.
            case holder(Hello, SimulatedRefusal)
            /// Getting back what a restored store lacks, before the greeting is over.
            case takeBack(HelloAnswer)
            case push(PushBatch)
            case pull(FeedRequest)

            var flow: CitySession.Flow {
                switch self {
                case .compare, .hello, .holder, .takeBack: .hello
                case .push: .push
                case .pull: .feed
                }
            }
        }

        let id: UInt64
        let purpose: Purpose
    }

    /// Starts a process.
    mutating func start(_ random: inout SeededGenerator) {
        process += 1
        isRunning = true
        processNonce = random.bytes(16)
        session = CitySession(seed: random.next())
        errands = []
        alarm = nil
    }

    /// Ends the process; nothing but the store is left.
    mutating func stop() {
        isRunning = false
        process += 1
        errands = []
    }
}

/// The way between a node and the registry.
struct SimulatedLink: Hashable {
    var passesRequests = true
    var passesAnswers = true
}
