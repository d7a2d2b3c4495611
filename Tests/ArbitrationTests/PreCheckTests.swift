import TestSupport
import Testing
import VoucherDomain

@testable import Arbitration

@Suite("Pre-checks")
struct PreCheckTests {
    @Test("of very many holders under one key as many are named as in a decision, and the rest counted")
    func manyHolders() {
        let contract = valid(ContractNumber("HT-1-1-1"))
        let key = Key.contract(buyer: .buyer, supplier: .supplier, number: contract.rawValue)
        var ledger = Ledger()
        for position in 1...Int64(Reason.mostNamed + 1) {
            ledger.insert(
                Holding(
                    key: key, position: position, claim: ClaimName(city: .beijing, number: "B\(position)"),
                    holder: Array("110000".utf8), group: ""))
        }
        let question = PreCheck(
            enterprise: .buyer, provider: .supplier, contract: contract, invoices: [Claim.Invoice.serial(1).number],
            city: .shenzhen)

        let reasons = question.reasons(in: ledger, policy: .sample())
        #expect(reasons.map(\.rule) == ["contract-one-city"])
        #expect(reasons.first?.blocking.count == Reason.mostNamed)
        #expect(reasons.first?.unnamed == 1)
    }
}
