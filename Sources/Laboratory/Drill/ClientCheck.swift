import Simulation

/// Holds a recorded history of what clients saw against one invariant of the catalogue.
///
/// The simulator's checkers want entries, hashes and epochs, which no client sees; these read documents alone, and share
/// no code with what wrote them.
struct ClientCheck: Sendable {
    private let invariant: String
    private let check: @Sendable (ClientHistory) -> [String]

    private init(_ invariant: String, _ check: @escaping @Sendable (ClientHistory) -> [String]) {
        self.invariant = invariant
        self.check = check
    }

    private static let all = [
        oneHolder, paidOnce, oneDecision, nothingLost, receiptsStay, everythingDecided, countsAgree, blockersHold,
        audits,
        faultsOccurred,
    ]

    /// What is wrong with a history that ends when all is quiet.
    static func violations(in history: ClientHistory) -> [Violation] {
        all.flatMap { check in check.check(history).map { Violation(check.invariant, $0) } }
    }

    // MARK: Keys and money

    /// I1: whenever it was looked at, an invoice had one claim that holds it, once any claim on it was decided.
    private static let oneHolder = ClientCheck("I1") { history in
        history.shown(by: ClientHistory.registry).flatMap { claims -> [String] in
            var claimants: [String: [ShownClaim]] = [:]
            for claim in claims {
                for invoice in claim.invoices { claimants[invoice.number, default: []].append(claim) }
            }
            return claimants.sorted { $0.key < $1.key }.compactMap { invoice, claims in
                let holders = claims.filter(\.holdsKeys).map(\.name)
                return holders.count == 1 ? nil : "invoice \(invoice) is held by \(holders), of \(claims.map(\.name))"
            }
        }
    }

    /// I2: the bank paid for a claim under one reference, what was claimed, and never for two claims on one invoice; and the
    /// registry knows of all of it.
    private static let paidOnce = ClientCheck("I2") { history in
        let claims = Dictionary(history.lastShown.map { ($0.name, $0) }) { first, _ in first }
        var references: [String: String] = [:]
        var invoices: [String: String] = [:]
        var faults: [String] = []
        for case .paid(let name, let reference, let amount) in history.observations {
            if let other = references[name], other != reference {
                faults.append("\(name) is paid under two references")
            }
            references[name] = reference
            guard let claim = claims[name] else {
                faults.append("\(name) is paid, and the registry has it not")
                continue
            }
            if amount != claim.claimed_yuan { faults.append("\(name) claims \(claim.claimed_yuan), paid \(amount)") }
            if claim.payment?.reference != reference || !["authorized", "paid"].contains(claim.state) {
                faults.append("\(name) is paid under \(reference), the registry shows it \(claim.state)")
            }
            for invoice in claim.invoices {
                if let other = invoices[invoice.number], other != name {
                    faults.append("\(name) and \(other) are paid for one invoice")
                }
                invoices[invoice.number] = name
            }
        }
        for claim in claims.values.sorted(by: { $0.name < $1.name }) where claim.state == "paid" {
            if references[claim.name] == nil {
                faults.append("\(claim.name) is shown paid, and the bank was not asked")
            }
        }
        return faults
    }

    /// I19: a refused claim names claims that hold an invoice or a contract of it.
    private static let blockersHold = ClientCheck("I19") { history in
        let claims = Dictionary(history.lastShown.map { ($0.name, $0) }) { first, _ in first }
        return claims.values.sorted { $0.name < $1.name }.filter { $0.state == "refused" }.compactMap { claim in
            let blockers = claim.reasons.filter { $0.outcome == "block" }.flatMap(\.blocking)
            let idle = blockers.filter { blocker in
                guard let other = claims[blocker.name], other.holdsKeys else { return true }
                let shared = Set(other.invoices.map(\.number)).intersection(claim.invoices.map(\.number))
                return shared.isEmpty && other.contract_no != claim.contract_no
            }
            if blockers.isEmpty { return "\(claim.name) is refused, and nobody is named" }
            return idle.isEmpty ? nil : "\(claim.name) is refused for \(idle.map(\.name)), which hold nothing of it"
        }
    }

    // MARK: Decisions

    /// I3: a claim is decided at one position, which both sides show, and stands as it was decided but for its payment.
    private static let oneDecision = ClientCheck("I3") { history in
        var positions: [String: UInt64] = [:]
        var states: [String: String] = [:]
        var faults: [String] = []
        for case .shown(let side, let claims) in history.observations {
            for claim in claims {
                let before = states.updateValue(claim.state, forKey: "\(side) \(claim.name)")
                if let before, before != claim.state, !mayFollow(before, claim.state) {
                    faults.append("\(side) showed \(claim.name) \(before), and then \(claim.state)")
                }
                guard let position = claim.position?.position else { continue }
                if let known = positions.updateValue(position, forKey: claim.name), known != position {
                    faults.append("\(claim.name) is decided at \(known), and \(side) shows \(position)")
                }
            }
        }
        return faults
    }

