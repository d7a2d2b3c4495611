/// A computing voucher (算力券) as its city issued it: a quota for one enterprise within dates.
///
/// Known nationwide by city and serial; the serial never changes its content.
package struct Voucher: Hashable, Sendable {
    package let number: String
    /// Programme name, such as 算力券; empty when not given.
    package let programme: String
    package let enterprise: CreditCode
    package let enterpriseName: String
    package let faceValue: Money
    package let issuedOn: CalendarDate?
    package let validity: DayInterval

    package init(
        number: String, programme: String, enterprise: CreditCode, enterpriseName: String, faceValue: Money,
        issuedOn: CalendarDate?, validity: DayInterval
    ) {
        self.number = number
        self.programme = programme
        self.enterprise = enterprise
        self.enterpriseName = enterpriseName
        self.faceValue = faceValue
        self.issuedOn = issuedOn
        self.validity = validity
    }
}
