/// Defects that `federation-lab bugs` compiles in, one a counter-measure: a test bench that does not find them is none.
///
/// Each takes one counter-measure away, in one line beside it. They exist in builds with the package trait `SeededBugs`
/// alone; in every other build ``isActive`` is the constant `false`, and nothing of them is left. The raw value is the
/// defect's name on the command line.
public enum SeededBug: String, CaseIterable, Hashable, Sendable {
    // MARK: Trap 1: a number alone is no position

    /// A pushed entry passes for known when the registry has any entry of that number.
    case knownByNumber = "known-by-number"
    /// A hello's log head is not compared by its hash.
    case logHeadByNumber = "log-head-by-number"
    /// A hello's feed head is not compared by its hash.
    case feedHeadByNumber = "feed-head-by-number"
    /// A log goes on behind an entry that does not name the one before it.
    case brokenLinkAccepted = "broken-link-accepted"
    /// A city applies a feed entry that does not name the one before it.
    case feedLinkUnchecked = "feed-link-unchecked"

    // MARK: Trap 2: a restored or cloned node cannot know it

    /// An old copy of a store is granted an epoch though another node holds a later one.
    case staleEpochGranted = "stale-epoch-granted"
    /// A city that has not promised the registry's present incarnation is granted an epoch of it.
    case unpromisedGranted = "unpromised-granted"
    /// A session goes on that was granted before the registry began anew.
    case outlivedSession = "outlived-session"
    /// A node that was fenced goes on pushing.
    case oldEpochPushes = "old-epoch-pushes"
    /// An entry names an epoch that nobody was granted.
    case ungrantedEpochAccepted = "ungranted-epoch-accepted"
    /// A restored store writes before it has got back what it lacks.
    case restoredWritesAtOnce = "restored-writes-at-once"
    /// A city does not remember with which nonces it has said hello: a grant whose answer was lost is not its own.
    case helloNonceForgotten = "hello-nonce-forgotten"

    // MARK: Trap 3: idempotency breaks across epochs

    /// Two entries have one permanent id.
    case repeatedIDAccepted = "repeated-id-accepted"
    /// The bank reference is derived once more at each authorisation.
    case referenceMadeAnew = "reference-made-anew"

    /// What a fork wrote is appended again under new ids.
    case lateIDMadeAnew = "late-id-made-anew"

    // MARK: Trap 4: what a fork or a restored registry lacks must be sent again

    /// A city does not send again what the restored registry has lost.
    case receiptsKept = "receipts-kept"
    /// What a store wrote beside its city's log is not appended again.
    case setAsideForgotten = "set-aside-forgotten"

    // MARK: Trap 5: a watermark overtakes entries

    /// A batch's seal promises more than the batch's last entry says.
    case sealPromisesAhead = "seal-promises-ahead"
    /// A city gives a promise and does not keep it over a restart.
    case promiseNotKept = "promise-not-kept"
    /// A later seal takes an earlier promise back.
    case watermarkSinks = "watermark-sinks"

    // MARK: Trap 6: a late entry, a new member or a wrong clock moves a minimum

    /// A city's clock stands still or runs backwards, and so does its log's.
    case clockFollowsWall = "clock-follows-wall"
    /// A watermark is believed that is ahead of every clock.
    case watermarkFromFuture = "watermark-from-future"
    /// An entry whose clock does not rise is taken like any other.
    case fallingClockAccepted = "falling-clock-accepted"
    /// An entry below its city's own watermark is taken like any other.
    case entryBelowWatermark = "entry-below-watermark"
    /// A restored store files below what its city has promised since the backup.
    case restoredPromiseForgotten = "restored-promise-forgotten"
    /// A payment waits for no city.
    case membersNotHeard = "members-not-heard"
    /// A new city counts as heard for ever.
    case newMemberNotAwaited = "new-member-not-awaited"
    /// One tick after a long sleep counts for all the time in between.
    case dwellUncapped = "dwell-uncapped"

    // MARK: Trap 7: withdrawing a paid claim frees its key

    /// A withdrawal after the authorisation takes effect.
    case paidClaimWithdrawn = "paid-claim-withdrawn"
    /// A ruling against a paid claim frees its keys before the money is back.
    case rulingFreesPaidKeys = "ruling-frees-paid-keys"
    /// A refund of a part frees the keys.
    case partRefundFreesKeys = "part-refund-frees-keys"
    /// A bank's rejection after its payment frees the keys.
    case paidThenFailed = "paid-then-failed"
    /// A key is authorised while the money of a claim that was ruled out is not back.
    case boundElsewhereIgnored = "bound-elsewhere-ignored"

    // MARK: Trap 8: an amended claim is a new claim

