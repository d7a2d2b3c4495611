import Arbitration
import Replication

/// The bank of all cities: it pays under a reference once, however often it is asked.
///
/// It knows an instruction by the submission that it comes from. What it has refused it refuses again, however often the
/// same instruction comes; a later submission is another instruction, which it looks at anew.
struct SimulatedBank {
    enum Answer: Hashable {
        /// It has paid, now or when it was asked before.
        case paid(isNew: Bool)
        /// It will never carry out this instruction.
        case refused
    }

    private var paid: Set<PaymentReference> = []
    private var cancelled: Set<PaymentReference> = []
    private var refused: Set<EntryID> = []

    var hasPaidAnything: Bool { !paid.isEmpty }

    func hasPaid(_ reference: PaymentReference) -> Bool { paid.contains(reference) }

    /// Whether what becomes of an instruction is settled.
    func hasDecided(_ instruction: EntryID, under reference: PaymentReference) -> Bool {
        paid.contains(reference) || cancelled.contains(reference) || refused.contains(instruction)
    }

    /// Refuses an instruction for good.
    ///
    /// - Precondition: It is not settled.
    mutating func refuse(_ instruction: EntryID) { refused.insert(instruction) }

    /// Carries an instruction out, unless it was refused or its reference is cancelled.
    mutating func carryOut(_ instruction: EntryID, under reference: PaymentReference) -> Answer {
        if paid.contains(reference) { return .paid(isNew: false) }
        if hasDecided(instruction, under: reference) { return .refused }
        paid.insert(reference)
        return .paid(isNew: true)
    }

    /// Cancels a reference: nothing is ever paid under it.
    ///
    /// - Returns: Whether it is cancelled; not when the bank has paid.
    mutating func cancel(_ reference: PaymentReference) -> Bool {
        guard !paid.contains(reference) else { return false }
        cancelled.insert(reference)
        return true
    }
}
