import Failpoints

/// A fault that the drill can bring about.
enum DrillFault: Hashable, Sendable {
    /// A daemon kills itself at this step.
    case kill(Failpoint)
    /// PostgreSQL ends at once, as at a power cut.
    case databaseStop
    /// The registry's connection to PostgreSQL breaks inside a COMMIT.
    case commitCut(Relay.Cut)
    /// Between a city and the registry nothing passes for a while.
    case partition(Relay.Manner)
    /// A clock is wrong.
    case clock(Drill.WrongClock)
    /// The registry is put back to an earlier point.
    case registryLoss(Drill.RegistryLoss)
    /// A standby that had fallen behind is promoted under a running registry.
    case standbyPromoted
    /// A city's store is lost and restored from a backup.
    case cityRestored
    /// An earlier copy of a city's machine is switched on.
    case cityCopied
    /// The cable between a city and its registry server is pulled.
    case cable
    /// A city's disk is full.
    case cityDisk
    /// PostgreSQL's disk is full.
    case databaseDisk

    static let all: [DrillFault] =
        Failpoint.allCases.map(DrillFault.kill) + [.databaseStop]
        + CommitWatch.Kind.allCases.flatMap { kind in
            [false, true].map { .commitCut(Relay.Cut(kind: kind, isCommitted: $0)) }
        } + [.partition(.refuse), .partition(.silence), .cable, .cityDisk, .databaseDisk]
        + Drill.WrongClock.all.map(DrillFault.clock) + Drill.RegistryLoss.allCases.map(DrillFault.registryLoss) + [
            .standbyPromoted, .cityRestored, .cityCopied,
        ]

    /// What it is called on the command line.
    var name: String {
        switch self {
        case .kill(let point): point.rawValue
        case .databaseStop: "database.stop"
        case .commitCut(let cut): "commit.\(cut.kind.rawValue).\(cut.isCommitted ? "unheard" : "lost")"
        case .partition(let manner): "partition.\(manner)"
        case .clock(let clock): "clock.\(clock.name)"
        case .registryLoss(let loss): "registry.\(loss.rawValue)"
        case .standbyPromoted: "registry.standby"
        case .cityRestored: "city.backup"
        case .cityCopied: "city.copy"
        case .cable: "partition.cable"
        case .cityDisk: "disk.city"
        case .databaseDisk: "disk.database"
        }
    }

    /// Its number in the catalogue of faults.
    var id: String {
        switch self {
        case .kill(let point): point.program == .city ? "F1" : "F2"
        case .databaseStop, .commitCut: "F7"
        case .partition, .cable: "F9"
        case .cityDisk, .databaseDisk: "F5"
        case .clock: "F11"
        case .registryLoss, .standbyPromoted: "F8"
        case .cityRestored: "F14"
        case .cityCopied: "F13"
        }
    }

    /// Why it cannot be brought about on this machine; `nil` where it can.
    var obstacle: String? {
        switch self {
        case .kill, .databaseStop, .commitCut, .partition, .clock, .registryLoss, .standbyPromoted, .cityRestored,
            .cityCopied:
            nil
        case .cable: NetworkNamespace.isPossible ? nil : NetworkNamespace.reason
        case .cityDisk, .databaseDisk: ScratchDisk.isPossible ? nil : ScratchDisk.reason
        }
    }

    init?(name: String) {
        guard let fault = DrillFault.all.first(where: { $0.name == name }) else { return nil }
        self = fault
    }
}

extension Death {
    /// A death that finds work under way: the first batch and the first page after a start are the node's own.
    ///
    /// - Parameter round: From 0; each round dies one arrival later.
    init(at point: Failpoint, round: Int) {
        let isAlsoAtStart: Set<Failpoint> = [
            .pushUnsent, .pushAnswered, .receiptUncommitted, .receiptCommitted, .pageAnswered, .pageUncommitted,
            .pageCommitted,
        ]
        self.init(point: point, arrival: (isAlsoAtStart.contains(point) ? 2 : 1) + round)
    }
}
