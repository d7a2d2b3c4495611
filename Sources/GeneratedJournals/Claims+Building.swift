package import Arbitration
package import VoucherDomain

/// What a test wrote by hand and knows to be valid.
package func valid<Value>(_ value: Value?) -> Value {
    guard let value else { preconditionFailure("a test names an invalid \(Value.self)") }
    return value
}

extension CityCode {
    package static let beijing = valid(CityCode("110000"))
    package static let hangzhou = valid(CityCode("330100"))
    package static let shenzhen = valid(CityCode("440300"))
}

extension CreditCode {
    package static let buyer = valid(CreditCode(rawValue: "91110000600037341L"))
    package static let supplier = valid(CreditCode(rawValue: "9144030071526726XG"))
    package static let otherBuyer = valid(CreditCode(rawValue: "91620100719023721L"))
    package static let otherSupplier = valid(CreditCode(rawValue: "911522010783762860"))
}

extension Money {
    package static func yuan(_ yuan: Int64, fen: Int64 = 0) -> Money { Money(rawValue: yuan * 100 + fen) }
}

extension CalendarDate {
    /// A day that a test wrote by hand.
    package static func on(_ text: String) -> CalendarDate { valid(CalendarDate(text)) }

    /// A moment of that day in China, in milliseconds since 1970.
    package func milliseconds(hour: Int64, minute: Int64 = 0) -> Int64 {
        Int64(rawValue) * 86_400_000 + (hour - 8) * 3_600_000 + minute * 60_000
    }
}

extension DayInterval {
    /// `[from, until)`, both written `YYYY-MM-DD`.
    package static func days(_ from: String, _ until: String) -> DayInterval {
        valid(DayInterval(from: valid(CalendarDate(from)), until: valid(CalendarDate(until))))
    }

    package static let june = days("2026-06-01", "2026-07-01")
    package static let july = days("2026-07-01", "2026-08-01")
}

extension Claim.Invoice {
    /// Under which of its names an invoice is stated.
    package enum Naming: Hashable, CaseIterable, Sendable { case digital, paper, both }

    /// The invoice with that serial as somebody mistypes it: two neighbouring digits of its number are exchanged.
    package static func slip(of serial: Int, _ amount: Money = .yuan(100)) -> Claim.Invoice {
        var digits = Array(Claim.Invoice.serial(serial).number.primary.canonical.suffix(20))
        let index = valid((3..<18).first { digits[$0] != digits[$0 + 1] })
        digits.swapAt(index, index + 1)
        return Claim.Invoice(number: valid(try? InvoiceNumber(String(digits))), amount: amount, issuedOn: nil)
    }

    /// The invoice with that serial; one serial is one invoice, however it is named. No two look alike, and both names
    /// of one end in the same eight digits.
    package static func serial(
        _ serial: Int, _ amount: Money = .yuan(100), _ naming: Naming = .digital, on date: String? = nil
    ) -> Claim.Invoice {
        func scattered(_ factor: Int, digits: Int, below: Int) -> String {
            let text = String(serial * factor % below)
            return String(repeating: "0", count: digits - text.utf8.count) + text
        }
        let tail = scattered(61_803_399, digits: 8, below: 100_000_000)
        let digital = "26330" + scattered(3_141_593, digits: 7, below: 10_000_000) + tail
        let paper = "033001900111:" + tail
        let text =
            switch naming {
            case .digital: digital
            case .paper: paper
            case .both: "\(digital)=\(paper)"
            }
        let number = valid(try? InvoiceNumber(text))
        return Claim.Invoice(number: number, amount: amount, issuedOn: date.map { valid(CalendarDate($0)) })
    }
}

extension Claim {
    /// A valid claim of 10 yuan on voucher `V1` that names nothing which another claim could share by accident,
    /// apart from the two companies, the voucher and the enterprise's year.
    package static func sample(
        _ number: String, voucher: String = "V1", buyer: CreditCode = .buyer, supplier: CreditCode = .supplier,
        contract: String? = nil, contractAmount: Money = .yuan(100_000_000), service: DayInterval = .june,
        resource: String = "", hours: Int64? = nil, buyerName: String = "", supplierName: String = "",
        invoices: [Invoice],
        claimed: Money = .yuan(10), receipt: String = "",
        proof: [UInt8] = [], group: String = ""
    ) -> Claim {
        let contractText = contract ?? "HT-\(number)-\(number)-\(number)"
        return Claim(
            number: number, filedAt: nil, voucherNumber: voucher, enterprise: buyer, enterpriseName: buyerName,
            provider: supplier, providerName: supplierName, contract: valid(ContractNumber(contractText)),
            contractText: contractText,
            contractSignedOn: nil, contractAmount: contractAmount, service: service, resourceClass: resource,
            cardHours: hours, invoices: invoices, claimed: claimed, bankReceipt: receipt, usageProof: proof,
            cofundingGroup: group)
    }
}

extension Voucher {
    package static func sample(
        _ number: String, for enterprise: CreditCode = .buyer, programme: String = "算力券",
        faceValue: Money = .yuan(20_000_000), validity: DayInterval = .days("2025-01-01", "2028-01-01")
    ) -> Voucher {
        Voucher(
            number: number, programme: programme, enterprise: enterprise, enterpriseName: "", faceValue: faceValue,
            issuedOn: nil, validity: validity)
    }
}

extension JournalEntry {
    /// An entry whose id is derived from its position.
    package static func sample(position: Int64, city: CityCode, _ content: Content) -> JournalEntry {
        let id = [UInt8](repeating: 0, count: 8) + withUnsafeBytes(of: position.bigEndian, Array.init)
        return JournalEntry(position: position, city: city, id: id, content: content)
    }
}
