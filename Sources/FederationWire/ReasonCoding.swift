package import Arbitration
import Foundation
package import Replication
import SwiftProtobuf
import VoucherDomain

/// Reasons and outcome details to and from bytes.
package enum ReasonCoding {
    package static func encode(_ detail: OutcomeDetail) -> [UInt8] {
        var message = WireOutcomeDetail()
        message.claimNumber = detail.claimNumber
        message.caseID = detail.caseID
        message.reasons = detail.reasons.map(wire)
        return message.bytes
    }

    package static func decode(_ bytes: [UInt8]) throws(WireFault) -> OutcomeDetail {
        let message = try WireOutcomeDetail(decoding: bytes)
        var reasons: [Reason] = []
        for item in message.reasons { reasons.append(try reason(item)) }
        return OutcomeDetail(claimNumber: message.claimNumber, caseID: message.caseID, reasons: reasons)
    }

    /// A list of reasons alone, as both stores keep them.
    package static func encode(_ reasons: [Reason]) -> [UInt8] {
        reasons.isEmpty ? [] : encode(OutcomeDetail(claimNumber: "", caseID: "", reasons: reasons))
    }

    static func wire(_ reason: Reason) -> WireReason {
        var message = WireReason()
        message.rule = reason.rule
        message.outcome = UInt32((Rule.Outcome.allCases.firstIndex(of: reason.outcome) ?? 0) + 1)
        message.blocking = reason.blocking.map(\.wire)
        message.unnamed = UInt32(reason.unnamed)
        switch reason.finding {
        case .held(let kind): message.set(1, kind)
        case .overCapacity(let kind, let used, let adding, let capacity):
            message.set(2, kind, [used.rawValue, adding.rawValue, capacity.rawValue])
        case .capacityDiffers(let kind, let stated, let standing):
            message.set(3, kind, [stated.rawValue, standing.rawValue])
        case .overlapping(let interval): message.set(4, nil, interval.numbers)
        case .outsideVoucher(let interval): message.set(5, nil, interval.numbers)
        case .outsideProgramme(let interval): message.set(6, nil, interval.numbers)
        case .unknownVoucher: message.set(7, nil)
        case .otherEnterprise: message.set(8, nil)
        case .voucherReused: message.set(9, nil)
        case .faultyEntry(let fault):
            message.set(10, nil)
            message.text = fault
        case .overRate(let claimed, let limit): message.set(14, nil, [claimed.rawValue, limit.rawValue])
        case .payment(let problem):
            message.set(12, nil)
            message.text = problem
        case .invoiceReversed(let reversed, let uncovered):
            message.set(13, nil, [reversed.rawValue, uncovered.rawValue])
        case .detected(let detection, let evidence):
            message.set(11, nil, [Int64(detection.rawValue)])
            message.text = evidence.map(\.text).joined(separator: " ")
        }
        return message
    }

    static func reason(_ message: WireReason) throws(WireFault) -> Reason {
        guard (1...Rule.Outcome.allCases.count).contains(Int(message.outcome)) else {
            throw WireFault("an unknown outcome")
        }
        var blocking: [ClaimName] = []
        for item in message.blocking { blocking.append(try ClaimName(item)) }
        return Reason(
            rule: message.rule, outcome: Rule.Outcome.allCases[Int(message.outcome) - 1],
            finding: try finding(message), blocking: blocking, unnamed: Int(message.unnamed))
    }

    private static func finding(_ message: WireReason) throws(WireFault) -> Reason.Finding {
        switch message.finding {
        case 1: return .held(try message.kind)
        case 2:
            let numbers = try message.money(3)
            return .overCapacity(try message.kind, used: numbers[0], adding: numbers[1], capacity: numbers[2])
        case 3:
            let numbers = try message.money(2)
            return .capacityDiffers(try message.kind, stated: numbers[0], standing: numbers[1])
        case 4: return .overlapping(try message.interval)
        case 5: return .outsideVoucher(try message.interval)
        case 6: return .outsideProgramme(try message.interval)
        case 7: return .unknownVoucher
        case 8: return .otherEnterprise
        case 9: return .voucherReused
        case 10: return .faultyEntry(message.text)
        case 11:
            guard message.numbers.count == 1,
                let detection = UInt8(exactly: message.numbers[0]).flatMap(Detection.init(rawValue:))
            else { throw WireFault("a detection that is not known: this node needs an update") }
            return .detected(
                detection, message.text.split(separator: " ").compactMap { FieldMatch(String($0)) })
        case 12: return .payment(message.text)
        case 13:
            let numbers = try message.money(2)
            return .invoiceReversed(reversed: numbers[0], uncovered: numbers[1])
        case 14:
            let numbers = try message.money(2)
            return .overRate(claimed: numbers[0], limit: numbers[1])
        default: throw WireFault("finding \(message.finding) is not known: this node needs an update")
        }
    }
}

extension WireReason {
    fileprivate mutating func set(_ finding: UInt32, _ kind: KeyKind?, _ numbers: [Int64] = []) {
        self.finding = finding
        self.keyKind = UInt32(kind?.rawValue ?? 0)
        self.numbers = numbers
    }

    fileprivate var kind: KeyKind {
        get throws(WireFault) {
            guard let kind = UInt8(exactly: keyKind).flatMap(KeyKind.init(rawValue:)) else {
                throw WireFault("an unknown key kind")
            }
            return kind
        }
    }

    fileprivate func money(_ count: Int) throws(WireFault) -> [Money] {
        guard numbers.count == count else {
            throw WireFault("a reason with \(numbers.count) numbers, \(count) expected")
        }
        return numbers.map(Money.init(rawValue:))
    }

    fileprivate var interval: DayInterval {
        get throws(WireFault) {
            let days = numbers.compactMap { Int32(exactly: $0).map(CalendarDate.init(rawValue:)) }
            guard days.count == 2, let interval = DayInterval(from: days[0], until: days[1]) else {
                throw WireFault("a reason with a broken interval")
            }
            return interval
        }
    }
}

extension DayInterval {
    fileprivate var numbers: [Int64] { [Int64(from.rawValue), Int64(until.rawValue)] }
}

extension ClaimName {
    var wire: WireClaimReference {
        var item = WireClaimReference()
        item.city = city.rawValue
        item.number = number
        return item
    }

    init(_ reference: WireClaimReference) throws(WireFault) {
        self.init(city: try CityCode(wire: reference.city), number: reference.number)
    }
}
