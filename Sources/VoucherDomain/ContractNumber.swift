/// A contract's number as compared between cities; there is no national one.
///
/// Folded to ASCII and upper case, without `-–—_/ .()（）〔〕[]#` and the words 第 and 号. Leading zeros are kept;
/// ``withoutLeadingZeros`` is indexed beside it.
package struct ContractNumber: RawRepresentable, Hashable, Sendable {
    /// The normalised number, 1 to 64 characters.
    package let rawValue: String

    /// Normalises what a person typed. `nil` when nothing, or more than 64 characters, would be left.
    package init?(_ text: String) {
        var scalars = Normaliser.folded(text).unicodeScalars
        scalars.removeAll { Normaliser.isSpace($0) || Normaliser.isHyphen($0) || ContractNumber.ignored.contains($0) }
        let normalised = String(scalars)
        guard (1...64).contains(normalised.unicodeScalars.count) else { return nil }
        self.rawValue = normalised
    }

    /// Accepts the canonical form only.
    package init?(rawValue: String) {
        self.init(rawValue)
        guard self.rawValue.utf8.elementsEqual(rawValue.utf8) else { return nil }
    }

    /// The number without zeros in front, when that is another one; at least one character stays.
    package var withoutLeadingZeros: String? {
        let scalars = rawValue.unicodeScalars
        let stripped = scalars.drop { $0 == "0" }
        // "000" keeps one zero.
        let rest = stripped.isEmpty ? scalars.suffix(1) : stripped
        return rest.count == scalars.count ? nil : String(String.UnicodeScalarView(rest))
    }

    private static let ignored: Set<Unicode.Scalar> = Set("_/.()（）〔〕[]【】［］#第号".unicodeScalars)
}