    /// The registry decides a claim number once more.
    case numberDecidedAgain = "number-decided-again"
    /// A city files a claim number once more.
    case numberFiledAgain = "number-filed-again"
    /// A voucher that is issued again replaces the first one.
    case voucherAmended = "voucher-amended"

    // MARK: Trap 9: sums

    /// A cap looks at the new claim alone.
    case capIgnoresStanding = "cap-ignores-standing"
    /// A claim that gives back its keys goes on filling the cap.
    case sumKeptAfterRelease = "sum-kept-after-release"
    /// A refused claim takes its keys.
    case refusedTakesKeys = "refused-takes-keys"
    /// A claim over nothing or less reaches the rule book.
    case negativeClaim = "negative-claim"
    /// The bank paid another amount than was authorised, and that is taken for the payment.
    case wrongAmountConfirmed = "wrong-amount-confirmed"

    // MARK: Trap 10: cursor and effect must agree

    /// A city's cursor passes feed entries whose effects on its claims are left out.
    case effectSkipped = "effect-skipped"
    /// Keys that were given back stay in the city's index.
    case releasedKeysStay = "released-keys-stay"
    /// A page of the feed is applied beyond its seal.
    case feedSealUnchecked = "feed-seal-unchecked"

    // MARK: Traps 11 and 12: SQLite's settings, and files beside the file

    /// The store is opened with `synchronous=NORMAL`.
    case synchronousNormal = "synchronous-normal"
    /// A backup is in WAL mode: its last writes may lie in a second file.
    case backupInTwoFiles = "backup-in-two-files"
    /// A backup is not read after it was written.
    case backupUnread = "backup-unread"

    // MARK: Trap 13: "equal" and "in order" differ by engine and process

    /// Claim numbers are compared as text, which takes differences of composition for none.
    case namesAsText = "names-as-text"
    /// The order of a hash table reaches the feed.
    case hashTableOrder = "hash-table-order"

    // MARK: Trap 14: hash what is stored

    /// A log entry is encoded anew when it is read: what a newer version wrote besides is lost.
    case entryEncodedAnew = "entry-encoded-anew"
    /// So is a feed entry.
    case feedEncodedAnew = "feed-encoded-anew"
    /// An entry is read from the store without its hash.
    case damagedEntryRead = "damaged-entry-read"

    // MARK: Trap 15: TLS proves the pipe, not the record

    /// A seal's signature is not verified.
    case sealUnsigned = "seal-unsigned"
    /// A receipt's signature is not verified.
    case receiptUnsigned = "receipt-unsigned"
    /// A signed request may have another body.
    case bodyUnsigned = "body-unsigned"
    /// A signature over one kind of statement is good for every other.
    case domainDropped = "domain-dropped"
    /// A city writes an entry of another city.
    case entryOfOtherCity = "entry-of-other-city"
    /// A city writes an act of the registry.
    case registryActByCity = "registry-act-by-city"
    /// Every city can read every other city's outcomes.
    case oneDetailKey = "one-detail-key"

    // MARK: Trap 16: a restored registry, and the bank

    /// A city accepts the feed of an older incarnation.
    case olderIncarnationAccepted = "older-incarnation-accepted"
    /// A city's promise to an incarnation gives way to a lower one.
    case lowerPromiseKept = "lower-promise-kept"
    /// An authorisation is released that no other city has.
    case witnessesNotAwaited = "witnesses-not-awaited"
    /// An authorisation is released that the paying city has not.
    case payingCityNotAwaited = "paying-city-not-awaited"
    /// An instruction goes to the bank before the authorisation is released.
    case unreleasedSubmitted = "unreleased-submitted"
    /// An instruction goes to the bank although the payment was stopped.
    case stoppedSubmitted = "stopped-submitted"

    // MARK: Trap 17: rules change history

    /// A policy that is published ahead of its time binds at once.
    case policyBindsAtOnce = "policy-binds-at-once"
    /// A claim is paid under today's terms.
    case termsOfToday = "terms-of-today"

    // MARK: Trap 18: one city's quadratic input

    /// Every claim walks all holders of its keys.
    case everyHolderWalked = "every-holder-walked"
    /// A city whose log grows pushes all that is unsent once more, beside the batch that is under way.
    case pushesOverlap = "pushes-overlap"

    // MARK: Trap 19: errors of the disk

    /// A node goes on although SQLite has found its file damaged.
    case corruptionIgnored = "corruption-ignored"

    // MARK: Trap 20: a check that fails open

    /// A key that the database refuses is reserved all the same.
    case guardIgnored = "guard-ignored"
    /// A claim is paid while a case on it is open.
    case openCaseIgnored = "open-case-ignored"
    /// A payload that cannot be read is answered as if nothing were wrong with it.
    case unreadableIsNoted = "unreadable-is-noted"
    /// An entry of a kind that a later version defines is answered as if it were understood.
    case unknownKindIsNoted = "unknown-kind-is-noted"
}
