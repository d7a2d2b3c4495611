import Arbitration
import Replication
import Testing
import VoucherDomain

@testable import FederationWire

@Suite("Payloads that a good node never files")
struct BadPayloadTests {
    @Test(
        "a claim with a bad identifier, amount, invoice or date is faulty with a reason",
        arguments: BadClaim.identifiers + BadClaim.amounts + BadClaim.invoices + BadClaim.dates)
    func claims(bad: BadClaim) {
        expectFaulty(bad.content, bad.description)
    }

    @Test("a voucher with a bad identifier, amount or date is faulty with a reason", arguments: BadVoucher.all)
    func vouchers(bad: BadVoucher) {
        expectFaulty(bad.content, bad.description)
    }

    @Test("a withdrawal that names no claim is faulty")
    func emptyWithdrawal() {
        let payload = PayloadCoding.encodeWithdrawal(claimNumber: "", reason: "")

        expectFaulty(PayloadCoding.content(of: EntryDraft.of(.claimWithdrawn, payload).entry), "no claim number")
    }

    @Test("the longest voucher number that is let in makes keys in the rule book without a trap")
    func longestVoucherNumber() async {
        await #expect(processExitsWith: .success) { deriveKeys { $0.voucherNumber = longestText } }
    }

    @Test("the longest contract number that is let in makes keys in the rule book without a trap")
    func longestContract() async {
        await #expect(processExitsWith: .success) {
            deriveKeys { ($0.contract, $0.contractText) = (longestText, longestText) }
        }
    }

    @Test("the longest bank receipt that is let in makes keys in the rule book without a trap")
    func longestBankReceipt() async {
        await #expect(processExitsWith: .success) { deriveKeys { $0.bankReceipt = longestText } }
    }

    @Test("the longest resource class that is let in makes keys in the rule book without a trap")
    func longestResourceClass() async {
        await #expect(processExitsWith: .success) { deriveKeys { $0.resourceClass = longestText } }
    }

    @Test("the farthest service dates that are let in make keys in the rule book without a trap")
    func farthestDates() async {
        await #expect(processExitsWith: .success) {
            deriveKeys { ($0.serviceFrom, $0.serviceUntil) = (.max - 1, .max) }
        }
    }

    @Test("the latest filing time that is let in can be shown without a trap")
    func latestFilingTime() async {
        await #expect(processExitsWith: .success) { deriveKeys { $0.filedAtMs = .max } }
    }

    private func expectFaulty(_ content: JournalEntry.Content, _ description: String) {
        guard case .faulty(let why) = content else {
            Issue.record("\(description): let in")
            return
        }
        #expect(!why.isEmpty, "\(description)")
    }
}

/// 64 characters, the most that an identifier may have, of four bytes each.
private let longestText = String(repeating: "𠮷", count: 64)

/// Does with a changed claim what a node does with every claim that it lets in: derives its keys, shows it.
private func deriveKeys(_ change: (inout WireClaimFiled) -> Void) {
    guard var message = try? WireClaimFiled(decoding: PayloadCoding.encode(Claim.full)) else { return }
    change(&message)
    let content = PayloadCoding.content(of: EntryDraft.of(.claimFiled, message.bytes).entry)
    guard case .claimFiled(let claim) = content else { return }
    _ = claim.keys(in: .shenzhen)
    _ = ClaimForm(claim)
}
