/// What one build speaks and reads.
///
/// The builds of a federation differ for months. The newer of two is greeted in the older's version, and each keeps, byte
/// for byte, what it cannot read.
package struct Dialect: Hashable, Sendable {
    /// Protocol versions in rising order, at least one.
    package let versions: [UInt32]
    /// The entry kinds that the rule book reads; an entry of any other is kept and answered `unsupported`.
    package let kinds: Set<EntryKind>

    package init(versions: [UInt32], kinds: Set<EntryKind>) {
        self.versions = versions
        self.kinds = kinds
    }

    /// What this build speaks and reads.
    package static let current = Dialect(
        versions: [1],
        kinds: [
            .voucherIssued, .claimFiled, .claimWithdrawn, .caseAnswered, .paymentRequested, .paymentSubmitted,
            .paymentConfirmed, .paymentFailed, .paymentReversed, .nodeStarted, .invoiceReversed, .cityEnrolled,
            .cityJoined, .citySuspended, .cityReinstated, .epochGranted, .policyPublished, .companiesListed,
            .providersListed, .caseRuled, .caseReopened, .ticked, .claimReviewed, .registryRecovered, .entryRead,
            .paymentFound, .tailKept,
        ])

    /// The highest version; a join is answered under it.
    package var highest: UInt32 { versions.last ?? 1 }

    /// The highest version that both sides speak, or `nil`.
    package func common(with offered: [UInt32]) -> UInt32? { versions.last(where: offered.contains) }
}
