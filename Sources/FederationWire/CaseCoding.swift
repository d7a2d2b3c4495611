package import Arbitration
import Foundation
import Replication
import SwiftProtobuf
import VoucherDomain

/// What is said in cases, to and from payload bytes.
extension PayloadCoding {
    package static func encode(_ answer: CaseAnswer) -> [UInt8] {
        var message = WireCaseAnswered()
        message.caseID = answer.caseID
        message.answer = UInt32(answer.kind.rawValue)
        message.reason = answer.reason
        message.evidence = answer.evidence.map { Data($0) }
        return message.bytes
    }

    package static func caseAnswer(_ payload: [UInt8]) throws(WireFault) -> CaseAnswer {
        let message = try WireCaseAnswered(decoding: payload)
        guard let kind = UInt8(exactly: message.answer).flatMap(CaseAnswer.Kind.init(rawValue:)) else {
            throw WireFault("an unknown answer")
        }
        if let fault = textFault("reason", message.reason) { throw WireFault(fault) }
        guard message.evidence.count <= 20, message.evidence.allSatisfy({ $0.count == 32 }) else {
            throw WireFault("evidence is at most 20 digests of 32 bytes")
        }
        return CaseAnswer(
            caseID: message.caseID, kind: kind, reason: message.reason, evidence: message.evidence.map { Array($0) })
    }

    package static func encode(_ ruling: Ruling) -> [UInt8] {
        var message = WireCaseRuled()
        message.caseID = ruling.caseID
        message.kept = ruling.kept.map(\.wire)
        message.ruledOut = ruling.ruledOut.map(\.wire)
        message.code = UInt32(ruling.code.rawValue)
        message.reason = ruling.reason
        message.by = ruling.by
        return message.bytes
    }

    package static func ruling(_ payload: [UInt8]) throws(WireFault) -> Ruling {
        let message = try WireCaseRuled(decoding: payload)
        guard let code = UInt8(exactly: message.code).flatMap(Ruling.Code.init(rawValue:)) else {
            throw WireFault("an unknown code")
        }
        if let fault = textFault("reason", message.reason) ?? textFault("by", message.by) { throw WireFault(fault) }
        return Ruling(
            caseID: message.caseID, kept: try names(message.kept), ruledOut: try names(message.ruledOut), code: code,
            reason: message.reason, by: message.by)
    }

    private static func names(_ references: [WireClaimReference]) throws(WireFault) -> [ClaimName] {
        var names: [ClaimName] = []
        for reference in references { names.append(try ClaimName(reference)) }
        return names
    }

    /// What is wrong with a text that somebody must give, or `nil`.
    package static func textFault(_ field: String, _ text: String, atMost limit: Int = 500) -> String? {
        if text.isEmpty { return "\(field) is not given" }
        return Claim.textFault(field, text, atMost: limit)
    }
}

/// What the parties of a case are told, to and from the bytes that are encrypted for each of them.
extension ReasonCoding {
    /// Without the operator's name and the digests of what was shown.
    package static func encode(_ event: CaseEvent) -> [UInt8] {
        var message = WireCaseNotice()
        message.caseID = event.caseID
        message.event = UInt32(event.kind.rawValue)
        message.parties = event.parties.map { party in
            var item = WireCaseParty()
            item.claim = party.claim.wire
            item.live = party.isLive
            return item
        }
        message.deadline = event.deadline.rawValue
        message.city = event.city?.rawValue ?? 0
        message.answer = UInt32(event.answer?.rawValue ?? 0)
        message.code = UInt32(event.code?.rawValue ?? 0)
        message.text = event.text
        message.reasons = event.reasons.map(wire)
        message.automatic = event.isAutomatic
        return message.bytes
    }

    package static func event(_ bytes: [UInt8]) throws(WireFault) -> CaseEvent {
        let message = try WireCaseNotice(decoding: bytes)
        guard let kind = UInt8(exactly: message.event).flatMap(CaseEvent.Kind.init(rawValue:)) else {
            throw WireFault("case event \(message.event) is not known: this node needs an update")
        }
        var parties: [ConflictCase.Party] = []
        for item in message.parties { parties.append(.init(claim: try ClaimName(item.claim), isLive: item.live)) }
        var event = CaseEvent(
            kind, caseID: message.caseID, parties: parties, deadline: CalendarDate(rawValue: message.deadline),
            isAutomatic: message.automatic)
        event.city = message.city == 0 ? nil : try CityCode(wire: message.city)
        event.answer = UInt8(exactly: message.answer).flatMap(CaseAnswer.Kind.init(rawValue:))
        event.code = UInt8(exactly: message.code).flatMap(Ruling.Code.init(rawValue:))
        event.text = message.text
        for item in message.reasons { event.reasons.append(try reason(item)) }
        return event
    }
}
