package import VoucherDomain

/// The rule book as data: which rules apply, with which numbers, under one version.
///
/// Published through the registry log; each decision keeps the version it was made under. The file's form is
/// `Schemas/policy/policy.schema.json`.
package struct Policy: Hashable, Sendable, Codable {
    /// Strictly rising, from 1.
    package let version: UInt32
    /// Programmes with their dates; a voucher of a programme that is not listed has no programme window.
    package let programmes: [Programme]
    /// In the order in which reasons are listed.
    package let rules: [Rule]

    package let cases: CaseTerms
    package let payments: PaymentTerms
    /// From when on it binds; `nil`: from where it is decided.
    package let effective: Effective?

    private let index: RuleIndex

    package struct Programme: Hashable, Sendable, Codable {
        package let name: String
        package let from: CalendarDate
        package let until: CalendarDate
        /// Thousandths of its invoices that a claim may ask for; `nil`: all.
        package let ratePermille: Int64?

        package init(name: String, from: CalendarDate, until: CalendarDate, ratePermille: Int64? = nil) {
            self.name = name
            self.from = from
            self.until = until
            self.ratePermille = ratePermille
        }

        private enum CodingKeys: String, CodingKey {
            case name, from, until
            case ratePermille = "rate_permille"
        }
    }

    /// When a policy that is published ahead of its time comes into force: one of the two.
    package struct Effective: Hashable, Sendable, Codable {
        /// The first position that is decided under it.
        package let fromPosition: Int64?
        /// The day, in China, at whose first tick it comes into force.
        package let fromDate: CalendarDate?

        package init(fromPosition: Int64? = nil, fromDate: CalendarDate? = nil) {
            self.fromPosition = fromPosition
            self.fromDate = fromDate
        }

        private enum CodingKeys: String, CodingKey {
            case fromPosition = "from_position"
            case fromDate = "from_date"
        }

        fileprivate var fault: String? {
            if (fromPosition == nil) == (fromDate == nil) { return "give from_position or from_date" }
            return fromPosition.map { $0 > 0 } ?? true ? nil : "from_position is above zero"
        }
    }

    package init(
        version: UInt32, programmes: [Programme], rules: [Rule], cases: CaseTerms = CaseTerms(),
        payments: PaymentTerms = PaymentTerms(), effective: Effective? = nil
    ) {
        self.effective = effective
        self.version = version
        self.programmes = programmes
        self.rules = rules
        self.cases = cases
        self.payments = payments
        self.index = RuleIndex(rules)
    }

    package init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        self.init(
            version: try container.decode(UInt32.self, forKey: .version),
            programmes: try container.decode([Programme].self, forKey: .programmes),
            rules: try container.decode([Rule].self, forKey: .rules),
            cases: try container.decodeIfPresent(CaseTerms.self, forKey: .cases) ?? CaseTerms(),
            payments: try container.decodeIfPresent(PaymentTerms.self, forKey: .payments) ?? PaymentTerms(),
            effective: try container.decodeIfPresent(Effective.self, forKey: .effective))
    }

    private enum CodingKeys: String, CodingKey { case version, programmes, rules, cases, payments, effective }

    /// The programme's dates, when it is listed and they are in order.
    package func window(ofProgramme name: String) -> DayInterval? {
        programme(name).flatMap { DayInterval(from: $0.from, until: $0.until) }
    }

    func programme(_ name: String) -> Programme? { programmes.first { $0.name.utf8.elementsEqual(name.utf8) } }

    /// Whether a claim outside a co-funding group must be alone under the key.
    package func isExclusive(_ key: Key) -> Bool { key.kind.map { index[$0].isExclusive } ?? false }

    /// Whether a rule says who may stand side by side under keys of that kind.
    func hasHolder(of kind: KeyKind) -> Bool { rules.contains { $0.holder != nil && $0.keys.contains(kind) } }

    /// Who counts as one holder of keys of that kind.
    func holder(of kind: KeyKind) -> Rule.Holder { index[kind].holder }

    /// Whether keys of that kind have one holder, or one at a time, under a rule that blocks or holds.
    func guards(_ kind: KeyKind) -> Bool {
        rules.contains {
            ($0.primitive == .holder || $0.primitive == .overlap) && $0.outcome != .flag && $0.keys.contains(kind)
        }
    }

    /// The rule on invoices that are reversed after they were claimed.
    var reversedInvoiceRule: Rule? { rules.first { $0.primitive == .event } }

    /// The rule that caps what stands under a key of that kind.
    func cap(of kind: KeyKind) -> Rule? { index[kind].cap }

    /// How much fits under every key of that kind by the policy's own word; `nil` where claims state it, or nothing is
    /// capped.
    package func fixedCapacity(of kind: KeyKind) -> Money? {
        guard let rule = cap(of: kind), rule.capacity == .fixed, let fen = rule.capacityFen else { return nil }
        return Money(rawValue: fen).scaled(by: rule.permille ?? 1_000, over: 1_000)
    }

    /// What makes the policy unusable, in words for the operator; empty when it can be published.
    package var faults: [String] {
        var faults: [String] = []
        if version == 0 { faults.append("version starts at 1") }
        if let fault = cases.fault { faults.append("cases: \(fault)") }
        if let fault = payments.fault { faults.append("payments: \(fault)") }
        if let fault = effective?.fault { faults.append("effective: \(fault)") }
        if version > UInt32(Int32.max) { faults.append("version is at most \(Int32.max)") }
        for (index, rule) in rules.enumerated() {
            if rules[..<index].contains(where: { $0.id == rule.id }) { faults.append("rule \(rule.id) is there twice") }
            if Fold.reservedRuleIDs.contains(rule.id) { faults.append("rule \(rule.id): the id is the fold's own") }
            if let fault = rule.fault { faults.append("rule \(rule.id): \(fault)") }
        }
        for kind in KeyKind.allCases where rules.filter({ $0.holder != nil && $0.keys.contains(kind) }).count > 1 {
            faults.append("key \(kind.name) has two rules that name a holder")
        }
        for kind in KeyKind.allCases where rules.filter({ $0.primitive == .cap && $0.keys == [kind] }).count > 1 {
            faults.append("key \(kind.name) has two caps")
        }
        for programme in programmes where !(programme.from < programme.until) {
            faults.append("programme \(programme.name): until must be after from")
        }
        for programme in programmes where !(1...1_000).contains(programme.ratePermille ?? 1_000) {
            faults.append("programme \(programme.name): rate_permille is 1 to 1000")
        }
        return faults
    }
}

