import Arbitration
import GeneratedJournals
import VoucherDomain

/// A claim is decided under the policy that is in force, and paid under the one that it was decided under.
struct PolicyProbe {
    func finding() -> String? { early() ?? later() }

    /// A policy that is to bind far ahead does not bind now.
    private func early() -> String? {
        var journal = PaymentJournal()
        journal.append(
            .policyPublished(
                Policy(
                    version: 2, programmes: Policy.Programme.samples, rules: Rule.samples(yearCap: .yuan(1)),
                    effective: Policy.Effective(fromPosition: 1_000))))
        let outcome = journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
        return outcome.policyVersion == 1 && outcome.decision == .reserved
            ? nil : "a policy binds from position \(journal.position), which is to bind from 1000"
    }

    /// Terms that ask for no dwell do not shorten that of a claim which was decided before them.
    private func later() -> String? {
        var journal = PaymentJournal()
        journal.file(.sample("A", invoices: [.serial(1)]), in: .hangzhou)
        journal.publish(version: 2, PaymentTerms(dwellSeconds: 0, witnessCities: 0))
        let name = ClaimName(city: .hangzhou, number: "A")
        journal.request(name)
        return journal[name]?.stage == .requested ? nil : "a claim is paid under the terms of a later policy"
    }
}
