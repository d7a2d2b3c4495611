/// A row of the ownership file: a company, who is behind it and how it is reached.
package struct CompanyForm: Hashable, Sendable {
    /// What two companies may share, by column.
    package static let attributes = ["legal_representative", "controller", "address", "phone", "bank_account"]
    package static let columns = ["uscc", "name", "head_office_uscc"] + attributes
    package static let optional = Set(columns).subtracting(["uscc"])

    package struct Company: Hashable, Sendable {
        package let code: CreditCode
        /// Empty when not given.
        package let name: String
        package let headOffice: CreditCode?
        /// In normal form, by column; only what is given.
        package let attributes: [String: String]
    }

    package let fields: [String: String]

    package init(fields: [String: String]) { self.fields = fields }

    /// The company, or every problem found.
    package func validated() -> Validated<Company> {
        var reader = FieldReader(fields: fields)
        let code = reader.creditCode("uscc")
        let name = reader.text("name") ?? ""
        let headOffice = fields["head_office_uscc"].map(Normaliser.trimmed).flatMap { text in
            text.isEmpty ? nil : reader.creditCode("head_office_uscc")
        }
        var attributes: [String: String] = [:]
        for column in CompanyForm.attributes {
            let text = Normaliser.code(reader.text(column) ?? "")
            if !text.isEmpty { attributes[column] = text }
        }
        guard reader.problems.isEmpty, let code else {
            return Validated(value: nil, problems: reader.problems, repairs: reader.repairs)
        }
        let company = Company(code: code, name: name, headOffice: headOffice, attributes: attributes)
        return Validated(value: company, problems: [], repairs: reader.repairs)
    }
}

/// A row of the national list of compute providers.
package struct ProviderForm: Hashable, Sendable {
    package static let columns = ["uscc", "name", "listed_from", "listed_until", "state_run"]
    package static let optional: Set = ["name", "listed_until", "state_run"]

    package struct Provider: Hashable, Sendable {
        package let code: CreditCode
        package let name: String
        package let listedFrom: CalendarDate
        /// The day after the last; `nil` while listed.
        package let listedUntil: CalendarDate?
        package let isStateRun: Bool
    }

    package let fields: [String: String]

    package init(fields: [String: String]) { self.fields = fields }

    /// The provider, or every problem found.
    package func validated() -> Validated<Provider> {
        var reader = FieldReader(fields: fields)
        let code = reader.creditCode("uscc")
        let name = reader.text("name") ?? ""
        let from = reader.date("listed_from", required: true)
        let until = reader.date("listed_until", required: false)
        let isStateRun = reader.value("state_run", required: false, expecting: "true or false") { Bool($0) }
        if let from, let until, until <= from {
            reader.note("listed_until", "must be after listed_from (\(from.iso8601)); the day itself is not included")
        }
        guard reader.problems.isEmpty, let code, let from else {
            return Validated(value: nil, problems: reader.problems, repairs: reader.repairs)
        }
        let provider = Provider(
            code: code, name: name, listedFrom: from, listedUntil: until, isStateRun: isStateRun ?? false)
        return Validated(value: provider, problems: [], repairs: reader.repairs)
    }
}
