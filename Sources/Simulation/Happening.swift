import Replication
import VoucherDomain

/// What waits in the event queue.
enum Happening {
    /// An event of a node's session, for the process that waits for it.
    case session(NodeID, process: Int, CitySession.Event)
    case arrives(Envelope)
    case answered(Envelope, Reply)
    case timesOut(NodeID, process: Int, errand: UInt64)
    case pollEnds(UInt64)
    /// The arbiter looks for work.
    case arbiter(generation: Int)
    case tickLook(generation: Int)
    /// Officers act, and misfortune.
    case step
    case restart(NodeID)
    case link(NodeID, SimulatedLink)
    /// Operators let a suspended city in again.
    case reinstatement(CityCode)
    /// Somebody looks whether everything is quiet.
    case look
}
