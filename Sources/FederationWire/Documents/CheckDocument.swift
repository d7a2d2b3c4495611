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

    /// What one looks like, for whoever sent something else.
    static let form = """
        expected enterprise_uscc, provider_uscc, contract_no, invoices (an array of numbers) and, if you like, \
        city_code
        """

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
    package let receipt: CheckReceiptDocument
    package let position: PositionDocument
    package let policy_version: UInt32

    /// What the receipt says, the receipt itself, and the reasons.
    ///
    /// - Parameter signer: Whose key it is: a city's, or the registry's.
    package init(
        _ receipt: CheckReceipt, signedBy key: SigningKey, of signer: CityCode, reasons: [ReasonDocument]
    ) throws {
        answer = receipt.answer.rawValue
        self.reasons = reasons
        self.receipt = CheckReceiptDocument(try receipt.signed(by: key), id: receipt.id, signer)
        position = PositionDocument(receipt.position)
        policy_version = receipt.policyVersion
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: ColumnKey.self)
        try container.encode(answer, forKey: ColumnKey("answer"))
        try container.encode(reasons, forKey: ColumnKey("reasons"))
        try container.encode(receipt, forKey: ColumnKey("receipt"))
        try container.encode(position, forKey: ColumnKey("position"))
        try container.encode(policy_version, forKey: ColumnKey("policy_version"))
    }
}

/// A check's receipt as JSON: with the signer's public key it can be verified from this alone.
package struct CheckReceiptDocument: Codable, Sendable {
    /// Lower-case hexadecimal; the signed text has it, too.
    package let id: String
    /// The text that is signed (``CheckReceipt``), in base64.
    package let body: String
    /// Base64.
    package let signature: String
    /// Whose key to verify it by: a city code, 000000 for the registry. Not signed itself.
    package let signed_by: String

    init(_ signed: SignedBytes, id: [UInt8], _ signer: CityCode) {
        signed_by = signer.description
        self.id = id.hexadecimal
        body = Data(signed.body).base64EncodedString()
        signature = Data(signed.signature).base64EncodedString()
    }

    /// `nil` when the text or the signature is no base64.
    var signed: SignedBytes? {
        guard let body = Data(base64Encoded: body), let signature = Data(base64Encoded: signature) else { return nil }
        return SignedBytes(body: Array(body), signature: Array(signature))
    }
}

/// The answers to ``CheckRequests``, in the form in which these came: one document, or a list.
package struct CheckAnswers: Encodable, Sendable {
    private let items: [CheckDocument]
    private let isBatch: Bool

    /// - Precondition: One answer to each question, in their order.
    package init(_ items: [CheckDocument], to requests: CheckRequests) {
        precondition(items.count == requests.items.count, "\(items.count) answers to \(requests.items.count) questions")
        self.items = items
        isBatch = requests.isBatch
    }

    package func encode(to encoder: any Encoder) throws {
        if isBatch {
            try ListDocument(items: items, next: nil).encode(to: encoder)
        } else {
            try items[0].encode(to: encoder)
        }
    }
}
