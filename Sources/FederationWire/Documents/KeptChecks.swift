package import Arbitration
package import Replication
package import VoucherDomain

/// Answers to checks as somebody has kept them: one ``CheckDocument`` or a list, and what was asked if that is known.
package struct KeptChecks: Sendable {
    /// `nil` for what is no answer.
    private let checks: [KeptCheck?]
    private let questions: [PreCheck]?
    private let asker: CityCode?

    /// - Parameters:
    ///   - questions: What was asked, in the order of the answers; `nil` when it does not matter.
    ///   - asker: The city whose node may have asked the registry, where a question names nobody; `nil` for none.
    /// - Throws: ``WireFault`` when the bytes are no JSON, hold no answer, or not as many answers as questions.
    package init(json: [UInt8], questions: [PreCheck]?, asker: CityCode? = nil) throws(WireFault) {
        checks = try OneOrMany<KeptCheck>(json: json).items
        self.questions = questions
        self.asker = asker
        guard !checks.isEmpty else { throw WireFault("items: there is no answer to verify") }
        if let questions, questions.count != checks.count {
            throw WireFault("\(checks.count) answers, but \(questions.count) questions")
        }
    }

    /// What each answer is worth, in their order.
    ///
    /// - Parameter keys: The keys that a city has had; those of `000000` are the registry's.
    package func verdicts(by keys: (CityCode) -> [PublicKey]) -> [CheckVerdict] {
        checks.indices.map { index in
            do throws(WireFault) {
                return .valid(try receipt(at: index, by: keys))
            } catch {
                return .invalid(error.message)
            }
        }
    }

    private func receipt(at index: Int, by keys: (CityCode) -> [PublicKey]) throws(WireFault) -> CheckReceipt {
        guard let check = checks[index] else { throw WireFault("it is no answer to a check") }
        let (receipt, signer) = try check.verifiedReceipt(by: keys)
        if let questions, !readings(of: questions[index], by: signer).contains(where: receipt.answers) {
            throw WireFault("receipt \(receipt.id.hexadecimal) answers another question")
        }
        return receipt
    }

    /// What a question may have meant to who answered it: a city asks for itself where it names nobody.
    private func readings(of question: PreCheck, by signer: CityCode) -> [PreCheck] {
        guard signer == .registry else { return [question.asked(by: signer)] }
        return [question] + (asker.map { [question.asked(by: $0)] } ?? [])
    }
}

/// One kept answer: of a ``CheckDocument`` what its receipt vouches for. The reasons are not signed.
struct KeptCheck: Decodable, Sendable {
    let answer: String
    let receipt: CheckReceiptDocument?
    let position: PositionDocument
    let policy_version: UInt32

    /// The receipt and who signed it, when it says what the answer around it says.
    func verifiedReceipt(
        by keys: (CityCode) -> [PublicKey]
    ) throws(WireFault) -> (receipt: CheckReceipt, signer: CityCode) {
        guard let receipt else { throw WireFault("it has no receipt") }
        guard let signed = receipt.signed else { throw WireFault("the receipt's body or signature is no base64") }
        guard let signer = CityCode(receipt.signed_by) else { throw WireFault("signed_by is no city code") }
        let known = keys(signer)
        guard let key = known.first(where: { signed.isValid(.check, by: $0) }) ?? known.first else {
            throw WireFault("no key of city \(signer) is known here")
        }
        let verified = try CheckReceipt(signed, by: key)
        let differences = differences(from: verified, id: receipt.id)
        guard differences.isEmpty else {
            throw WireFault("\(differences.joined(separator: ", ")) was changed: the receipt says \(verified.summary)")
        }
        return (verified, signer)
    }

    /// The members that do not say what the receipt says.
    private func differences(from verified: CheckReceipt, id: String) -> [String] {
        var names: [String] = []
        if id != verified.id.hexadecimal { names.append("receipt.id") }
        if answer != verified.answer.rawValue { names.append("answer") }
        if position != PositionDocument(verified.position) { names.append("position") }
        if policy_version != verified.policyVersion { names.append("policy_version") }
        return names
    }
}
