extension ClaimForm {
    /// The form that a valid claim would be typed as; ``validated()`` of it gives the same claim again.
    ///
    /// Also the text form in which a claim is shown, by column name.
    package init(_ claim: Claim) {
        var fields: [String: String] = [
            "claim_no": claim.number, "voucher_no": claim.voucherNumber,
            "enterprise_uscc": claim.enterprise.rawValue, "enterprise_name": claim.enterpriseName,
            "provider_uscc": claim.provider.rawValue, "provider_name": claim.providerName,
            "contract_no": claim.contractText, "contract_amount_yuan": claim.contractAmount.yuan,
            "service_from": claim.service.from.iso8601, "service_until": claim.service.until.iso8601,
            "resource_class": claim.resourceClass, "claimed_yuan": claim.claimed.yuan,
            "bank_receipt_no": claim.bankReceipt, "usage_proof_sha256": claim.usageProof.hexadecimal,
            "cofunding_group": claim.cofundingGroup,
            "invoice_numbers": claim.invoices.map(\.number.text).joined(separator: ";"),
            "invoice_amounts_yuan": claim.invoices.map(\.amount.yuan).joined(separator: ";"),
        ]
        fields["filed_at"] = claim.filedAt?.rfc3339
        fields["contract_signed_on"] = claim.contractSignedOn?.iso8601
        fields["card_hours"] = claim.cardHours.map(String.init)
        if claim.invoices.contains(where: { $0.issuedOn != nil }) {
            fields["invoice_dates"] = claim.invoices.map { $0.issuedOn?.iso8601 ?? "" }.joined(separator: ";")
        }
        self.init(fields: fields)
    }
}

extension VoucherForm {
    /// The form that a valid voucher would be typed as; ``validated()`` of it gives the same voucher again.
    package init(_ voucher: Voucher) {
        var fields: [String: String] = [
            "voucher_no": voucher.number, "programme": voucher.programme,
            "enterprise_uscc": voucher.enterprise.rawValue, "enterprise_name": voucher.enterpriseName,
            "face_value_yuan": voucher.faceValue.yuan, "valid_from": voucher.validity.from.iso8601,
            "valid_until": voucher.validity.until.iso8601,
        ]
        fields["issued_on"] = voucher.issuedOn?.iso8601
        self.init(fields: fields)
    }
}
