import Arbitration
import CityStore
import FederationWire
import Replication
import VoucherDomain

/// A whole federation in one value: cities, registry, network and time, driven by one seed on one thread.
///
/// A run has two phases. In the *safety* phase officers file and misfortune strikes, step by step. Then all faults end, and
/// in the *liveness* phase everything must drain within a bound, or the run fails.
struct World {
    let plan: FaultPlan
    var time: UInt64 = 0
    var queue = EventQueue<Happening>()
    /// By ``NodeID``, from 1.
    var nodes: [SimulatedNode] = []
    var registry: SimulatedRegistry
    var memory = RegistryMemory()
    var registryClock = SimulatedClock()
    var liar: LyingCity?
    var workload: Workload
    var history = History()
    var trace: Trace
    let shelf: SimulatedDisk.Shelf

    /// Independent streams of randomness, one a subsystem.
    var networkRandom: SeededGenerator
    var nodeRandom: SeededGenerator
    var faultRandom: SeededGenerator
    var registryRandom: SeededGenerator
    var officerRandom: SeededGenerator
    var operatorRandom: SeededGenerator
    var caseRandom: SeededGenerator
    var bankRandom: SeededGenerator
    var keyRandom: SeededGenerator

    var stepsDone = 0
    /// Whether all faults have ended.
    var isHealing = false
    var isQuiet = false
    /// The city that operators suspend when it next sends something.
    var dueSuspension: CityCode?
    var nextErrand: UInt64 = 0
    /// Requests that the registry has carried out, for replays; the latest ones.
    var recorded: [Envelope] = []
    /// Requests that were lost on their way, which may arrive after all; the latest ones.
    var undelivered: [Envelope] = []
    var looks = 0
    var bank = SimulatedBank()
    var feedSeals = FeedSeals()
    var feedEntries = FeedEntries()

    /// What the registry's process knows by heart: gone when it crashes.
    struct RegistryMemory {
        var isUp = true
        var generation = 0
        var gate = SimulatedGate()
        /// Feed requests that wait for something new.
        var polls: [(id: UInt64, envelope: Envelope, request: FeedRequest)] = []
        /// The virtual time of the last tick of this process.
        var lastTick: UInt64 = 0
        var isArbiterAwake = false
    }

    /// The most looks, one a virtual second, until everything must be quiet: an hour.
    static let mostLooks = 3_600

    init(plan: FaultPlan, shelf: SimulatedDisk.Shelf, keepsTrace: Bool) throws {
        let streams = RandomStreams(seed: plan.seed)
        self.plan = plan
        self.shelf = shelf
        trace = Trace(keepsLines: keepsTrace)
        networkRandom = streams.stream("network")
        nodeRandom = streams.stream("nodes")
        faultRandom = streams.stream("faults")
        registryRandom = streams.stream("registry")
        officerRandom = streams.stream("officers")
        operatorRandom = streams.stream("operators")
        caseRandom = streams.stream("cases")
        bankRandom = streams.stream("bank")
        keyRandom = streams.stream("keys")
        workload = Workload(
            random: streams.stream("workload"), fraud: plan.fraud, receipts: streams.stream("receipts"),
            evidence: plan.evidence)
        registry = try SimulatedRegistry(
            random: streams.stream("registry-ids"), policy: SmallPolicy.document(of: plan),
            now: SimulatedClock.start)
        for index in 1...plan.cities { try found(index) }
        try foundLiar()
        for node in nodes { try start(node.id) }
        queue.add(.tickLook(generation: 0), at: 2_000)
        queue.add(.step, at: 500)
        wakeArbiter()
    }

    /// Lets a city join, before time begins.
    private mutating func found(_ index: Int) throws {
        guard let city = CityCode(rawValue: UInt32(100_000 + 1_000 * index)) else { return }
        let key = RunSecrets.key(city.rawValue)
        let nonce = nodeRandom.bytes(16)
        let (grant, _) = try registry.join(
            city, name: "城市\(index)", key: key.publicKey, processNonce: nonce, now: SimulatedClock.start)
        let identity = World.identity(of: city, index)
        let disk = try shelf.take(RandomStreams(seed: plan.seed).stream("disk-\(index)"))
        try disk.store.establish(identity, epoch: grant.epoch, processNonce: nonce)
        nodes.append(
            SimulatedNode(id: NodeID(rawValue: index), city: city, identity: identity, key: key, disk: disk))
    }

