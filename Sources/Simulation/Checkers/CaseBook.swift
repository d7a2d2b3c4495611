import Arbitration
import VoucherDomain

/// How every case stands, by what was told of it.
struct CaseBook {
    struct Standing {
        /// Where it was opened.
        let position: UInt64
        let claims: [ClaimName]
        let isAutomatic: Bool
        /// `open`, `escalated` or `closed`, as officers read it.
        let state: String

        var isOpen: Bool { state != "closed" }
    }

    /// By spoken id.
    private(set) var cases: [String: Standing] = [:]

    mutating func take(_ decision: DecisionFact) {
        for event in decision.cases {
            let known = cases[event.caseID]
            cases[event.caseID] = Standing(
                position: known?.position ?? decision.position, claims: event.parties.map(\.claim),
                isAutomatic: event.isAutomatic, state: CaseBook.state(after: event) ?? known?.state ?? "open")
        }
    }

    /// The cases that name a claim, in the order in which they were opened.
    func cases(naming claim: ClaimName) -> [Standing] {
        cases.values.filter { $0.claims.contains(claim) }.sorted { $0.position < $1.position }
    }

    /// - Returns: `nil` where the event changes nothing of it.
    private static func state(after event: CaseEvent) -> String? {
        switch event.kind {
        case .opened, .reopened: "open"
        case .answered: event.answer == .appeal ? "open" : nil
        case .escalated: "escalated"
        case .ruled, .settled, .lapsed: "closed"
        case .proposed, .left: nil
        }
    }
}
