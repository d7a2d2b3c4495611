package import Arbitration
package import Replication
package import VoucherDomain

/// What happened in a run, as the checkers read it: facts only, noted where they became true.
package struct History: Sendable {
    package struct Moment: Sendable {
        /// Virtual milliseconds since the start.
        package let time: UInt64
        package let node: NodeID
        package let event: Event

        package init(time: UInt64, node: NodeID, event: Event) {
            self.time = time
            self.node = node
            self.event = event
        }
    }

    package enum Event: Sendable {
        /// A node wrote an entry into its own log.
        case appended(EntryFact)
        /// An officer was told that a claim is recorded (L1).
        case acknowledged(ClaimName, EntryFact)
        /// A node stored a receipt: everything through there is received (L2).
        case receipted(CityCode, sequence: UInt64, hash: Digest)
        /// The registry committed an entry; `isRejected` when it will be answered `invalid`.
        case received(EntryFact, session: Epoch, isRejected: Bool)
        /// The registry took a seal's word that nothing will be filed before that time.
        case promised(CityCode, HybridTime)
        /// The registry let a city in under that public key, itself at the start.
        case keyed(CityCode, key: [UInt8])
        /// The registry committed what is under a seal: the records that are new, or none.
        case sealed(SealFact)
        /// The registry granted an epoch to a process.
        case granted(CityCode, Epoch, process: [UInt8])
        /// The registry accepted a batch of this node under that epoch.
        case pushed(CityCode, Epoch)
        /// The registry gave a city something to read: a page of the feed, or of the city's own log.
        case served(CityCode)
        /// The registry's operators suspended a city.
        case suspended(CityCode)
        case reinstated(CityCode)
        case decided(DecisionFact)
        /// A process of a node started, and found its store so.
        case started(StoreFact)
        /// A process of a node began a request of that flow.
        case asked(CitySession.Flow)
        /// Such a request of it ended, whatever came of it; those of a process that ends come to nothing.
        case answered(CitySession.Flow)
        /// A node applied a feed entry.
        case applied(position: UInt64, hash: Digest)
        /// The store of a node is lost: what was only there is gone.
        case diskLost(CityCode)
        /// A node's replication stopped.
        case alarm(CityCode, String)
        /// The bank paid for a claim at the word of this node, in fen.
        case paid(ClaimName, amount: Int64)
        case fault(FaultKind)
        /// Something else that a good run must have seen at least once.
        case sometimes(Sometimes)
    }

    package private(set) var moments: [Moment] = []
    /// The registry's answers, in the order of their positions; kept beside the moments, for most checkers ask for them.
    private(set) var decisions: [DecisionFact] = []
    /// What the registry committed of all logs, in its order.
    private(set) var received: [(fact: EntryFact, isRejected: Bool)] = []

    package init() {}

    package mutating func add(_ moment: Moment) {
        moments.append(moment)
        switch moment.event {
        case .decided(let fact): decisions.append(fact)
        case .received(let fact, _, let isRejected): received.append((fact, isRejected))
        default: break
        }
    }

    /// What every node and the registry came to when all was quiet; `nil` before.
    package var end: EndState?
}

/// An entry of a log, as far as checkers look at it.
package struct EntryFact: Hashable, Sendable {
    package let city: CityCode
    package let epoch: Epoch
    package let sequence: UInt64
    package let hash: Digest
    package let previousHash: Digest
    package let time: HybridTime
    package let id: EntryID
    package let kind: EntryKind

    package init(
        city: CityCode, epoch: Epoch, sequence: UInt64, hash: Digest, previousHash: Digest, time: HybridTime,
        id: EntryID, kind: EntryKind
    ) {
        self.city = city
        self.epoch = epoch
        self.sequence = sequence
        self.hash = hash
        self.previousHash = previousHash
        self.time = time
        self.id = id
        self.kind = kind
    }

    package init(_ entry: Entry) {
        self.init(
            city: entry.city, epoch: entry.epoch, sequence: entry.sequence, hash: entry.hash,
            previousHash: entry.previousHash, time: entry.time, id: entry.id, kind: entry.kind)
    }
}

/// What a store says of the feed that it has applied, and by it of the city's claims.
package struct StoreFact: Hashable, Sendable {
    package let city: CityCode
    package let feedPosition: UInt64
    package let feedHash: Digest
    /// By claim number, as officers see it.
    package let states: [String: String]
    /// Over the national key index.
    package let indexDigest: Digest

    package init(
        city: CityCode, feedPosition: UInt64, feedHash: Digest, states: [String: String], indexDigest: Digest
    ) {
        self.city = city
        self.feedPosition = feedPosition
        self.feedHash = feedHash
        self.states = states
        self.indexDigest = indexDigest
    }
}

/// A seal as it was signed, and the new records of the log that it ends, as exact bytes.
package struct SealFact: Hashable, Sendable {
    package struct Record: Hashable, Sendable {
        package let hash: Digest
        package let bytes: [UInt8]

        package init(hash: Digest, bytes: [UInt8]) {
            self.hash = hash
            self.bytes = bytes
        }
    }

    package let city: CityCode
    package let records: [Record]
    package let body: [UInt8]
    package let signature: [UInt8]

    package init(city: CityCode, records: [Record], body: [UInt8], signature: [UInt8]) {
        self.city = city
        self.records = records
        self.body = body
        self.signature = signature
    }
}

