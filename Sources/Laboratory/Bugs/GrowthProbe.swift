import Arbitration
import GeneratedJournals
import VoucherDomain

/// What one question costs must not grow with the claims that stand under its key, as long as none is in the way.
struct GrowthProbe {
    private static let policy = Policy.sample()

    func finding() -> String? {
        // The walk over twenty thousand holders is several hundred times as long; no busy machine is.
        let (few, many) = (Self.cost(holders: 20), Self.cost(holders: 20_000))
        return many > few * 50 ? "a question costs \(many) among 20,000 claims, \(few) among 20" : nil
    }

    /// The least that a hundred questions took of several times.
    private static func cost(holders: Int) -> Duration {
        let contract = valid(ContractNumber("HT-1"))
        var ledger = Ledger(policy: policy)
        for index in 0..<holders {
            let name = ClaimName(city: .hangzhou, number: "C\(index)")
            ledger.insert(
                Holding(
                    key: .contract(buyer: .buyer, supplier: .supplier, number: contract.rawValue),
                    position: Int64(index + 1), claim: name, holder: Array("330100".utf8), group: ""))
        }
        let question = PreCheck(
            enterprise: .buyer, provider: .supplier, contract: contract, invoices: [], city: .hangzhou)
        return (0..<5).map { _ in
            ContinuousClock().measure { for _ in 0..<100 { _ = question.reasons(in: ledger, policy: policy) } }
        }.min() ?? .zero
    }
}
