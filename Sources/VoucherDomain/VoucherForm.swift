/// A voucher as text fields by CSV column name, not yet checked.
package struct VoucherForm: Hashable, Sendable {
    /// Columns in the order of the exchanged file.
    package static let columns = [
        "voucher_no", "programme", "enterprise_uscc", "enterprise_name", "face_value_yuan", "issued_on",
        "valid_from", "valid_until",
    ]

    package let fields: [String: String]

    package init(fields: [String: String]) { self.fields = fields }

    /// The voucher, or every problem found.
    package func validated() -> Validated<Voucher> {
        var reader = FieldReader(fields: fields)
        let number = reader.value("voucher_no", required: true, expecting: "a serial", atMost: 64) { $0 }
        let programme = reader.text("programme") ?? ""
        let enterprise = reader.creditCode("enterprise_uscc")
        let enterpriseName = reader.text("enterprise_name") ?? ""
        let faceValue = reader.money("face_value_yuan")
        let issuedOn = reader.date("issued_on", required: false)
        let validity = reader.interval("valid_from", "valid_until")
        guard reader.problems.isEmpty, let number, let enterprise, let faceValue, let validity else {
            return Validated(value: nil, problems: reader.problems, repairs: reader.repairs)
        }
        let voucher = Voucher(
            number: number, programme: programme, enterprise: enterprise, enterpriseName: enterpriseName,
            faceValue: faceValue, issuedOn: issuedOn, validity: validity)
        return Validated(value: voucher, problems: [], repairs: reader.repairs)
    }
}

/// What checking a form gave: a value, or the problems that prevent it; and the repairs made either way.
package struct Validated<Value: Hashable & Sendable>: Hashable, Sendable {
    package let value: Value?
    package let problems: [FieldProblem]
    package let repairs: [FieldRepair]
}