/// What an entry says, as far as checkers look at it.
package enum SayingFact: Hashable, Sendable {
    case filed(ClaimFact)
    case issued(VoucherFact)
    case withdrew(ClaimName)
    case ruled(Ruling)
    case ticked(Tick)
    /// The registry's word of who takes part.
    case member(CityCode, Member.Change)
    /// A policy, by the seconds after which a payment waits for silent cities no more.
    case published(dwell: Int64)
    case other
}

/// A claim by what it names.
package struct ClaimFact: Hashable, Sendable {
    package let name: ClaimName
    package let voucher: String
    package let enterprise: String
    /// Buyer, supplier and number in one.
    package let contract: String
    package let invoices: [String]
    package let claimed: Int64
    package let group: String
    /// The bank's receipt; empty where it names none.
    package let receipt: String

    package init(
        name: ClaimName, voucher: String, enterprise: String, contract: String, invoices: [String], claimed: Int64,
        group: String, receipt: String = ""
    ) {
        self.receipt = receipt
        self.name = name
        self.voucher = voucher
        self.enterprise = enterprise
        self.contract = contract
        self.invoices = invoices
        self.claimed = claimed
        self.group = group
    }
}

package struct VoucherFact: Hashable, Sendable {
    package let city: CityCode
    package let number: String
    package let enterprise: String
    package let faceValue: Int64

    package init(city: CityCode, number: String, enterprise: String, faceValue: Int64) {
        self.city = city
        self.number = number
        self.enterprise = enterprise
        self.faceValue = faceValue
    }
}

/// The registry's answer to an entry.
package struct DecisionFact: Hashable, Sendable {
    package struct Blocker: Hashable, Sendable {
        package let rule: String
        package let claim: ClaimName

        package init(rule: String, claim: ClaimName) {
            self.rule = rule
            self.claim = claim
        }
    }

    package let position: UInt64
    package let feedHash: Digest
    /// The answer's exact bytes in the feed.
    package let feedBytes: [UInt8]
    package let entry: EntryFact
    /// When the registry received the entry, as the fold was told; milliseconds since 1970.
    package let receivedAt: Int64
    package let saying: SayingFact
    package let decision: Outcome.Decision
    /// The claims that stand in the way under rules that block, by rule.
    package let blockers: [Blocker]
    /// Where earlier claims stand now.
    package let effects: [ClaimName: Outcome.Decision]
    /// What happened in cases, in order; not what cities are only told of later.
    package let cases: [CaseEvent]
    /// Why an entry is invalid, in words; empty otherwise.
    package let problem: String

    package init(
        position: UInt64, feedHash: Digest, feedBytes: [UInt8] = [], entry: EntryFact, receivedAt: Int64 = 0,
        saying: SayingFact, decision: Outcome.Decision, blockers: [Blocker] = [],
        effects: [ClaimName: Outcome.Decision] = [:], cases: [CaseEvent] = [], problem: String = ""
    ) {
        self.feedBytes = feedBytes
        self.receivedAt = receivedAt
        self.cases = cases
        self.position = position
        self.feedHash = feedHash
        self.entry = entry
        self.saying = saying
        self.decision = decision
        self.blockers = blockers
        self.effects = effects
        self.problem = problem
    }
}

/// What is left when everything is quiet.
package struct EndState: Sendable {
    package struct Node: Sendable {
        package let id: NodeID
        package let city: CityCode
        package let log: [EntryFact]
        /// By claim number, as officers see it.
        package let states: [String: String]
        /// How cases that name a claim of the city stand, by spoken id, as officers see it.
        package let cases: [String: String]
        package let feedPosition: UInt64
        package let feedHash: Digest
        /// Over the national key index.
        package let indexDigest: Digest
        package let unsent: UInt64
        package let undecided: Int
        package let alarm: String?

        package init(
            id: NodeID, city: CityCode, log: [EntryFact], states: [String: String], cases: [String: String] = [:],
            feedPosition: UInt64, feedHash: Digest, indexDigest: Digest, unsent: UInt64, undecided: Int,
            alarm: String?
        ) {
            self.cases = cases
            self.id = id
            self.city = city
            self.log = log
            self.states = states
            self.feedPosition = feedPosition
            self.feedHash = feedHash
            self.indexDigest = indexDigest
            self.unsent = unsent
            self.undecided = undecided
            self.alarm = alarm
        }
    }

    /// The node that goes on for each honest city, by city.
    package var nodes: [Node]
    /// Cities that lied: their own entries may be anything.
    package var liars: Set<CityCode>
    package var hasNationalPolicy: Bool
    package var registryFeedPosition: UInt64
    package var registryFeedHash: Digest
    /// Over the key index that every node must have, by the registry's ledger.
    package var registryIndexDigest: Digest
    /// Entries received and never decided.
    package var registryUndecided: Int
    /// The feed's end when the journal is folded once more, in other batches.
    package var refoldedHash: Digest
    /// Recorded requests that changed the registry when they came once more.
    package var changingReplays: [String]

    package init(
        nodes: [Node], liars: Set<CityCode> = [], hasNationalPolicy: Bool = false, registryFeedPosition: UInt64 = 0,
        registryFeedHash: Digest = .zero, registryIndexDigest: Digest = .zero, registryUndecided: Int = 0,
        refoldedHash: Digest = .zero,
        changingReplays: [String] = []
    ) {
        self.nodes = nodes
        self.liars = liars
        self.hasNationalPolicy = hasNationalPolicy
        self.registryFeedPosition = registryFeedPosition
        self.registryFeedHash = registryFeedHash
        self.registryIndexDigest = registryIndexDigest
        self.registryUndecided = registryUndecided
        self.refoldedHash = refoldedHash
        self.changingReplays = changingReplays
    }
}
