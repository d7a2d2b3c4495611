package import Arbitration
package import Replication
import VoucherDomain

/// Answers to checks as somebody has kept them: one ``CheckDocument`` or a list, and what was asked if that is known.
package struct KeptChecks: Sendable {
    /// `nil` for what is no answer.
    private let checks: [KeptCheck?]
    private let questions: [PreCheck]?

    /// - Parameter questions: What was asked, in the order of the answers; `nil` when it does not matter.
    /// - Throws: ``WireFault`` when the bytes are no JSON, hold no answer, or not as many answers as questions.
    package init(json: [UInt8], questions: [PreCheck]?) throws(WireFault) {
        checks = try OneOrMany<KeptCheck>(json: json).items
        self.questions = questions
        guard !checks.isEmpty else { throw WireFault("items: there is no answer to verify") }
        if let questions, questions.count != checks.count {
            throw WireFault("\(checks.count) answers, but \(questions.count) questions")
        }
    }

    /// What each answer is worth, in their order.
    ///
    /// - Parameter key: The registry's.
    package func verdicts(by key: PublicKey) -> [CheckVerdict] {
        checks.indices.map { index in
            do throws(WireFault) {
                return .valid(try receipt(at: index, by: key))
            } catch {
                return .invalid(error.message)
            }
        }
    }

    private func receipt(at index: Int, by key: PublicKey) throws(WireFault) -> CheckReceipt {
        guard let check = checks[index] else { throw WireFault("it is no answer to a check") }
        let receipt = try check.verifiedReceipt(by: key)
        if let questions, !receipt.answers(questions[index]) {
            throw WireFault("receipt \(receipt.id.hexadecimal) answers another question")
        }
        return receipt
    }
}

/// One kept answer: of a ``CheckDocument`` what its receipt vouches for. The reasons are not signed.
struct KeptCheck: Decodable, Sendable {
    struct Position: Decodable, Hashable, Sendable {
        let incarnation: UInt32
        let position: UInt64
        let hash: String

        init(_ head: FeedHead) {
            incarnation = head.incarnation
            position = head.position
            hash = head.hash.rawValue.hexadecimal
        }
    }

    let answer: String
    let receipt: CheckReceiptDocument?
    let position: Position
    let policy_version: UInt32

    /// The receipt, when `key` signed it and it says what the answer around it says.
    func verifiedReceipt(by key: PublicKey) throws(WireFault) -> CheckReceipt {
        guard let receipt else {
            throw WireFault("it has no receipt: only the registry's answers are signed, not a city's own")
        }
        guard let signed = receipt.signed else { throw WireFault("the receipt's body or signature is no base64") }
        let verified = try CheckReceipt(signed, by: key)
        let differences = differences(from: verified, id: receipt.id)
        guard differences.isEmpty else {
            throw WireFault("\(differences.joined(separator: ", ")) was changed: the receipt says \(verified.summary)")
        }
        return verified
    }

    /// The members that do not say what the receipt says.
    private func differences(from verified: CheckReceipt, id: String) -> [String] {
        var names: [String] = []
        if id != verified.id.hexadecimal { names.append("receipt.id") }
        if answer != verified.answer.rawValue { names.append("answer") }
        if position != Position(verified.position) { names.append("position") }
        if policy_version != verified.policyVersion { names.append("policy_version") }
        return names
    }
}
