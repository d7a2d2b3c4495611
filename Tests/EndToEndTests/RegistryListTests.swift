import Arbitration
import FederationWire
import Replication
import Terminal
import Testing
import VoucherDomain

@testable import NationalRegistry
@testable import RegistryStore

/// What each list of the registry's verbs shows in eighty columns, however long the names are.
@Suite("The registry's lists in a narrow terminal")
struct RegistryListTests {
    private static let claims = ["110000/110000-C0000004", "310000/310000-C0006556", "440300/440300-C0000777"]

    private var blocking: [ReasonDocument.Blocking] {
        Self.claims.compactMap { ClaimName($0) }.map(ReasonDocument.Blocking.init)
    }

    @Test("cities: all that an operator watches, the last contact to the minute")
    func cities() {
        let city = RegistryQueries.CityDocument(
            city_code: "654000", name: NarrowTerminal.longName, status: "suspended", entries: 1_234_567,
            undecided: 123_456, feed_lag: 1_234_567, last_contact: "2026-11-28T12:05:48.049Z",
            watermark: "2026-11-28T12:05:40.000Z", sealed_feed_position: 1_234_567, chain_agrees: false, epoch: 12,
            protocol_version: 1,
            software: "city-node 0.1.0 (protocol 1)", key_since: "2026-05-28T20:26:40.000Z",
            key_until: "2028-05-27T20:26:40.000Z", key_state: "ending")

        NarrowTerminal.expect(
            CityCommand.List.listing.table([city]),
            has: ["654000", "suspended", "DIFFERS", "123456", "1234567", "2026-11-28T12:05Z", "not shown: "])
    }

    @Test("tokens")
    func tokens() {
        let token = TokenCommand.List.Document(
            token_id: "0123456789ab", role: "operator", label: NarrowTerminal.longName, city_code: "654000",
            purpose: NarrowTerminal.longName, created_at: "2026-05-28T20:26:40.000Z",
            expires_at: "2026-06-28T20:26:40.000Z", revoked_at: "2026-06-01T20:26:40.000Z")

        NarrowTerminal.expect(
            TokenCommand.List.listing.table([token]), has: ["0123456789ab", "operator", "2026-06-28T20:26Z"])
    }

    @Test("providers")
    func providers() {
        let provider = ProviderDocument(
            uscc: "91110000600037341L", name: NarrowTerminal.longName, listed_from: "2026-01-01",
            listed_until: "2027-01-01", state_run: true)

        NarrowTerminal.expect(
            ProviderCommand.List.listing.table([provider]), has: ["91110000600037341L", "2026-01-01", "2027-01-01"])
    }

    @Test("payments")
    func payments() {
        let payments = blocking.map { claim in
            ClaimPaymentDocument(
                claim: claim,
                payment: PaymentDocument(
                    stage: "authorized", reference: PaymentReference(rawValue: [UInt8](repeating: 7, count: 16)),
                    amount: Money(rawValue: 123_456_789_00), refunded: Money(rawValue: 23_456_789_00),
                    clawback: Money(rawValue: 100_000_000_00), isStopped: true))
        }

        NarrowTerminal.expect(
            PaymentCommand.List.listing.table(payments), has: Self.claims + ["authorized", "123456789.00"])
    }

    @Test("claims that are found")
    func found() throws {
        let city = TestCity(code: "654000", data: "")
        let fields = ClaimFile.fields(1, of: city).merging([
            "enterprise_name": NarrowTerminal.longName, "contract_no": "\(NarrowTerminal.longName)字第〔2026〕001号",
        ]) { $1 }
        let claim = try #require(ClaimForm(fields: fields).validated().value)
        let names = Self.claims.compactMap { ClaimName($0) }
        let record = RegistryStore.ClaimRecord(
            name: names[0], claim: claim, entryID: try #require(EntryID(rawValue: [UInt8](repeating: 1, count: 16))),
            sequence: 1, epoch: Epoch(incarnation: 1, counter: 1, nonce: 1), state: .authorized,
            reasons: ["invoice-sum-within-contract", "contract-one-city"].map { rule in
                Reason(rule: rule, outcome: .block, finding: .unknownVoucher, blocking: names)
            }, caseID: "K7M2P-Q", policyVersion: 1, receivedAt: 1_780_000_000_000, filedAt: 1_780_000_000_000,
            decidedAt: .empty, receipt: SignedBytes(body: [], signature: []), payment: nil)

        NarrowTerminal.expect(
            ClaimCommand.Find.listing.table([record]),
            has: [Self.claims[0], "authorized", "100.00", "invoice-sum-wi", "contract-one-c"])
    }

