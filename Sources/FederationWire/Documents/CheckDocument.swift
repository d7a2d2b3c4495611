package import Arbitration
import Foundation
package import Replication
package import VoucherDomain

/// The question of a check, as JSON.
package struct CheckRequestDocument: Codable, Sendable {
    package let enterprise_uscc: String
    package let provider_uscc: String
    package let contract_no: String
    package let invoices: [String]
    package let city_code: String?

    package init(
        enterprise_uscc: String, provider_uscc: String, contract_no: String, invoices: [String], city_code: String?
    ) {
        self.enterprise_uscc = enterprise_uscc
        self.provider_uscc = provider_uscc
        self.contract_no = contract_no
        self.invoices = invoices
        self.city_code = city_code
    }

    /// Reads a body.
    package init(json: [UInt8]) throws(WireFault) {
        do {
            self = try JSONDecoder().decode(CheckRequestDocument.self, from: Data(json))
        } catch {
            throw WireFault(
                "expected enterprise_uscc, provider_uscc, contract_no, invoices (an array of numbers) and, if you like, city_code"
            )
        }
    }

    /// The question with identifiers normalised.
    ///
    /// - Parameter city: The city that asks, where the request names none.
    package func question(askedBy city: CityCode?) throws(WireFault) -> PreCheck {
        guard let contract = ContractNumber(contract_no) else {
            throw WireFault("contract_no: expected a contract number")
        }
        guard !invoices.isEmpty, invoices.count <= Claim.maximumInvoices else {
            throw WireFault("invoices: expected 1 to \(Claim.maximumInvoices) numbers")
        }
        var numbers: [InvoiceNumber] = []
        for text in invoices {
            do { numbers.append(try InvoiceNumber(text)) } catch { throw WireFault("invoices: \(error.message)") }
        }
        var asking = city
        if let city_code {
            guard let code = CityCode(city_code) else { throw WireFault("city_code: expected six digits") }
            asking = code
        }
        return PreCheck(
            enterprise: try code("enterprise_uscc", enterprise_uscc),
            provider: try code("provider_uscc", provider_uscc), contract: contract, invoices: numbers, city: asking)
    }

    private func code(_ field: String, _ text: String) throws(WireFault) -> CreditCode {
        switch CreditCode.parse(text) {
        case .success(let parsed): return parsed.code
        case .failure(let fault): throw WireFault("\(field): \(fault.rawValue)")
        }
    }
}

/// The answer to a check, as JSON.
package struct CheckDocument: Encodable, Sendable {
    package let answer: String
    package let reasons: [ReasonDocument]
    package let receipt: ReceiptDocument?
    package let position: PositionDocument?
    package let policy_version: UInt32

    package init(
        answer: PreCheck.Answer, reasons: [ReasonDocument], receipt: ReceiptDocument?, position: FeedHead?,
        policyVersion: UInt32
    ) {
        self.answer = answer.rawValue
        self.reasons = reasons
        self.receipt = receipt
        self.position = position.map(PositionDocument.init)
        self.policy_version = policyVersion
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: ColumnKey.self)
        try container.encode(answer, forKey: ColumnKey("answer"))
        try container.encode(reasons, forKey: ColumnKey("reasons"))
        try container.encode(receipt, forKey: ColumnKey("receipt"))
        try container.encode(position, forKey: ColumnKey("position"))
        try container.encode(policy_version, forKey: ColumnKey("policy_version"))
    }

    /// What the receipt of a check signs, under the domain of checks: id, answer, policy version, position, feed
    /// hash and the digest of the question's canonical keys, a line each.
    package static func receiptBody(
        id: [UInt8], answer: PreCheck.Answer, question: PreCheck, position: FeedHead, policyVersion: UInt32
    ) -> [UInt8] {
        let asked = Digest(.check, question.keys.flatMap(\.bytes)).rawValue.hexadecimal
        let lines = [
            id.hexadecimal, answer.rawValue, "\(policyVersion)", "\(position.incarnation).\(position.position)",
            position.hash.rawValue.hexadecimal, asked, question.city?.description ?? "-",
        ]
        return Array(lines.joined(separator: "\n").utf8)
    }
}
