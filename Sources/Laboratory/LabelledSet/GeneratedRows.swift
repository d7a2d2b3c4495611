/// A company as the ownership file lists it.
struct GeneratedCompany {
    let code: String
    var name: String
    var headOffice = ""
    var representative: String
    var controller: String
    var address: String
    var phone: String
    var account: String
}

/// A row of the national list of compute providers; days count from 1970-01-01.
struct GeneratedProvider {
    let code: String
    let name: String
    var listedFrom = Day.first(of: 2025)
    var listedUntil: Int32?
    let isStateRun: Bool
}

struct GeneratedVoucher {
    /// The city's place in the list of cities.
    let city: Int
    let number: String
    let programme: String
    let enterprise: GeneratedCompany
    let faceFen: Int64
    let from: Int32
    let until: Int32
}

struct GeneratedInvoice {
    /// As written in the file: 20 digits, `code:number`, or both with `=` between.
    var number: String
    var fen: Int64
    /// `nil` for not given.
    var date: Int32?
}

/// A claim before it is written; what is left at zero or empty is filled in when it is filed.
struct GeneratedClaim {
    /// The city's place in the list of cities.
    var city: Int
    var number = ""
    /// Seconds after ``Day/firstFiling``.
    var filedAt = 0
    var voucher: String
    var enterpriseCode: String
    var enterpriseName: String
    var providerCode: String
    var providerName: String
    var contract: String
    var contractFen: Int64
    var signedOn: Int32
    var from: Int32
    var until: Int32
    /// The place in ``ResourceClass/all``.
    var resourceClass: Int
    /// Zero for what the amount buys at a usual price.
    var cardHours: Int64 = 0
    var invoices: [GeneratedInvoice]
    /// Zero for what the city pays of the invoices.
    var claimedFen: Int64 = 0
    /// What stands in the file instead of an amount.
    var claimedText: String?
    var bankReceipt: String
    var usageProof: String
    var cofundingGroup = ""
    /// The label's outcome; empty where it depends on what arrives first.
    var outcome = ""

    var invoicedFen: Int64 { invoices.reduce(0) { $0 + $1.fen } }
}

/// The claims of one case and everything that they need.
struct GeneratedGroup {
    let pattern: Pattern
    var claims: [GeneratedClaim] = []
    var vouchers: [GeneratedVoucher] = []
    var companies: [GeneratedCompany] = []
    var providers: [GeneratedProvider] = []
    var capacityFen: Int64?
}

/// Days since 1970-01-01.
enum Day {
    /// 2025-01-01 is day 20,089; no leap day lies between it and 2028-01-01.
    static func first(of year: Int) -> Int32 { 20_089 + 365 * Int32(year - 2025) }

    /// 1 June 2026, from which on claims are filed.
    static let firstFiling = first(of: 2026) + 151
}