    @Test("duplicates: every claim of a group")
    func duplicates() {
        let duplicate = RegistryQueries.DuplicateDocument(
            rule: "invoice-sum-within-contract", key_hash: "00", claims: blocking, claimed_yuan: "123456789.00")

        NarrowTerminal.expect(
            DuplicatesCommand.listing.table([duplicate]),
            has: Self.claims + ["invoice-sum-within-contract", "123456789.00"])
    }

    @Test("cases: every claim of each")
    func cases() {
        let item = RegistryQueries.CaseDocument(
            case_id: "K7M2P-Q", state: "escalated", automatic: true, position: 990, deadline: "2026-12-11",
            rules: ["invoice-sum-within-contract", "typo-variant"],
            claims: blocking.map {
                .init(
                    city_code: $0.city_code, claim_no: $0.claim_no, state: "held", claimed_yuan: "3456789.00",
                    live: true)
            }, proposed_by: NarrowTerminal.longName, steps: nil)

        NarrowTerminal.expect(
            CaseCommand.List.listing.table([item]), has: Self.claims + ["K7M2P-Q", "escalated", "10370367.00"])
    }

    @Test("what the claims of a case claim is what those claim that still hold their keys")
    func claimedOfCase() {
        let parties = [("1000000.00", true), ("345.00", false), ("0.50", true)]
        let item = RegistryQueries.CaseDocument(
            case_id: "K7M2P-Q", state: "open", automatic: false, position: 990, deadline: "2026-12-11", rules: [],
            claims: parties.map {
                .init(city_code: "110000", claim_no: "A", state: "held", claimed_yuan: $0.0, live: $0.1)
            }, proposed_by: nil, steps: nil)

        #expect(CaseCommand.List.listing.cells([item]).last?[2] == "1000000.50")
    }

    @Test("the audit log: who and when, whatever the others wrote")
    func auditEvents() {
        let event = RegistryQueries.AuditEventDocument(
            event_id: 1_234_567, at: "2026-11-28T12:06:04.231Z", actor: "auditor \(NarrowTerminal.longName)",
            action: "query", detail: "/v1/claims?name=\(NarrowTerminal.longName)\u{1B}[2J\n",
            purpose: NarrowTerminal.longName)

        NarrowTerminal.expect(
            AuditCommand.Events.listing.table([event]),
            has: ["1234567", "2026-11-28T12:06Z", "auditor 新疆", "query", "/v1/claims"])
    }

    /// A row of each report, by column.
    private static let reports: [[(column: String, cell: String)]] = [
        [
            ("rule", "invoice-sum-within-contract"), ("city_code", "110000"), ("other_city_code", "310000"),
            ("claims", "1234567"), ("claimed_yuan", "1234567890.00"),
        ],
        [
            ("key", "contract 91110000600037341L 9144030071526726XG HT2026"), ("claim", claims[0]),
            ("stage", "authorized"),
            ("other_claim", claims[1]), ("other_stage", "submitted"), ("claimed_yuan", "1234567.00"),
        ],
        [
            ("key", "voucher 110000 1100-2026-000038"), ("claims", "12345"), ("used_yuan", "123456789.00"),
            ("capacity_yuan", "123456789.00"), ("used_percent", "100.0"),
        ],
        [
            ("case_id", "K7M2P-Q"), ("state", "escalated"), ("deadline", "2026-12-11"), ("days_over", "123"),
            ("claims", claims.joined(separator: " ")), ("claimed_yuan", "1234567.00"),
        ],
        [
            ("position", "1234567"), ("case_id", "K7M2P-Q"), ("event", "proposed"), ("code", "false-positive"),
            ("by", NarrowTerminal.longName), ("claims", claims.joined(separator: " ")), ("claimed_yuan", "1234567.00"),
            ("reason", NarrowTerminal.longName),
        ],
        [
            ("claim", claims[0]), ("city_code", "110000"), ("log_entry", "1234567"),
            ("what", "payment confirmed without an authorization"), ("claimed_yuan", "1234567.00"),
        ],
    ]

    @Test("reports", arguments: reports.indices)
    func report(index: Int) {
        let row = Self.reports[index]
        let names = row.filter { ["rule", "claim", "other_claim", "case_id", "position"].contains($0.column) }

        NarrowTerminal.expect(
            ReportCommand.listing(row.map(\.column)).table([row.map(\.cell)]), has: names.map(\.cell))
    }
}
