import Arbitration
import VoucherDomain

/// The bank of all cities: pays once for each reference, and knows what it has paid for.
struct Bank {
    private var references: [PaymentReference: ClaimName] = [:]
    private var claims: [ClaimName: PaymentReference] = [:]
    private var invoices: [String: ClaimName] = [:]

    var count: Int { references.count }

    /// - Returns: What has been paid twice; `nil` when nothing has.
    mutating func pay(_ reference: PaymentReference, for claim: ClaimName, invoices paid: [String]) -> String? {
        guard references[reference] == nil else { return nil }
        references[reference] = claim
        if let other = claims.updateValue(reference, forKey: claim) {
            return "claim \(claim) is paid under two references, \(other.text) and \(reference.text)"
        }
        for invoice in paid {
            if let other = invoices.updateValue(claim, forKey: invoice), other != claim {
                return "invoice \(invoice) is paid for \(other) and for \(claim)"
            }
        }
        return nil
    }
}
