import VoucherDomain

/// A pattern too loose for a key.
///
/// A claim leaves traces under blocking keys; a later one looks up its neighbours there and compares fields with each.
/// So the work is in proportion to what is new and to who resembles it, never to all pairs. Like the rules on keys, a
/// detector is a pure function of the ledger and the claim: it runs inside the fold, and again over everything for
/// data that came late.
protocol Detector: SendableMetatype {
    /// Under what this claim is found later.
    static func traces(of filing: Filing, _ rule: Rule, _ register: Register) -> [Trace]

    /// Where this claim looks for neighbours: under its own traces, unless told otherwise.
    static func lookups(of filing: Filing, _ rule: Rule, _ register: Register, own traces: [Trace]) -> [Trace]

    /// Which of its traces a claim leaves that was decided that way: all of them when it is live, unless told otherwise.
    ///
    /// - Parameter view: The claim with its decision as its state.
    static func tracesLeft(_ view: DetectorView, _ reasons: [Reason]) -> [Trace]

    /// What the claim looks like, at most one match for each thing that was found.
    static func matches(_ view: DetectorView) -> [DetectorMatch]

    /// What is wrong with the rule's numbers, or `nil`.
    static func fault(_ parameters: Rule.Parameters) -> String?
}

extension Detector {
    static func traces(of filing: Filing, _ rule: Rule, _ register: Register) -> [Trace] { [] }

    static func lookups(of filing: Filing, _ rule: Rule, _ register: Register, own traces: [Trace]) -> [Trace] {
        traces
    }

    static func tracesLeft(_ view: DetectorView, _ reasons: [Reason]) -> [Trace] {
        view.filing.isLive ? view.traces : []
    }
}

/// A rule of a policy with the detector that it appoints; shared by every view of every claim.
final class DetectorRule: Sendable, Equatable {
    let rule: Rule
    let detector: any Detector.Type

    init(_ rule: Rule, _ detector: any Detector.Type) {
        self.rule = rule
        self.detector = detector
    }

    static func == (left: DetectorRule, right: DetectorRule) -> Bool { left === right || left.rule == right.rule }

    func traces(of filing: Filing, _ register: Register) -> [Trace] { detector.traces(of: filing, rule, register) }

    func lookups(of filing: Filing, _ register: Register, own traces: [Trace]) -> [Trace] {
        detector.lookups(of: filing, rule, register, own: traces)
    }
}

/// What is known around one claim, shared by the views of all detectors.
final class Surroundings: Sendable {
    let register: Register
    /// The prices paid so far for the claim's resource class.
    let prices: PriceHistogram

    init(register: Register, prices: PriceHistogram) {
        self.register = register
        self.prices = prices
    }
}

/// What a detector may look at.
struct DetectorView {
    let appointed: DetectorRule
    var filing: Filing
    /// Under what the claim is to be found, were all of it left.
    let traces: [Trace]
    /// Earlier claims under what it looks up, in the order of their positions.
    let neighbours: [Filing]
    let surroundings: Surroundings

    var rule: Rule { appointed.rule }
    var register: Register { surroundings.register }
    var prices: PriceHistogram { surroundings.prices }
    var parameters: Rule.Parameters { rule.parameters ?? Rule.Parameters() }

    /// The neighbours that hold their keys.
    var live: [Filing] { neighbours.filter(\.isLive) }
}

/// One thing that a detector found.
struct DetectorMatch {
    let detection: Detection
    /// The neighbours it concerns, in the order of their positions.
    var neighbours: [Filing] = []
    /// The fields that speak for it, in a fixed order.
    var evidence: [FieldMatch] = []
}

extension DetectorMatch {
    /// One match of all neighbours for which `evidence` finds any, with everything that was found.
    static func gathered(
        _ detection: Detection, _ neighbours: [Filing], evidence: (Filing) -> [FieldMatch]?
    ) -> [DetectorMatch] {
        var match = DetectorMatch(detection: detection)
        for neighbour in neighbours {
            guard let found = evidence(neighbour) else { continue }
            match.neighbours.append(neighbour)
            for field in found where !match.evidence.contains(field) { match.evidence.append(field) }
        }
        return match.neighbours.isEmpty ? [] : [match]
    }
}

/// What a detector found. Raw values travel in the feed and never change.
package enum Detection: UInt8, Hashable, Sendable, CaseIterable {
    case invoiceAlias = 1
    case splitContracts = 2
    case relatedParties = 3
    case sharedWorkload = 4
    case movedCompany = 5
    case similarInvoice = 6
    case similarContract = 7
    case wrongName = 8
    case sharedAccount = 9
    case forumShopping = 10
    case crossProgramme = 11
    case priceOutlier = 12
    case unlistedProvider = 13
}

/// A field that speaks for a match, without what is in it: an officer sees which fields agree, never the other city's
/// document.
package struct FieldMatch: Hashable, Sendable {
    package enum Field: String, Hashable, Sendable, CaseIterable {
        case enterprise = "enterprise_uscc"
        case enterpriseName = "enterprise_name"
        case provider = "provider_uscc"
        case providerName = "provider_name"
        case contract = "contract_no"
        case contractAmount = "contract_amount_yuan"
        case service
        case resourceClass = "resource_class"
        case cardHours = "card_hours"
        case invoice = "invoice_numbers"
        case invoiceAmount = "invoice_amounts_yuan"
        case invoiceDate = "invoice_dates"
        case usageProof = "usage_proof_sha256"
        case programme
        case representative = "legal_representative"
        case controller
        case address
        case phone
        case account = "bank_account"
        case headOffice = "head_office"
    }

    package enum Relation: String, Hashable, Sendable, CaseIterable {
        case same = "="
        case near = "~"
        case differs = "!"
    }

    package let field: Field
    package let relation: Relation

    package init(_ field: Field, _ relation: Relation) {
        self.field = field
        self.relation = relation
    }

    /// Field and relation, as it travels.
    package var text: String { field.rawValue + relation.rawValue }

    package init?(_ text: String) {
        guard let field = Field(rawValue: String(text.dropLast())),
            let relation = Relation(rawValue: String(text.suffix(1)))
        else { return nil }
        self.init(field, relation)
    }
}
