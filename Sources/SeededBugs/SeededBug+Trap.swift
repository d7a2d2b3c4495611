extension SeededBug {
    /// The trap, by its number in the catalogue of the field's repeated mistakes, whose counter-measure is away.
    package var trap: Int {
        switch self {
        case .knownByNumber, .logHeadByNumber, .feedHeadByNumber, .brokenLinkAccepted, .feedLinkUnchecked: 1
        case .staleEpochGranted, .unpromisedGranted, .outlivedSession, .oldEpochPushes, .ungrantedEpochAccepted,
            .restoredWritesAtOnce, .helloNonceForgotten:
            2
        case .repeatedIDAccepted, .referenceMadeAnew, .lateIDMadeAnew: 3
        case .receiptsKept, .setAsideForgotten: 4
        case .sealPromisesAhead, .promiseNotKept, .watermarkSinks: 5
        case .clockFollowsWall, .watermarkFromFuture, .fallingClockAccepted, .entryBelowWatermark,
            .restoredPromiseForgotten, .membersNotHeard, .newMemberNotAwaited, .dwellUncapped:
            6
        case .paidClaimWithdrawn, .rulingFreesPaidKeys, .partRefundFreesKeys, .paidThenFailed, .boundElsewhereIgnored:
            7
        case .numberDecidedAgain, .numberFiledAgain, .voucherAmended: 8
        case .capIgnoresStanding, .sumKeptAfterRelease, .refusedTakesKeys, .negativeClaim, .wrongAmountConfirmed: 9
        case .effectSkipped, .releasedKeysStay, .feedSealUnchecked: 10
        case .synchronousNormal: 11
        case .backupInTwoFiles, .backupUnread: 12
        case .namesAsText, .hashTableOrder: 13
        case .entryEncodedAnew, .feedEncodedAnew, .damagedEntryRead: 14
        case .sealUnsigned, .receiptUnsigned, .bodyUnsigned, .domainDropped, .entryOfOtherCity, .registryActByCity,
            .oneDetailKey:
            15
        case .olderIncarnationAccepted, .lowerPromiseKept, .witnessesNotAwaited, .payingCityNotAwaited,
            .unreleasedSubmitted, .stoppedSubmitted:
            16
        case .policyBindsAtOnce, .termsOfToday: 17
        case .everyHolderWalked, .pushesOverlap: 18
        case .corruptionIgnored: 19
        case .guardIgnored, .openCaseIgnored, .unreadableIsNoted, .unknownKindIsNoted: 20
        }
    }
}
