/// Every payment of a ledger, with those that wait for a tick at hand.
package struct PaymentBook: Equatable, Sendable {
    private var payments: [Int64: Payment] = [:]
    /// Claims whose payment is requested, and those whose authorisation is not released, by position.
    private var requested: Set<Int64> = []
    private var unreleased: Set<Int64> = []

    package init() {}

    /// The payment of the claim that was decided at `position`.
    package subscript(position: Int64) -> Payment? {
        get { payments[position] }
        set {
            payments[position] = newValue
            set(position, in: &requested, newValue?.stage == .requested)
            set(position, in: &unreleased, newValue?.stage == .authorized)
        }
    }

    private func set(_ position: Int64, in set: inout Set<Int64>, _ isMember: Bool) {
        if isMember { set.insert(position) } else { set.remove(position) }
    }

    /// What waits for its gate, in the order of the requests.
    package var waiting: [Payment] { ordered(requested) { $0.requestedAt } }

    /// What waits for other cities to have it, in the order of the authorisations.
    package var authorized: [Payment] { ordered(unreleased) { $0.authorization?.position ?? 0 } }

    /// What a case freezes, in no order.
    func frozen(by caseID: String) -> [Payment] { payments.values.filter { $0.frozenBy.contains(caseID) } }

    private func ordered(_ positions: Set<Int64>, by place: (Payment) -> Int64) -> [Payment] {
        positions.compactMap { payments[$0] }.sorted { (place($0), $0.position) < (place($1), $1.position) }
    }

    /// Every payment, by the position of its claim.
    package var all: [Payment] { payments.values.sorted { $0.position < $1.position } }
}