/// One rule: a primitive over keys, and what happens when it is broken.
package struct Rule: Hashable, Sendable, Codable {
    package enum Primitive: String, Hashable, Sendable, Codable {
        case holder, cap, overlap, window
        /// Something that happens to an invoice after it was issued: its reversal by a red letter.
        case event
        /// A pattern too loose for a key; the rule's id names the detector.
        case detector
    }

    /// `block`: refused. `hold`: kept with a case, unpaid. `flag`: noted only.
    package enum Outcome: String, Hashable, Sendable, Codable, CaseIterable { case block, hold, flag }

    /// Who counts as one holder of a key.
    package enum Holder: String, Hashable, Sendable, Codable { case claim, city, buyer, contract }

    /// What a claim adds to the sum under a key.
    package enum Amount: String, Hashable, Sendable, Codable {
        /// The whole claimed amount.
        case claimed
        /// The invoices' amounts, each invoice once however many claims name it.
        case invoices
        /// The claimed amount's share that falls on the invoice.
        case invoiceShare = "invoice-share"
    }

    /// How much fits under a key.
    package enum Capacity: String, Hashable, Sendable, Codable {
        case faceValue = "face-value"
        case contractAmount = "contract-amount"
        case invoiceAmount = "invoice-amount"
        /// ``Rule/capacityFen``.
        case fixed
    }

    /// What a claim must lie within: its service and invoice dates, or its amount.
    package enum Window: String, Hashable, Sendable, Codable {
        case voucher, programme
        /// The programme's part of the invoices.
        case rate
    }

    package let id: String
    /// The pattern's number in the catalogue, such as `D01`.
    package let pattern: String
    package let primitive: Primitive
    package let keys: [KeyKind]
    package let holder: Holder?
    package let amount: Amount?
    package let capacity: Capacity?
    package let capacityFen: Int64?
    /// Thousandths of the stated capacity that may be used; 1000 when not given.
    package let permille: Int64?
    package let within: [Window]?
    /// The numbers of a detector.
    package let parameters: Parameters?
    package let outcome: Outcome

    /// A detector's numbers; each reads its own, with a default where none is given.
    package struct Parameters: Hashable, Sendable, Codable {
        package var thresholdFen: Int64?
        /// Thousandths by which an amount may differ.
        package var withinPermille: Int64?
        package var count: Int64?
        package var days: Int64?
        package var edits: Int64?
        /// Rules whose refusal counts.
        package var causes: [String]?
        package var attributes: [Register.Attribute.Kind]?
        /// Sets of programmes that may not meet.
        package var barred: [[String]]?
        package var percentile: Int64?
        package var leastPeers: Int64?

        package init() {}

        private enum CodingKeys: String, CodingKey {
            case count, days, edits, causes, attributes, barred, percentile
            case thresholdFen = "threshold_fen"
            case withinPermille = "within_permille"
            case leastPeers = "least_peers"
        }
    }

    package init(
        id: String, pattern: String, primitive: Primitive, keys: [KeyKind] = [], holder: Holder? = nil,
        amount: Amount? = nil, capacity: Capacity? = nil, capacityFen: Int64? = nil, permille: Int64? = nil,
        within: [Window]? = nil, parameters: Parameters? = nil, outcome: Outcome
    ) {
        self.id = id
        self.pattern = pattern
        self.primitive = primitive
        self.keys = keys
        self.holder = holder
        self.amount = amount
        self.capacity = capacity
        self.capacityFen = capacityFen
        self.permille = permille
        self.within = within
        self.parameters = parameters
        self.outcome = outcome
    }

    /// What makes this rule unusable, or `nil`.
    package var fault: String? {
        if id.isEmpty || !id.utf8.allSatisfy({ $0 == 0x2D || $0.isASCIIDigit || (0x61...0x7A).contains($0) }) {
            return "an id has lower-case letters, digits and hyphens"
        }
        switch primitive {
        case .holder: return keys.isEmpty || holder == nil ? "holder needs keys and holder" : nil
        case .overlap: return keys != [.service] || holder == nil ? "overlap needs keys [service] and holder" : nil
        case .window: return (within ?? []).isEmpty ? "window needs within" : nil
        case .cap: return capFault
        case .event:
            if keys != [.invoice] { return "event needs keys [invoice]" }
            return outcome == .block ? "an event holds or flags" : nil
        case .detector: return detectorFault
        }
    }

    private var detectorFault: String? {
        guard let detector = DetectorCatalogue.detector(id) else {
            return "no detector has this id; there are \(DetectorCatalogue.ids.joined(separator: ", "))"
        }
        if outcome == .block { return "a detector holds or flags; only a key can block" }
        return detector.fault(parameters ?? Parameters())
    }

    private var capFault: String? {
        guard keys.count == 1, let amount, let capacity else { return "cap needs one key, amount and capacity" }
        if let permille, !(1...100_000).contains(permille) { return "permille is 1 to 100000" }
        switch (keys[0], amount, capacity) {
        case (.voucher, .claimed, .faceValue), (.contract, .invoices, .contractAmount),
            (.invoice, .invoiceShare, .invoiceAmount):
            return nil
        case (.enterpriseYear, .claimed, .fixed), (.voucher, .claimed, .fixed):
            let bounds: ClosedRange<Int64> = 1...(Money.maximum.rawValue * 1_000)
            return bounds.contains(capacityFen ?? 0)
                ? nil : "a fixed capacity needs capacity_fen above zero, at most \(bounds.upperBound)"
        default:
            return "cap does not know this combination of key, amount and capacity"
        }
    }

    package enum CodingKeys: String, CodingKey {
        case id, pattern, primitive, keys, holder, amount, capacity, permille, within, parameters, outcome
        case capacityFen = "capacity_fen"
    }
}