    /// Nobody withdraws, rules or reverses here.
    private static func mayFollow(_ before: String, _ after: String) -> Bool {
        switch before {
        case "recorded", "received": true
        case "reserved": ["authorized", "paid"].contains(after)
        case "authorized": after == "paid"
        default: false
        }
    }

    // MARK: Nothing lost, nothing twice

    /// I4: what an officer was told is recorded is at the registry in the end, once, with the same content; and a claim that
    /// is in order is never turned down.
    private static let nothingLost = ClientCheck("I4") { history in
        let claims = Dictionary(grouping: history.lastShown, by: \.name)
        var faults: [String] = []
        for observation in history.observations {
            switch observation {
            case .recorded(let told):
                let found = claims[told.name] ?? []
                if found.count != 1 { faults.append("\(told.name) was recorded, and is \(found.count) times there") }
                if let claim = found.first, claim.content != told {
                    faults.append("\(told.name) was recorded as \(told), and is \(claim.content)")
                }
            case .turnedDown(let claim, let status, let detail):
                faults.append("\(claim.name) was turned down with \(status): \(detail)")
            default: break
            }
        }
        return faults
    }

    /// I4: a receipt that was shown once is shown ever after.
    private static let receiptsStay = ClientCheck("I4") { history in
        var receipts: [String: String] = [:]
        var faults: [String] = []
        for case .shown(let side, let claims) in history.observations {
            for claim in claims {
                let id = claim.receipt?.id
                if let known = receipts["\(side) \(claim.name)"], known != id {
                    faults.append("\(side) showed receipt \(known) of \(claim.name), and then \(id ?? "none")")
                }
                receipts["\(side) \(claim.name)"] = id ?? receipts["\(side) \(claim.name)"]
            }
        }
        return faults
    }

    /// I17: when a fault is over everything that was filed is sent and decided.
    private static let everythingDecided = ClientCheck("I17") { history in
        history.observations.compactMap { observation in
            guard case .standing(let city, let unsent, let undecided) = observation else { return nil }
            guard let unsent, let undecided else { return "\(city) does not answer" }
            return unsent == 0 && undecided == 0 ? nil : "\(city) has \(unsent) unsent and \(undecided) undecided"
        }
    }

    /// I18: what was asked for, what each city shows and what the registry shows are the same claims in the same states.
    private static let countsAgree = ClientCheck("I18") { history in
        var asked: Set<String> = []
        var cities: [String: [ShownClaim]] = [:]
        for observation in history.observations {
            switch observation {
            case .asked(let claim): asked.insert(claim.name)
            case .shown(let side, let claims) where side != ClientHistory.registry: cities[side] = claims
            default: break
            }
        }
        let national = Dictionary(grouping: history.lastShown, by: \.name)
        let local = Dictionary(grouping: cities.values.joined(), by: \.name)
        return asked.union(national.keys).union(local.keys).sorted().compactMap { name in
            let (there, here) = (national[name, default: []].map(\.state), local[name, default: []].map(\.state))
            guard asked.contains(name), there.count == 1, there == here else {
                return "\(name): asked \(asked.contains(name)), registry \(there), city \(here)"
            }
            return nil
        }
    }

    // MARK: Audits and faults

    /// I5, I6, I10, I20: chains, seals and signatures hold, and folding everything anew gives the same, byte for byte.
    private static let audits = ClientCheck("audit") { history in
        history.observations.compactMap { observation in
            guard case .audited(let what, let agrees, let said) = observation, !agrees else { return nil }
            return "\(what): \(said)"
        }
    }

    /// I24: each fault that was to occur did.
    private static let faultsOccurred = ClientCheck("I24") { history in
        history.observations.compactMap { observation in
            guard case .ended(let fault, let occurred) = observation, !occurred else { return nil }
            return "\(fault) never occurred"
        }
    }
}

extension ClientHistory {
    /// The name under which the registry shows claims.
    static let registry = "registry"

    /// What a side has shown, each time.
    fileprivate func shown(by side: String) -> [[ShownClaim]] {
        observations.compactMap { observation in
            guard case .shown(let by, let claims) = observation, by == side else { return nil }
            return claims
        }
    }

    /// What the registry showed last.
    fileprivate var lastShown: [ShownClaim] { shown(by: Self.registry).last ?? [] }
}
