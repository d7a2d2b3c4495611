package import Arbitration
package import Replication
import VoucherDomain

/// The word of the registry, or of a city as far as it has the feed, on one check: anybody who has the signer's public key
/// can verify it years later.
///
/// What is signed, in the domain of checks, is a text of seven lines, each ended by a line feed; hexadecimal is in
/// lower case, and a number is decimal without zeros in front:
///
///     receipt  = "voucher-federation check receipt 1" LF
///                "id" SP 32HEX LF                       ; random, names the receipt
///                "answer" SP ("CLEAR" / "HIT" / "UNKNOWN") LF
///                "question" SP 64HEX LF                 ; the digest of what was asked
///                "feed" SP number SP number SP 64HEX LF ; incarnation, position and hash of the feed's end
///                "policy" SP number LF                  ; the version in force there, 0 before the first
///                "answered" SP number LF                ; the signer's clock, milliseconds since 1970
///
/// The digest of what was asked is SHA-256 over the domain's label, a zero byte and this text; the keys are those of
/// the protocol page, so that a question typed in another way is the same question:
///
///     question = "voucher-federation check question 1" LF
///                "city" SP (6DIGIT / "-") LF           ; who would file, "-" when nobody is named
///                1*("key" SP 1*HEX LF)                 ; canonical keys, each once, in ascending order
package struct CheckReceipt: Hashable, Sendable {
    /// 16 random bytes.
    package let id: [UInt8]
    package let answer: PreCheck.Answer
    /// What was asked, as ``digest(of:)`` has it.
    package let question: Digest
    /// The feed's end when it was answered: every decision up to it was looked at, and none after it.
    package let position: FeedHead
    /// The policy in force there; 0 before the first.
    package let policyVersion: UInt32
    /// The signer's clock, milliseconds since 1970.
    package let answeredAt: UInt64

    /// - Parameter id: 16 random bytes.
    package init(
        id: [UInt8], answer: PreCheck.Answer, question: PreCheck, position: FeedHead, policyVersion: UInt32,
        answeredAt: UInt64
    ) {
        self.id = id
        self.answer = answer
        self.question = CheckReceipt.digest(of: question)
        self.position = position
        self.policyVersion = policyVersion
        self.answeredAt = answeredAt
    }

    private static let version = "voucher-federation check receipt 1"
    private static let questionVersion = "voucher-federation check question 1"

    // MARK: The question

    /// The digest of a question: of its canonical keys and of the city that would file.
    package static func digest(of question: PreCheck) -> Digest {
        let city = question.city?.description ?? "-"
        let keys = question.keys.map { "key \($0.bytes.hexadecimal)" }
        return Digest(.check, text([questionVersion, "city \(city)"] + keys))
    }

    /// Whether this is the answer to that question.
    package func answers(_ question: PreCheck) -> Bool { CheckReceipt.digest(of: question) == self.question }

    // MARK: Signed bytes

    package func signed(by key: SigningKey) throws -> SignedBytes { try key.sign(.check, body) }

    /// Reads a receipt that `key` signed.
    package init(_ signed: SignedBytes, by key: PublicKey) throws(WireFault) {
        guard signed.isValid(.check, by: key) else {
            throw WireFault("the receipt's signature is not its signer's")
        }
        let lines = String(decoding: signed.body, as: UTF8.self)
            .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        guard lines.first == CheckReceipt.version else {
            throw WireFault("the receipt is of a version that this program does not know: update it")
        }
        // One spelling only, so that what was read is what was signed.
        guard let receipt = CheckReceipt(valuesOf: lines), receipt.body == signed.body else {
            throw WireFault("the receipt is not written as its first line says")
        }
        self = receipt
    }

    /// Takes the values by their places, however they are spelt and whatever they are called.
    private init?(valuesOf lines: [String]) {
        let words = lines.dropFirst().map { $0.split(separator: " ").map(String.init) }
        // The last line feed has nothing behind it.
        guard words.map(\.count) == [2, 2, 2, 4, 2, 2, 0],
            let id = [UInt8](hexadecimal: words[0][1]), id.count == 16,
            let answer = PreCheck.Answer(rawValue: words[1][1]),
            let question = [UInt8](hexadecimal: words[2][1]).flatMap(Digest.init(rawValue:)),
            let incarnation = UInt32(words[3][1]), let position = UInt64(words[3][2]),
            let hash = [UInt8](hexadecimal: words[3][3]).flatMap(Digest.init(rawValue:)),
            let policyVersion = UInt32(words[4][1]), let answeredAt = UInt64(words[5][1])
        else { return nil }
        self.id = id
        self.answer = answer
        self.question = question
        self.position = FeedHead(incarnation: incarnation, position: position, hash: hash)
        self.policyVersion = policyVersion
        self.answeredAt = answeredAt
    }

    private var body: [UInt8] {
        CheckReceipt.text([
            CheckReceipt.version, "id \(id.hexadecimal)", "answer \(answer.rawValue)",
            "question \(question.rawValue.hexadecimal)",
            "feed \(position.incarnation) \(position.position) \(position.hash.rawValue.hexadecimal)",
            "policy \(policyVersion)", "answered \(answeredAt)",
        ])
    }

    private static func text(_ lines: [String]) -> [UInt8] {
        Array(lines.map { "\($0)\n" }.joined(separator: "").utf8)
    }

    // MARK: For people

    /// When it was answered, in RFC 3339.
    package var answeredAtText: String { StatedTime(rawValue: Int64(clamping: answeredAt)).rfc3339 }

    /// One line that says what is vouched for.
    package var summary: String {
        "\(id.hexadecimal)  \(answer.rawValue) at \(answeredAtText), position \(position.position), "
            + "policy \(policyVersion)"
    }
}