/// What the rules say of each kind of key, looked up once.
private struct RuleIndex: Hashable, Sendable {
    struct Kind: Hashable, Sendable {
        var holder = Rule.Holder.claim
        var cap: Rule?
        var isExclusive = false
    }

    /// By the kind's raw value.
    private var kinds: [Kind]

    init(_ rules: [Rule]) {
        kinds = Array(repeating: Kind(), count: 1 + Int(KeyKind.allCases.map(\.rawValue).max() ?? 0))
        for kind in KeyKind.allCases {
            let own = rules.filter { $0.keys.contains(kind) }
            kinds[Int(kind.rawValue)] = Kind(
                holder: own.lazy.compactMap(\.holder).first ?? .claim,
                cap: own.first { $0.primitive == .cap && $0.keys == [kind] },
                isExclusive: own.contains { $0.primitive == .holder && $0.holder == .claim && $0.outcome == .block })
        }
    }

    subscript(kind: KeyKind) -> Kind { kinds[Int(kind.rawValue)] }
}

extension CalendarDate: Codable {
    package init(from decoder: any Decoder) throws {
        let text = try decoder.singleValueContainer().decode(String.self)
        guard let date = CalendarDate(text) else {
            throw DecodingError.dataCorrupted(
                .init(codingPath: decoder.codingPath, debugDescription: "\"\(text)\" is no date YYYY-MM-DD"))
        }
        self = date
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(iso8601)
    }
}
