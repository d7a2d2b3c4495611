/// The name or names of one invoice.
///
/// A fully digital invoice (数电发票) has 20 digits; an older one a code of 10 or 12 digits and a number of 8.
/// The same invoice can carry both names, written `20digits=code:number`; then either finds the other.
/// There is no public check digit, and the area `94` occurs, so nothing but the form is checked.
package struct InvoiceNumber: Hashable, Sendable {
    /// One name of an invoice, in canonical form.
    package enum Name: Hashable, Sendable {
        case digital(String)
        case paper(code: String, number: String)

        /// `E:<20 digits>` or `P:<code>:<number>`.
        package var canonical: String {
            switch self {
            case .digital(let digits): "E:\(digits)"
            case .paper(let code, let number): "P:\(code):\(number)"
            }
        }
    }

    /// The name that the canonical key is built from: the digital one when known.
    package let primary: Name
    /// The second name of the same invoice, when declared.
    package let alias: Name?

    /// Why a text names no invoice.
    package struct Fault: Error, Hashable, Sendable {
        package let message: String
    }

    /// Reads `20 digits`, `code:number` or `20 digits=code:number`, after folding width, spaces and hyphens.
    package init(_ text: String) throws(Fault) {
        let parts = Normaliser.code(text).split(separator: "=", omittingEmptySubsequences: false).map(String.init)
        switch parts.count {
        case 1:
            self.primary = try InvoiceNumber.name(parts[0])
            self.alias = nil
        case 2:
            let names = [try InvoiceNumber.name(parts[0]), try InvoiceNumber.name(parts[1])]
            guard case .digital = names[0], case .paper = names[1] else {
                throw Fault(message: "both names of an invoice are written 20digits=code:number")
            }
            self.primary = names[0]
            self.alias = names[1]
        default:
            throw Fault(message: "an invoice has at most two names")
        }
    }

    /// All names, the primary first.
    package var names: [Name] { [primary] + (alias.map { [$0] } ?? []) }

    /// The form in which it is stored and shown: `20digits`, `code:number` or `20digits=code:number`.
    package var text: String {
        names.map { name in
            switch name {
            case .digital(let digits): digits
            case .paper(let code, let number): "\(code):\(number)"
            }
        }.joined(separator: "=")
    }

    private static func name(_ text: String) throws(Fault) -> Name {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        guard parts.allSatisfy(\.isASCIIDigits) else {
            throw Fault(message: "an invoice number has digits only: 20 of them, or code:number")
        }
        switch parts.map(\.utf8.count) {
        case [20]: return .digital(parts[0])
        case [10, 8], [12, 8]: return .paper(code: parts[0], number: parts[1])
        case let counts where counts.count == 1:
            throw Fault(message: "a fully digital invoice number has 20 digits, not \(counts[0])")
        default:
            throw Fault(message: "an older invoice is a code of 10 or 12 digits, a colon and 8 digits")
        }
    }
}
