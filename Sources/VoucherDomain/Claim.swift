/// One claim on a voucher: what a company asks its city to pay for, with all identifiers normalised.
///
/// A value of this type has passed ``ClaimForm/validated()``: amounts are positive and bounded, dates are in
/// order, codes hold both check digits. It does not change after filing; a change is a new claim.
package struct Claim: Hashable, Sendable {
    /// The city's own number, unique within the city.
    package let number: String
    /// When the officer says it was filed. Evidence, never a clock.
    package let filedAt: StatedTime?
    package let voucherNumber: String
    package let enterprise: CreditCode
    package let enterpriseName: String
    package let provider: CreditCode
    package let providerName: String
    package let contract: ContractNumber
    /// The contract number as typed, for people.
    package let contractText: String
    package let contractSignedOn: CalendarDate?
    package let contractAmount: Money
    package let service: DayInterval
    /// Kind of accelerator, such as `H20`; empty when not given.
    package let resourceClass: String
    package let cardHours: Int64?
    /// At least one, at most ``maximumInvoices``, no name twice.
    package let invoices: [Invoice]
    package let claimed: Money
    package let bankReceipt: String
    /// SHA-256 of the usage proof, 32 bytes or empty.
    package let usageProof: [UInt8]
    /// The declared co-funding group; empty when none.
    package let cofundingGroup: String

    /// One invoice and the amount on it.
    package struct Invoice: Hashable, Sendable {
        package let number: InvoiceNumber
        package let amount: Money
        package let issuedOn: CalendarDate?

        package init(number: InvoiceNumber, amount: Money, issuedOn: CalendarDate?) {
            self.number = number
            self.amount = amount
            self.issuedOn = issuedOn
        }
    }

    /// The most invoices one claim may name.
    package static let maximumInvoices = 200

    package init(
        number: String, filedAt: StatedTime?, voucherNumber: String, enterprise: CreditCode, enterpriseName: String,
        provider: CreditCode, providerName: String, contract: ContractNumber, contractText: String,
        contractSignedOn: CalendarDate?, contractAmount: Money, service: DayInterval, resourceClass: String,
        cardHours: Int64?, invoices: [Invoice], claimed: Money, bankReceipt: String, usageProof: [UInt8],
        cofundingGroup: String
    ) {
        self.number = number
        self.filedAt = filedAt
        self.voucherNumber = voucherNumber
        self.enterprise = enterprise
        self.enterpriseName = enterpriseName
        self.provider = provider
        self.providerName = providerName
        self.contract = contract
        self.contractText = contractText
        self.contractSignedOn = contractSignedOn
        self.contractAmount = contractAmount
        self.service = service
        self.resourceClass = resourceClass
        self.cardHours = cardHours
        self.invoices = invoices
        self.claimed = claimed
        self.bankReceipt = bankReceipt
        self.usageProof = usageProof
        self.cofundingGroup = cofundingGroup
    }
}