    private mutating func foundLiar() throws {
        guard faultRandom.chance(plan.rate(.liar) > 0 ? 1 : 0), let code = CityCode(rawValue: 900_000) else { return }
        let key = RunSecrets.key(code.rawValue)
        let nonce = nodeRandom.bytes(16)
        let (grant, _) = try registry.join(
            code, name: "谎城", key: key.publicKey, processNonce: nonce, now: SimulatedClock.start)
        liar = LyingCity(
            code: code, key: key, epoch: grant.epoch, random: RandomStreams(seed: plan.seed).stream("liar"))
    }

    static func identity(of city: CityCode, _ index: Int) -> NodeIdentity {
        NodeIdentity(
            city: city, cityName: "城市\(index)", registryURL: "https://registry.invalid",
            registryKey: RunSecrets.registryKey.publicKey, trustAnchor: [], keyEpoch: RunSecrets.hasher.epoch,
            federationSecret: RunSecrets.federationSecret,
            detailKey: DetailCipher.cityKey(master: RunSecrets.detailMaster, city: city))
    }

    // MARK: Running

    /// Runs until everything is quiet, or the bound of the liveness phase is reached.
    mutating func run() throws {
        while !isQuiet, looks < World.mostLooks, let (when, happening) = queue.next() {
            time = when
            try happen(happening)
            takeRegistryEvents()
        }
        if isQuiet { history.end = try endState() }
        for node in nodes {
            shelf.putBack(node.disk)
            if let backup = node.backup { shelf.putBack(backup) }
        }
    }

    private mutating func happen(_ happening: Happening) throws {
        switch happening {
        case .session(let id, let process, let event):
            guard isAlive(id, process) else { return }
            handle(event, at: id)
        case .arrives(let envelope): arrive(envelope)
        case .answered(let envelope, let reply): deliver(reply, of: envelope)
        case .timesOut(let id, let process, let errand):
            guard isAlive(id, process) else { return }
            end(errand, at: id) { _ in throw Unreachable() }
        case .pollEnds(let id): endPoll(id)
        case .arbiter(let generation): if generation == memory.generation { decide() }
        case .tickLook(let generation): if generation == memory.generation { lookAtClock() }
        case .step: try step()
        case .restart(let id) where id == .registry: startRegistry()
        case .restart(let id): try start(id)
        case .link(let id, let link): self[id].link = link
        case .reinstatement(let code): try reinstate(code)
        case .look: try look()
        }
    }

    subscript(id: NodeID) -> SimulatedNode {
        get { nodes[id.rawValue - 1] }
        set { nodes[id.rawValue - 1] = newValue }
    }

    func isAlive(_ id: NodeID, _ process: Int) -> Bool { self[id].isRunning && self[id].process == process }

    // MARK: What is noted

    mutating func note(_ node: NodeID, _ event: History.Event) {
        history.add(History.Moment(time: time, node: node, event: event))
    }

    mutating func note(_ fault: FaultKind, at node: NodeID) {
        trace.note(time, node, "fault \(fault.rawValue)")
        note(node, .fault(fault))
    }

    mutating func note(_ occasion: Sometimes, at node: NodeID) { note(node, .sometimes(occasion)) }

    private mutating func takeRegistryEvents() {
        for event in registry.events {
            if case .decided(let fact) = event {
                trace.note(
                    time, .registry,
                    "decided \(fact.position) \(fact.entry.city)/\(fact.entry.sequence) \(fact.decision), "
                        + "feed \(Array(fact.feedHash.rawValue.prefix(8)).hexadecimal)")
            }
            note(.registry, event)
        }
        registry.events.removeAll(keepingCapacity: true)
    }
}
