/// Branches that a good run must take now and then (I24): a run of many seeds that never took one proves nothing of it.
package enum Sometimes: String, CaseIterable, Hashable, Sendable {
    case reserved, refused, held, withdrawn, authorized
    /// The bank paid.
    case paid
    /// A claim was refused under a rule that names the claim of another city.
    case refusedForAnotherCity = "refused-for-another-city"
    /// A batch came again and was answered as the first time.
    case alreadyKnown = "already-known"
    /// A process said hello again and kept its grant.
    case grantKept = "grant-kept"
    case fenced
    /// A node that was greeted heard that its session is over, and greeted again.
    case sessionLost = "session-lost"
    /// A fenced node named the epoch that was its own to follow.
    case helloFollowed = "hello-followed"
    case diverged
    case clockRefused = "clock-refused"
    case replayRefused = "replay-refused"
    case badSeal = "bad-seal"
    case entryRejected = "entry-rejected"
    case chainRefused = "chain-refused"
    /// A restored store got entries back.
    case tookBack = "took-back"
    /// What a store had written beside its city's log was appended again.
    case appendedLate = "appended-late"
    case longPollRang = "long-poll-rang"
    case crashBeforeCommit = "crash-before-commit"
    case crashAfterCommit = "crash-after-commit"
    case registryCrashBeforeCommit = "registry-crash-before-commit"
    case registryCrashAfterCommit = "registry-crash-after-commit"
    /// A report without entries was pushed.
    case reported
    case ticked
    /// A request of a suspended city was turned away.
    case suspendedRefused = "suspended-refused"
    /// What a city had sent before its suspension was decided while it lasted.
    case decidedWhileSuspended = "decided-while-suspended"
    /// A city that was reinstated sent what it had written meanwhile.
    case caughtUpReinstated = "caught-up-reinstated"
    case caseAnswered = "case-answered"
    case caseAppealed = "case-appealed"
    case caseReopened = "case-reopened"
    case ruled
    /// A ruling took effect when a second person had ruled alike.
    case rulingSeconded = "ruling-seconded"
    /// A ruling refused a claim that was reserved or held.
    case ruledOut = "ruled-out"
    /// A ruling went against a claim that was authorised or paid.
    case stoppedByRuling = "stopped-by-ruling"
    /// A payment was asked for, and waits for an open case.
    case gatedByCase = "gated-by-case"
    /// The bank was asked once more for what it had paid.
    case bankAskedAgain = "bank-asked-again"
    /// The bank cancelled what a ruling had stopped.
    case cancelledAtBank = "cancelled-at-bank"
    case paymentFailed = "payment-failed"
    /// A payment that had failed was asked for again, and authorised.
    case authorizedAgain = "authorized-again"
    case partlyPaidBack = "partly-paid-back"
    case reversed
    /// A city that had lost its disk came back with another key.
    case keyChanged = "key-changed"
}
