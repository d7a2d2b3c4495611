/// A step at which a process can be made to die, so that what is left behind by a kill just there can be looked at.
///
/// Raw values are what ``environmentName`` is set to: `NAME:COUNT` kills the process at the COUNT-th arrival at NAME;
/// `NAME=SUBJECT` at each arrival with that subject, as something does that no process survives.
package enum Failpoint: String, CaseIterable, Hashable, Sendable {
    // MARK: A city's node (FAULTS F1)

    /// Claims are written and not committed.
    case filingUncommitted = "city.filing.uncommitted"
    /// Claims are committed, and nobody was told.
    case filingCommitted = "city.filing.committed"
    /// A write of the local API is done, its answer not yet remembered under its Idempotency-Key.
    case answerUnremembered = "city.answer.unremembered"
    /// The answer is remembered and not sent.
    case answerUnsent = "city.answer.unsent"
    case helloUnsent = "city.hello.unsent"
    /// The registry has granted an epoch, of which the store knows nothing.
    case helloAnswered = "city.hello.answered"
    case grantUncommitted = "city.grant.uncommitted"
    case grantCommitted = "city.grant.committed"
    /// A batch is sealed and not sent.
    case pushUnsent = "city.push.unsent"
    /// The registry has the batch, and the city no receipt.
    case pushAnswered = "city.push.answered"
    case receiptUncommitted = "city.receipt.uncommitted"
    case receiptCommitted = "city.receipt.committed"
    /// A watermark without entries is promised in the store and was told to nobody.
    case promiseCommitted = "city.promise.committed"
    /// A page of the feed has come and is not applied.
    case pageAnswered = "city.page.answered"
    case pageUncommitted = "city.page.uncommitted"
    case pageCommitted = "city.page.committed"
    /// A step of a payment is written and not committed.
    case paymentUncommitted = "city.payment.uncommitted"
    case paymentCommitted = "city.payment.committed"
    /// The registry holds the word that the instruction goes to the bank, and the officer was not told.
    case submissionReceived = "city.submission.received"

    // MARK: The registry (FAULTS F2)

    /// A city was granted an epoch, not committed.
    case greetingUncommitted = "registry.hello.uncommitted"
    case greetingCommitted = "registry.hello.committed"
    /// A batch is received, its signature verified, and not looked at.
    case batchReceived = "registry.push.received"
    /// A batch fits the city's log, and is not stored.
    case batchReviewed = "registry.push.reviewed"
    case batchUncommitted = "registry.push.uncommitted"
    /// The batch is stored, the city not answered.
    case batchCommitted = "registry.push.committed"
    /// An entry is about to be folded; its subject is the number of the claim that it files.
    case entryFolded = "registry.entry.folded"
    /// Entries are folded in memory.
    case foldDone = "registry.fold.done"
    case decisionUncommitted = "registry.decision.uncommitted"
    /// Decided, and no reader of this process's feed was woken.
    case decisionCommitted = "registry.decision.committed"
    /// The decisions include the authorisation of a payment.
    case authorizationUncommitted = "registry.authorization.uncommitted"
    case authorizationCommitted = "registry.authorization.committed"
    /// What was seen of the database is not yet kept outside it, though decisions were made since.
    case witnessStale = "registry.witness.stale"
    case witnessKept = "registry.witness.kept"
    case tickUncommitted = "registry.tick.uncommitted"
    case tickCommitted = "registry.tick.committed"
    /// A page of the feed is read and not sent.
    case pageUnsent = "registry.page.unsent"

    /// The program that has this step.
    package enum Program: String, Hashable, Sendable { case city, registry }

    package var program: Program { rawValue.hasPrefix("city.") ? .city : .registry }

    package static let environmentName = "FEDERATION_FAILPOINT"
}
