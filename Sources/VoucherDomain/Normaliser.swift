/// Version 1 of the normalisation that every identifier passes once, at its origin.
///
/// The registry derives the same form again and refuses a claim whose identifiers differ from it, so all
/// nodes must agree byte for byte: the steps below use fixed tables, never the platform's Unicode.
package enum Normaliser {
    /// The version that an entry is normalised under.
    package static let version: UInt32 = 1

    /// Compatibility forms folded to ASCII (full width, superscripts, letter-like signs), then upper case.
    ///
    /// Code points without an ASCII form are kept as they are.
    package static func folded(_ text: String) -> String {
        // Most identifiers are in normal form already.
        if text.utf8.allSatisfy({ $0 < 0x80 && !(0x61...0x7A).contains($0) }) { return text }
        var scalars = String.UnicodeScalarView()
        for scalar in text.unicodeScalars {
            if scalar.value < 0x80 {
                scalars.append(uppercased(scalar))
            } else if let run = compatibilityRun(of: scalar.value) {
                scalars.append(uppercased(Unicode.Scalar(run.ascii + UInt8(scalar.value - run.first))))
            } else if let sequence = compatibilitySequence(of: scalar.value) {
                scalars.append(contentsOf: sequence.ascii.description.unicodeScalars.map(uppercased))
            } else {
                scalars.append(scalar)
            }
        }
        return String(scalars)
    }

    /// ``folded(_:)`` without white space and hyphens of any kind: the form of codes and invoice numbers.
    package static func code(_ text: String) -> String {
        if text.utf8.allSatisfy(\.isNormalCode) { return text }
        var scalars = folded(text).unicodeScalars
        scalars.removeAll { isSpace($0) || isHyphen($0) }
        return String(scalars)
    }

    /// White space cut from both ends; what stands between is kept.
    package static func trimmed(_ text: String) -> String {
        let scalars = text.unicodeScalars
        guard let first = scalars.firstIndex(where: { !isSpace($0) }),
            let last = scalars.lastIndex(where: { !isSpace($0) })
        else { return "" }
        return String(scalars[first...last])
    }

    static func isHyphen(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x2D, 0xAD, 0x2010...0x2015, 0x2212, 0x2E3A, 0x2E3B, 0xFE58, 0xFE63, 0xFF0D: true
        default: false
        }
    }

    static func isSpace(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09...0x0D, 0x20, 0x85, 0xA0, 0x1680, 0x2000...0x200B, 0x2028, 0x2029, 0x202F, 0x205F, 0x2060, 0x3000,
            0xFEFF:
            true
        default: false
        }
    }

    private static func uppercased(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        (0x61...0x7A).contains(scalar.value) ? Unicode.Scalar(UInt8(scalar.value - 0x20)) : scalar
    }

    private static func compatibilityRun(of value: UInt32) -> (first: UInt32, last: UInt32, ascii: UInt8)? {
        var (low, high) = (0, CompatibilityTable.runs.count)
        while low < high {
            let middle = (low + high) / 2
            let run = CompatibilityTable.runs[middle]
            if value > run.last { low = middle + 1 } else if value < run.first { high = middle } else { return run }
        }
        return nil
    }

    private static func compatibilitySequence(of value: UInt32) -> (scalar: UInt32, ascii: StaticString)? {
        CompatibilityTable.sequences.first { $0.scalar == value }
    }
}

extension UInt8 {
    /// An ASCII character that ``Normaliser/code(_:)`` leaves as it is.
    fileprivate var isNormalCode: Bool {
        switch self {
        case 0x09...0x0D, 0x20, 0x2D, 0x61...0x7A, 0x80...0xFF: false
        default: true
        }
    }
}
