package import VoucherDomain

/// What a uniqueness key is made of. The raw value is the key's first byte and never changes its meaning.
package enum KeyKind: UInt8, CaseIterable, Sendable {
    /// One name of one invoice.
    case invoice = 1
    /// Buyer, supplier (in this order) and normalised contract number.
    case contract = 2
    /// Both companies (unordered) and the contract number.
    case contractParties = 3
    /// City and serial of a voucher.
    case voucher = 4
    /// Enterprise and programme year.
    case enterpriseYear = 5
    /// Buyer, supplier and resource class.
    case service = 6
    case bankReceipt = 7
    case usageProof = 8

    /// The name in policy files, JSON and SQL.
    package var name: String {
        switch self {
        case .invoice: "invoice"
        case .contract: "contract"
        case .contractParties: "contract-parties"
        case .voucher: "voucher"
        case .enterpriseYear: "enterprise-year"
        case .service: "service"
        case .bankReceipt: "bank-receipt"
        case .usageProof: "usage-proof"
        }
    }

    package init?(name: String) {
        guard let kind = KeyKind.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }

    /// Whether keys of this kind travel in the feed as keyed hashes, for pre-checks in offline cities.
    ///
    /// Keys that only carry sums or intervals do not: an offline city could not judge them.
    package var isPublished: Bool {
        switch self {
        case .invoice, .contract, .contractParties, .bankReceipt, .usageProof: true
        case .voucher, .enterpriseYear, .service: false
        }
    }
}

extension KeyKind: Codable {
    package init(from decoder: any Decoder) throws {
        let name = try decoder.singleValueContainer().decode(String.self)
        guard let kind = KeyKind(name: name) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "unknown key \"\(name)\""))
        }
        self = kind
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(name)
    }
}

/// A canonical uniqueness key: the kind's byte, then each field with its length (two bytes, big-endian) in front.
/// Compared as bytes.
package struct Key: Hashable, Comparable, Sendable {
    package let bytes: [UInt8]

    /// Takes bytes that ``init(_:fields:)`` made earlier.
    package init(bytes: [UInt8]) { self.bytes = bytes }

    /// - Precondition: each field has at most 65,535 bytes; identifiers have at most 64 code points.
    package init(_ kind: KeyKind, fields: [some StringProtocol]) {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(1 + fields.reduce(0) { $0 + 2 + $1.utf8.count })
        bytes.append(kind.rawValue)
        for field in fields {
            let count = field.utf8.count
            precondition(count <= 65_535, "a key field of \(count) bytes, at most 65535")
            bytes.append(UInt8(count >> 8))
            bytes.append(UInt8(count & 0xFF))
            bytes.append(contentsOf: field.utf8)
        }
        self.bytes = bytes
    }

    /// The kind and the fields, for people.
    package var readable: String {
        var fields: [String] = []
        var rest = bytes.dropFirst()
        while rest.count >= 2, let high = rest.popFirst(), let low = rest.popFirst() {
            let length = Int(high) << 8 | Int(low)
            fields.append(String(decoding: rest.prefix(length), as: UTF8.self))
            rest = rest.dropFirst(length)
        }
        return "\(kind?.name ?? "of an unknown kind") \(fields.joined(separator: " "))"
    }

    /// The kind, or `nil` when the bytes are no key of this version.
    package var kind: KeyKind? { bytes.first.flatMap(KeyKind.init(rawValue:)) }

    package func hash(into hasher: inout Hasher) { bytes.withUnsafeBytes { hasher.combine(bytes: $0) } }

    package static func < (left: Key, right: Key) -> Bool { left.bytes.lexicographicallyPrecedes(right.bytes) }
}

extension Key {
    package static func invoice(_ name: InvoiceNumber.Name) -> Key { Key(.invoice, fields: [name.canonical]) }

    package static func contract(buyer: CreditCode, supplier: CreditCode, number: String) -> Key {
        Key(.contract, fields: [buyer.rawValue, supplier.rawValue, number])
    }

    package static func contractParties(_ one: CreditCode, _ other: CreditCode, number: String) -> Key {
        Key(.contractParties, fields: [min(one, other).rawValue, max(one, other).rawValue, number])
    }

    package static func voucher(city: CityCode, number: String) -> Key {
        Key(.voucher, fields: [city.description, number])
    }

    package static func enterpriseYear(_ enterprise: CreditCode, year: Int32) -> Key {
        Key(.enterpriseYear, fields: [enterprise.rawValue, String(year)])
    }

    package static func service(buyer: CreditCode, supplier: CreditCode, resourceClass: String) -> Key {
        Key(.service, fields: [buyer.rawValue, supplier.rawValue, resourceClass])
    }

    package static func bankReceipt(_ number: String) -> Key { Key(.bankReceipt, fields: [number]) }

    package static func usageProof(_ digest: [UInt8]) -> Key { Key(.usageProof, fields: [digest.hexadecimal]) }

    /// The keys of a contract: its number, and the number without leading zeros where that differs.
    package static func contractNumbers(_ contract: ContractNumber) -> [String] {
        [contract.rawValue] + (contract.withoutLeadingZeros.map { [$0] } ?? [])
    }
}

extension [Key] {
    /// Each key once, in ascending order.
    var sortedOnce: [Key] {
        var once: [Key] = []
        once.reserveCapacity(count)
        for key in sorted() where key != once.last { once.append(key) }
        return once
    }
}
