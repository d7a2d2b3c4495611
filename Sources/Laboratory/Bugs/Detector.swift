import ArgumentParser
import SeededBugs
import Simulation

/// A way to find a defect: worlds, journals or bytes made from a seed, and what must hold in them.
///
/// A finding is a sentence that begins with what was broken. A detector finds nothing in a sound build, whatever the seed.
enum Detector: String, CaseIterable, Sendable, ExpressibleByArgument {
    /// Whole federations under faults; the finding names the invariant.
    case simulator
    /// The same world in two processes, whose hash tables have other orders.
    case processes
    /// Batches, hellos and feed pages, changed in one place that must be refused.
    case reviews
    /// Bytes: read and written again, signed, opened by whom they are not for.
    case codings
    /// Journals of claims under every kind of rule, beside a naive ledger.
    case journals
    /// Journals of payments, cases and rulings, beside an audit with books of its own.
    case payments
    /// Two policies, one after the other.
    case policies
    /// A city's store on a disk: damaged, copied, restored.
    case store
    /// What one question costs where many claims stand.
    case growth

    /// Looks at the world of one seed.
    ///
    /// - Returns: What is amiss there, `nil` when nothing is.
    func finding(seed: UInt64, _ simulation: Simulation) throws -> String? {
        switch self {
        case .simulator: try simulation.run(Detector.plan(seed)).violations.first?.description
        case .processes: try OtherProcess.difference(from: simulation.run(Detector.plan(seed)))
        case .reviews: try ReviewProbe(seed: seed).finding()
        case .codings: try CodingProbe(seed: seed).finding()
        case .journals: JournalProbe(seed: seed).finding()
        case .payments: PaymentProbe(seed: seed).finding()
        case .policies: PolicyProbe().finding()
        case .store: try StoreProbe().finding()
        case .growth: GrowthProbe().finding()
        }
    }

    /// Every fourth run is a long one.
    private static func plan(_ seed: UInt64) -> FaultPlan {
        FaultPlan(seed: seed, profile: seed.isMultiple(of: 4) ? .swarm : .quick)
    }
}

extension SeededBug {
    /// What must find it: the simulator, where it sees what the defect does within a minute, else what sees it at once.
    var detector: Detector {
        switch self {
        case .staleEpochGranted, .oldEpochPushes, .ungrantedEpochAccepted, .repeatedIDAccepted, .sealPromisesAhead,
            .watermarkSinks, .clockFollowsWall, .paidClaimWithdrawn, .numberFiledAgain,
            .capIgnoresStanding, .sumKeptAfterRelease, .refusedTakesKeys, .effectSkipped, .releasedKeysStay,
            .registryActByCity, .pushesOverlap:
            .simulator
        case .hashTableOrder: .processes
        case .knownByNumber, .logHeadByNumber, .feedHeadByNumber, .brokenLinkAccepted, .feedLinkUnchecked,
            .feedSealUnchecked, .watermarkFromFuture, .fallingClockAccepted, .entryBelowWatermark, .sealUnsigned,
            .entryOfOtherCity, .olderIncarnationAccepted, .unpromisedGranted, .outlivedSession:
            .reviews
        case .negativeClaim, .namesAsText, .entryEncodedAnew, .feedEncodedAnew, .receiptUnsigned, .bodyUnsigned,
            .domainDropped, .oneDetailKey, .unreadableIsNoted, .unknownKindIsNoted:
            .codings
        case .numberDecidedAgain, .voucherAmended, .guardIgnored: .journals
        case .referenceMadeAnew, .membersNotHeard, .newMemberNotAwaited, .dwellUncapped, .rulingFreesPaidKeys,
            .partRefundFreesKeys, .paidThenFailed, .boundElsewhereIgnored, .wrongAmountConfirmed, .witnessesNotAwaited,
            .payingCityNotAwaited, .unreleasedSubmitted, .stoppedSubmitted, .openCaseIgnored:
            .payments
        case .policyBindsAtOnce, .termsOfToday: .policies
        case .restoredWritesAtOnce, .helloNonceForgotten, .receiptsKept, .setAsideForgotten, .lateIDMadeAnew,
            .promiseNotKept, .restoredPromiseForgotten, .synchronousNormal, .backupInTwoFiles, .backupUnread,
            .damagedEntryRead, .lowerPromiseKept, .corruptionIgnored:
            .store
        case .everyHolderWalked: .growth
        }
    }
}
