package import Arbitration
import FederationHTTP
package import FederationWire
import Foundation
import HTTPTypes
import Metrics
package import RegistryStore
import Replication
package import VoucherDomain

/// The questions that the API and the commands both answer, as the documents that both print.
package struct RegistryQueries: Sendable {
    let store: RegistryStore
    /// The feed's end that the database had when it was asked; `nil`: it is looked up where it is needed.
    let seen: FeedHead?
    /// Whether it is a replica: what it has not, the primary may have.
    let isReplica: Bool
    /// Where to go on with what is read piece by piece; `nil` where one database alone is asked, as by a command.
    let desk: QuestionDesk?

    package init(store: RegistryStore) { self.init(store: store, seen: nil) }

    init(store: RegistryStore, seen: FeedHead?, isReplica: Bool = false, desk: QuestionDesk? = nil) {
        self.store = store
        self.seen = seen
        self.isReplica = isReplica
        self.desk = desk
    }

    /// What a replica has not come to yet.
    private struct Behind: Error {}

    /// Goes on only where the database has come to a position of the feed. The primary has come as far as there is, whatever
    /// is expected.
    ///
    /// - Throws: At a replica that is behind it; the desk then asks the primary.
    func expect(_ position: Int64) throws {
        if isReplica, let seen, Int64(clamping: seen.position) < position { throw Behind() }
    }

    /// - Parameter after: Where the page before ended, in the filter's order; `nil` for the first page.
    package func cases(
        _ filter: RegistryStore.CaseFilter, after: RegistryStore.CasePlace? = nil, limit: Int
    ) async throws -> ListDocument<CaseDocument> {
        _ = try await head(filter.asOf)
        let found = try await store.cases(filter, after: after, limit: limit)
        let next = found.count == limit ? found.last.map { filter.place(of: $0).description } : nil
        return ListDocument(items: found.map { CaseDocument($0, for: filter.city) }, next: next)
    }

    package func payments(
        stage: Payment.Stage?, after: Int64, limit: Int
    ) async throws -> ListDocument<ClaimPaymentDocument> {
        let found = try await store.payments(stage: stage, after: after, limit: limit)
        let next = found.count == limit ? found.last.map { String($0.position) } : nil
        return ListDocument(items: found.map(ClaimPaymentDocument.init), next: next)
    }

    /// - Parameters:
    ///   - position: As of which position; `nil` for now.
    ///   - city: Whom it is for, where it is a city.
    package func conflictCase(
        _ id: String, asOf position: Int64? = nil, for city: CityCode? = nil
    ) async throws -> CaseDocument? {
        _ = try await head(position)
        guard let found = try await store.conflictCase(id, asOf: position) else { return nil }
        let steps = try await store.steps(ofCase: id, asOf: position)
        return CaseDocument(found, steps: steps, for: city)
    }

    package func cities() async throws -> [CityDocument] {
        let now = WallClock.now
        return try await store.cityHealth().map { CityDocument($0, now: now) }
    }

    package func claims(
        _ filter: RegistryStore.ClaimFilter, after: Int64?, limit: Int
    ) async throws -> ListDocument<ClaimDocument> {
        let (records, next) = try await self.records(filter, after: after, limit: limit)
        return ListDocument(items: records.map { RegistryQueries.document($0, withReceipt: true) }, next: next)
    }

    /// What ``claims(_:after:limit:)`` lists, as the store has it, and where the list goes on.
    func records(
        _ filter: RegistryStore.ClaimFilter, after: Int64?, limit: Int
    ) async throws -> (rows: [RegistryStore.ClaimRecord], next: String?) {
        _ = try await head(filter.asOf)
        let found = try await store.claims(filter, after: after, limit: limit)
        return (found, found.count == limit ? found.last.map { String($0.decidedAt.position) } : nil)
    }

    /// - Parameter position: As of which position; `nil` for now.
    package func claim(_ name: ClaimName, asOf position: Int64? = nil) async throws -> ClaimDocument? {
        _ = try await head(position)
        return try await store.claim(name, asOf: position).map { RegistryQueries.document($0, withReceipt: true) }
    }

    /// What is said of a claim that is not found.
    ///
    /// - Parameters:
    ///   - position: As of which position it was looked for; `nil` for now.
    ///   - advice: What to do where it was looked for as of now.
    static func noClaim(_ name: String, asOf position: Int64?, advice: String = "") -> String {
        position.map { "no claim \(name) had been decided at position \($0): look at it as it stands now" }
            ?? "no claim \(name) has been decided\(advice)"
    }

    /// What is said of a case that is not found, as ``noClaim(_:asOf:advice:)`` of a claim.
    static func noCase(_ id: String, asOf position: Int64?, advice: String = "") -> String {
        position.map { "no case \(id) had been opened at position \($0): look at it as it stands now" }
            ?? "there is no case \(id)\(advice)"
    }

    /// The feed's entry at a position; `nil` asks for the last one.
    ///
    /// - Throws: ``Problem`` when the feed is not yet so long.
    func head(_ position: Int64?) async throws -> FeedHead {
        let last = if let seen { seen } else { try await store.feedHead() }
        guard let position, position != Int64(last.position) else { return last }
        guard let head = try await store.feedHead(at: position) else {
            throw Problem(.badRequest, "query", "as_of: the feed ends at position \(last.position)")
        }
        return head
    }

    /// What became of a claim since it was decided; `nil` when there is no such claim.
    ///
    /// - Parameter position: Up to which position; `nil` for all.
    package func history(
        of name: ClaimName, asOf position: Int64? = nil
    ) async throws -> ListDocument<ClaimStepDocument>? {
        _ = try await head(position)
        guard let record = try await store.claim(name, asOf: position) else { return nil }
        return ListDocument(items: try await steps(of: record, asOf: position), next: nil)
    }

    /// What became of a claim up to a position; `nil` for all.
    func steps(of record: RegistryStore.ClaimRecord, asOf position: Int64?) async throws -> [ClaimStepDocument] {
        try await store.steps(ofClaim: Int64(record.decidedAt.position), asOf: position).map(ClaimStepDocument.init)
    }

    /// - Parameter withReceipt: Without it the document is a function of the feed alone.
    static func document(_ record: RegistryStore.ClaimRecord, withReceipt: Bool) -> ClaimDocument {
        ClaimDocument(
            fields: ClaimForm(record.claim).fields, city: record.name.city, state: record.state.name,
            reasons: record.reasons, caseID: record.caseID, receipt: withReceipt ? record.receipt : nil,
            position: record.decidedAt,
            payment: record.payment.map { PaymentDocument($0) })
    }

    /// Checks, all answered as of one position, each with its signed receipt.
    package func check(_ questions: [PreCheck]) async throws -> [CheckDocument] {
        let results = try await store.check(questions)
        let now = WallClock.now
        return try zip(questions, results).map { question, result in
            let receipt = CheckReceipt(
                id: Array(PrivateFile.random().prefix(16)), answer: result.answer, question: question,
                position: result.position, policyVersion: result.policyVersion, answeredAt: now)
            return try CheckDocument(
                receipt, signedBy: store.secrets.signingKey, of: .registry,
                reasons: result.reasons.map { ReasonDocument($0, caseID: nil) })
        }
    }

    package func duplicates(
        _ filter: RegistryStore.DuplicateFilter, after: RegistryStore.DuplicatePlace?, limit: Int
    ) async throws -> ListDocument<DuplicateDocument> {
        _ = try await head(filter.asOf)
        let found = try await store.duplicates(filter, after: after, limit: limit)
        let next = found.count == limit ? found.last?.place.description : nil
        return ListDocument(items: found.map(DuplicateDocument.init), next: next)
    }

    /// A report, at most `limit` rows of it.
    package func report(_ name: RegistryStore.Report.Name, limit: Int) async throws -> RegistryStore.Report {
        let today = CalendarDate.inChina(milliseconds: Int64(WallClock.now))
        return try await store.report(name, today: today, limit: limit)
    }

    package func auditEvents(before: Int64?, limit: Int) async throws -> ListDocument<AuditEventDocument> {
        let found = try await store.auditEvents(before: before, limit: limit)
        let next = found.count == limit ? found.last.map { String($0.id) } : nil
        return ListDocument(items: found.map(AuditEventDocument.init), next: next)
    }

    /// Sets the gauges that are looked up when they are asked for.
    func measure(arbiter: ArbiterStatus, tls: TLSDates, replica: Replica?) async throws {
        let now = WallClock.now
        for city in try await store.cities() {
            let labels = [("city", "\(city.code)")]
            let silence = city.lastContact.map { Double(now - min($0, now)) / 1_000 } ?? -1
            Gauge(label: "national_registry.city.silence_seconds", dimensions: labels).record(silence)
            Gauge(label: "national_registry.city.undecided_entries", dimensions: labels).record(city.undecided)
            Gauge(label: "national_registry.city.feed_lag_entries", dimensions: labels).record(city.feedLag)
            if let left = city.keyUntil?.secondsLeft(now: now) {
                Gauge(label: "national_registry.city.key_left_seconds", dimensions: labels).record(left)
            }
        }
        Gauge(label: "national_registry.certificate_left_seconds").record(tls.certificate().secondsLeft(now: now))
        if let left = tls.authority?.secondsLeft(now: now) {
            Gauge(label: "national_registry.trust_anchor_left_seconds").record(left)
        }
        Gauge(label: "national_registry.lost_cities").record(try await store.lostMembers().count)
        Gauge(label: "national_registry.refused_feeds").record(try await store.refusedFeeds().count)
        Gauge(label: "national_registry.frozen_payments").record(try await store.frozenPayments().count)
        Gauge(label: "national_registry.is_arbiter").record(arbiter.isArbiter ? 1 : 0)
        replica?.measure()
    }
}
