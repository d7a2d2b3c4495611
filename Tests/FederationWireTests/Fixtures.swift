import Arbitration
import Replication
import VoucherDomain

@testable import FederationWire

// Fixed values that the tests of this target share; nothing here is random.

extension CityCode {
    static let shenzhen = CityCode(rawValue: 440_300) ?? .registry
    static let beijing = CityCode(rawValue: 110_000) ?? .registry
}

extension Epoch {
    static let sample = Epoch(incarnation: 1, counter: 2, nonce: 0xA2)
}

extension Digest {
    /// 32 equal bytes.
    static func filled(_ byte: UInt8) -> Digest { Digest(rawValue: [UInt8](repeating: byte, count: 32)) ?? .zero }
}

extension LogHead {
    static let sample = LogHead(epoch: .sample, sequence: 2, hash: .filled(0x55))
}

extension FeedHead {
    static let sample = FeedHead(incarnation: 1, position: 40, hash: Digest(rawValue: [UInt8](0..<32)) ?? .zero)
}

extension EntryID {
    static let sample = EntryID(rawValue: [UInt8](16..<32)) ?? made(0)

    private static func made(_ seed: UInt64) -> EntryID {
        var generator = SeededGenerator(seed: seed)
        return EntryID(using: &generator)
    }
}

extension SigningKey {
    static let city = fixed(1)
    static let registry = fixed(2)

    private static func fixed(_ byte: UInt8) -> SigningKey {
        guard let key = SigningKey(seed: [UInt8](repeating: byte, count: 32)) else { preconditionFailure("32 bytes") }
        return key
    }
}

extension SignedBytes {
    static let sample = SignedBytes(body: [1, 2, 3], signature: [UInt8](repeating: 7, count: 64))
}

/// Values that exist by construction; a fixture that does not is a fault of the test.
func fixture<Value>(_ value: Value?, _ name: StaticString) -> Value {
    guard let value else { preconditionFailure("the fixture \(name) is not valid") }
    return value
}

extension CreditCode {
    static let buyer = fixture(CreditCode(rawValue: "91440300MA5EXAMP0C"), "buyer")
    static let supplier = fixture(CreditCode(rawValue: "91110108MA5PRQDR07"), "supplier")
    static let stranger = fixture(CreditCode(rawValue: "91310000MA1THRD04N"), "stranger")
}

extension CalendarDate {
    static func day(_ text: String) -> CalendarDate { fixture(CalendarDate(text), "date") }
}

extension DayInterval {
    static let service = fixture(DayInterval(from: .day("2026-03-01"), until: .day("2026-06-01")), "service")
    static let validity = fixture(DayInterval(from: .day("2026-01-01"), until: .day("2027-01-01")), "validity")
}

extension Voucher {
    static let sample = Voucher(
        number: "SLQ-2026-0001", programme: "算力券", enterprise: .buyer, enterpriseName: "深圳某某科技有限公司",
        faceValue: Money(rawValue: 200_000_000), issuedOn: .day("2026-01-05"), validity: .validity)
}

extension Claim {
    /// A claim with every field set.
    static let full = make(
        filedAt: StatedTime(rawValue: 1_780_000_000_123), signedOn: .day("2026-02-20"), cardHours: 12_000,
        invoices: [
            invoice("24117000000012345678", 5_000_000, .day("2026-04-02")),
            invoice("4403261130:00012345", 2_500_000, .day("2026-05-02")),
            invoice("24117000000087654321=440326113012:00054321", 1, nil),
        ], proof: [UInt8](repeating: 0xC3, count: 32), group: "JOINT-7", receipt: "BR20260501001")
    /// A claim with only the required fields.
    static let bare = make(
        filedAt: nil, signedOn: nil, cardHours: nil, invoices: [invoice("24117000000012345678", 5_000_000, nil)],
        proof: [], group: "", receipt: "")

    private static func invoice(_ number: String, _ fen: Int64, _ date: CalendarDate?) -> Claim.Invoice {
        Claim.Invoice(
            number: fixture(try? InvoiceNumber(number), "invoice"), amount: Money(rawValue: fen), issuedOn: date)
    }

    private static func make(
        filedAt: StatedTime?, signedOn: CalendarDate?, cardHours: Int64?, invoices: [Claim.Invoice], proof: [UInt8],
        group: String, receipt: String
    ) -> Claim {
        Claim(
            number: "SZ-2026-000123", filedAt: filedAt, voucherNumber: "SLQ-2026-0001", enterprise: .buyer,
            enterpriseName: "深圳某某科技有限公司", provider: .supplier, providerName: "北京算力服务有限公司",
            contract: fixture(ContractNumber("合同-2026〔007〕号"), "contract"), contractText: "合同-2026〔007〕号",
            contractSignedOn: signedOn, contractAmount: Money(rawValue: 9_000_000), service: .service,
            resourceClass: "H20", cardHours: cardHours, invoices: invoices, claimed: Money(rawValue: 2_000_000),
            bankReceipt: receipt, usageProof: proof, cofundingGroup: group)
    }
}

extension EntryDraft {
    /// The draft behind the golden bytes.
    static let sample = of(.claimFiled, [1, 2, 3])

    static func of(_ kind: EntryKind, _ payload: [UInt8], city: CityCode = .shenzhen) -> EntryDraft {
        EntryDraft(
            city: city, epoch: .sample, sequence: 3, time: HybridTime(milliseconds: 1_700_000_000_000, counter: 5),
            kind: kind, feedHead: .sample, id: .sample, payload: payload, previousHash: .filled(0x55))
    }

    var entry: Entry { EntryCoding.make(self) }
}

extension [UInt8] {
    /// One to four random damages: a flipped bit, a lost, doubled or inserted byte, or a cut.
    func damaged(_ generator: inout SeededGenerator) -> [UInt8] {
        var bytes = self
        for _ in 0..<Int.random(in: 1...4, using: &generator) where !bytes.isEmpty {
            let index = Int.random(in: bytes.indices, using: &generator)
            switch Int.random(in: 0..<6, using: &generator) {
            case 0: bytes.remove(at: index)
            case 1: bytes.insert(bytes[index], at: index)
            case 2: bytes.insert(UInt8.random(in: 0...255, using: &generator), at: index)
            case 3: bytes.removeLast(bytes.count - index)
            default: bytes[index] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
            }
        }
        return bytes
    }

    static func garbage(_ count: Int, _ generator: inout SeededGenerator) -> [UInt8] {
        (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    }
}
