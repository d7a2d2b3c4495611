import VoucherDomain

extension ClaimForm {
    /// The fields that are not left empty.
    var filled: [String: String] { fields.filter { !$0.value.isEmpty } }
}
