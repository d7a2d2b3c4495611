import SwiftProtobuf

@testable import FederationWire

/// A message of the `.proto`, by its name there: how its bytes are read and written, in both formats.
struct WireType: Sendable {
    let name: String
    /// What the bytes say, as proto3 JSON.
    let json: @Sendable ([UInt8]) throws -> [UInt8]
    /// The bytes that the generated code gives for what it read from other bytes.
    let again: @Sendable ([UInt8]) throws -> [UInt8]
    /// The bytes of what proto3 JSON says.
    let fromJSON: @Sendable ([UInt8]) throws -> [UInt8]

    private init<M: Message>(_ type: M.Type) {
        name = M.protoMessageName.split(separator: ".").last.map(String.init) ?? ""
        json = { try M(decoding: $0).encoded(as: .json) }
        again = { try M(decoding: $0).bytes }
        fromJSON = { try M($0, as: .json).bytes }
    }

    /// Every message that the generated code has.
    static let all = [
        WireType(WireEpoch.self), WireType(WireLogHead.self), WireType(WireFeedHead.self), WireType(WireSigned.self),
        WireType(WireEntryBody.self), WireType(WireVoucherIssued.self), WireType(WireClaimFiled.self),
        WireType(WireInvoice.self), WireType(WireClaimWithdrawn.self), WireType(WireCaseAnswered.self),
        WireType(WirePaymentAct.self), WireType(WireBankRecord.self), WireType(WireInvoiceReversed.self),
        WireType(WireNodeStarted.self), WireType(WireCityEnrolled.self), WireType(WireCityJoined.self),
        WireType(WireCitySuspended.self), WireType(WireCityReinstated.self), WireType(WireEpochGranted.self),
        WireType(WirePolicyPublished.self), WireType(WireCompaniesListed.self), WireType(WireCompany.self),
        WireType(WireProvidersListed.self), WireType(WireProvider.self), WireType(WireCaseRuled.self),
        WireType(WireCaseReopened.self), WireType(WireTicked.self), WireType(WireClaimReviewed.self),
        WireType(WireRegistryRecovered.self), WireType(WireEntryRead.self), WireType(WireSealBody.self),
        WireType(WireReceiptBody.self), WireType(WirePaymentFound.self), WireType(WireTailKept.self),
        WireType(WireGrantBody.self), WireType(WireFeedSealBody.self), WireType(WireFeedBody.self),
        WireType(WireEffect.self), WireType(WirePaymentDetail.self), WireType(WireNotice.self),
        WireType(WireCaseNotice.self), WireType(WireCaseParty.self), WireType(WireKeyTaken.self),
        WireType(WireOutcomeDetail.self), WireType(WireReason.self), WireType(WireClaimReference.self),
        WireType(WireJoinRequest.self), WireType(WireJoinAnswer.self), WireType(WireWelcome.self),
        WireType(WireHelloRequest.self), WireType(WireHelloAnswer.self), WireType(WirePushRequest.self),
        WireType(WirePushAnswer.self), WireType(WireEntryAnswer.self), WireType(WireFeedRequest.self),
        WireType(WireFeedPage.self), WireType(WireLogRequest.self), WireType(WireLogPage.self),
        WireType(WirePresentRequest.self), WireType(WireRefillRequest.self), WireType(WireRecoveryStanding.self),
        WireType(WireRecoveryCallBody.self), WireType(WireMembershipBody.self), WireType(WireJoinToken.self),
    ]

    static func named(_ name: String) -> WireType? { all.first { $0.name == name } }
}
