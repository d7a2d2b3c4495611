import Arbitration
package import Replication
import VoucherDomain

/// What a kept answer to a check is worth.
package enum CheckVerdict: Hashable, Sendable {
    /// The signer's word, and the answer around it says the same.
    case valid(CheckReceipt)
    /// It proves nothing, and why.
    case invalid(String)

    package var isValid: Bool { position != nil }

    /// The feed head that a valid receipt names.
    package var position: FeedHead? {
        switch self {
        case .valid(let receipt): receipt.position
        case .invalid: nil
        }
    }

    /// The same, but invalid when its receipt names another feed head than these.
    package func confirmed(by heads: Set<FeedHead>) -> CheckVerdict {
        guard case .valid(let receipt) = self, !heads.contains(receipt.position) else { return self }
        let id = receipt.id.hexadecimal
        return .invalid("receipt \(id) names feed position \(receipt.position.position) as this registry never had it")
    }

    /// One line for people.
    package var line: String {
        switch self {
        case .valid(let receipt): "valid      \(receipt.summary)"
        case .invalid(let problem): "NOT VALID  \(problem)"
        }
    }
}

/// What `check-receipt --json` prints of each answer.
extension CheckVerdict: Encodable {
    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: ColumnKey.self)
        try container.encode(isValid, forKey: ColumnKey("valid"))
        switch self {
        case .valid(let receipt):
            try container.encode(receipt.id.hexadecimal, forKey: ColumnKey("id"))
            try container.encode(receipt.answer.rawValue, forKey: ColumnKey("answer"))
            try container.encode(PositionDocument(receipt.position), forKey: ColumnKey("position"))
            try container.encode(receipt.policyVersion, forKey: ColumnKey("policy_version"))
            try container.encode(receipt.answeredAtText, forKey: ColumnKey("answered_at"))
        case .invalid(let problem):
            try container.encode(problem, forKey: ColumnKey("problem"))
        }
    }
}
