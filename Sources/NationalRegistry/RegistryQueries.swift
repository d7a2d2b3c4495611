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
    /// Where to go on with what is read piece by piece when the database is a replica that goes away.
    let primary: RegistryStore?

    package init(store: RegistryStore) { self.init(store: store, seen: nil) }

    init(store: RegistryStore, seen: FeedHead?, primary: RegistryStore? = nil) {
        self.store = store
        self.seen = seen
        self.primary = primary
    }

    /// A city in `city list` and `GET /v1/cities`.
    package struct CityDocument: Encodable, Sendable {
        package let city_code: String
        package let name: String
        package let status: String
        package let entries: UInt64
        /// Entries received and not yet decided.
        package let undecided: UInt64
        /// Feed entries that the city has not yet applied.
        package let feed_lag: UInt64
        /// RFC 3339, or null before the first contact.
        package let last_contact: String?
        package let epoch: UInt32
        /// What its node calls itself; `nil` before its first hello.
        package let software: String?
        /// When it joined with its key, RFC 3339; `nil` before that, as are the next two.
        package let key_since: String?
        /// When it is to have replaced its key, RFC 3339. The key works on after that.
        package let key_until: String?
        /// `current`, `ending` within sixty days of it, or `over`.
        package let key_state: String?
    }

    /// Claims that met under one key and one rule.
    package struct DuplicateDocument: Encodable, Sendable {
        package let rule: String
        package let key_hash: String
        package let claims: [ReasonDocument.Blocking]
        package let claimed_yuan: String

        init(_ duplicate: RegistryStore.Duplicate) {
            rule = duplicate.rule
            key_hash = duplicate.keyHash.hexadecimal
            claims = duplicate.claims.map(ReasonDocument.Blocking.init)
            claimed_yuan = duplicate.claimed.yuan
        }
    }

    /// A case in `case list` and `GET /v1/cases`.
    package struct CaseDocument: Encodable, Sendable {
        package struct Claim: Encodable, Sendable {
            package let city_code: String
            package let claim_no: String
            /// `nil` for a city that it is not of, as is what it claims.
            package let state: String?
            package let claimed_yuan: String?
            /// Whether it still holds its keys.
            package let live: Bool
        }

        /// What happened, in the order of the journal.
        package struct Step: Encodable, Sendable {
            package let position: Int64
            package let event: String
            package let city_code: String?
            package let answer: String?
            package let code: String?
            package let by: String?
            package let text: String

            init(_ step: RegistryStore.CaseStep, isForCity: Bool) {
                position = step.position
                event = step.kind.name
                city_code = step.city?.description
                answer = step.answer?.name
                code = step.code?.name
                by = step.by.isEmpty || isForCity ? nil : step.by
                text = step.text
            }
        }

        package let case_id: String
        /// `open`, `escalated` or `closed`.
        package let state: String
        /// Whether the registry opened it by itself, because the first claim was refused and filed before the others.
        package let automatic: Bool
        package let position: Int64
        /// The last day on which the cities answer.
        package let deadline: String
        package let rules: [String]
        /// The claim whose filing opened the case comes first.
        package let claims: [Claim]
        /// Who proposed a ruling that waits for a second person.
        package let proposed_by: String?
        /// `nil` in lists.
        package let steps: [Step]?

        /// - Parameter city: Whom it is for: a city reads no more of others' claims than their names, and no operator's.
        init(_ found: RegistryStore.CaseView, steps: [RegistryStore.CaseStep]? = nil, for city: CityCode?) {
            case_id = found.id
            state = found.state.rawValue
            automatic = found.isAutomatic
            position = found.position
            deadline = found.deadline.iso8601
            rules = found.rules
            proposed_by = city == nil ? found.proposal?.by : nil
            self.steps = steps.map { $0.map { Step($0, isForCity: city != nil) } }
            claims = found.parties.map { party in
                let isShown = city == nil || city == party.claim.city
                return Claim(
                    city_code: party.claim.city.description, claim_no: party.claim.number,
                    state: isShown ? party.state.name : nil, claimed_yuan: isShown ? party.claimed.yuan : nil,
                    live: party.isLive)
            }
        }
    }

    package func cases(
        _ filter: RegistryStore.CaseFilter, after: Int64 = 0, limit: Int
    ) async throws -> ListDocument<CaseDocument> {
        _ = try await head(filter.asOf)
        let found = try await store.cases(filter, after: after, limit: limit)
        let next = found.count == limit && !filter.isByMoney ? found.last.map { String($0.position) } : nil
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
        let steps = try await store.steps(ofCase: id).filter { $0.position <= position ?? .max }
        return CaseDocument(found, steps: steps, for: city)
    }

    package func cities() async throws -> [CityDocument] {
        let now = WallClock.now
        return try await store.cities().map { city in
            CityDocument(
                city_code: city.code.description, name: city.name, status: city.status, entries: city.logSequence,
                undecided: city.undecided, feed_lag: city.feedLag,
                last_contact: city.lastContact.map { StatedTime(rawValue: Int64($0)).rfc3339 },
                epoch: city.epochCounter, software: city.software.isEmpty ? nil : city.software,
                key_since: city.keySince.map { StatedTime(rawValue: Int64(clamping: $0)).rfc3339 },
                key_until: city.keyUntil?.rfc3339, key_state: city.keyUntil?.stage(now: now).rawValue)
        }
    }

    package func claims(
        _ filter: RegistryStore.ClaimFilter, after: Int64?, limit: Int
    ) async throws -> ListDocument<ClaimDocument> {
        _ = try await head(filter.asOf)
        let records = try await store.claims(filter, after: after, limit: limit)
        let next = records.count == limit ? records.last.map { String($0.decidedAt.position) } : nil
        return ListDocument(items: records.map { RegistryQueries.document($0, withReceipt: true) }, next: next)
    }

    /// - Parameter position: As of which position; `nil` for now.
    package func claim(_ name: ClaimName, asOf position: Int64? = nil) async throws -> ClaimDocument? {
        _ = try await head(position)
        return try await store.claim(name, asOf: position).map { RegistryQueries.document($0, withReceipt: true) }
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

    /// What became of a claim, as JSON.
    package struct ClaimStepDocument: Encodable, Sendable {
        package let position: Int64
        package let state: String
        package let payment_stage: String?
        /// Whose entry did it; `000000` is the registry itself.
        package let city_code: String
        package let received_at: String

        init(_ step: RegistryStore.ClaimStep) {
            position = step.position
            state = step.state.name
            payment_stage = step.stage?.name
            city_code = step.city.description
            received_at = StatedTime(rawValue: step.receivedAt).rfc3339
        }
    }

    /// What became of a claim since it was decided; `nil` when there is no such claim.
    package func history(of name: ClaimName) async throws -> ListDocument<ClaimStepDocument>? {
        guard let record = try await store.claim(name) else { return nil }
        let steps = try await store.steps(ofClaim: Int64(record.decidedAt.position))
        return ListDocument(items: steps.map(ClaimStepDocument.init), next: nil)
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

    /// A report as JSON: `columns` in their order, and each row as an object of texts.
    package struct ReportDocument: Encodable, Sendable {
        package let report: String
        /// Whether a row is a breach of what the registry promises.
        package let must_be_empty: Bool
        package let columns: [String]
        package let items: [[String: String]]
        /// Whether there are more rows than were asked for.
        package let cut: Bool
        /// As of which end of the feed, and when.
        package let position: PositionDocument
        package let made_at: String

        init(_ report: RegistryStore.Report, now: UInt64) {
            cut = report.isCut
            self.report = report.name.rawValue
            must_be_empty = report.name.mustBeEmpty
            columns = report.columns
            items = report.rows.map { Dictionary(uniqueKeysWithValues: zip(report.columns, $0)) }
            position = PositionDocument(report.head)
            made_at = StatedTime(rawValue: Int64(now)).rfc3339
        }
    }

    /// A report, at most `limit` rows of it.
    package func report(_ name: RegistryStore.Report.Name, limit: Int) async throws -> RegistryStore.Report {
        let today = CalendarDate.inChina(milliseconds: Int64(WallClock.now))
        return try await store.report(name, today: today, limit: limit)
    }

    /// A line of the audit log, as JSON.
    package struct AuditEventDocument: Encodable, Sendable {
        package let event_id: Int64
        package let at: String
        package let actor: String
        package let action: String
        package let detail: String
        package let purpose: String

        init(_ event: RegistryStore.AuditEvent) {
            event_id = event.id
            at = StatedTime(rawValue: event.at).rfc3339
            actor = event.actor
            action = event.action
            detail = event.detail
            purpose = event.purpose
        }
    }

    package func auditEvents(before: Int64?, limit: Int) async throws -> ListDocument<AuditEventDocument> {
        let found = try await store.auditEvents(before: before, limit: limit)
        let next = found.count == limit ? found.last.map { String($0.id) } : nil
        return ListDocument(items: found.map(AuditEventDocument.init), next: next)
    }

    /// Sets the gauges that are looked up when they are asked for.
    func measure(arbiter: ArbiterStatus, tls: TLSDates) async throws {
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
        Gauge(label: "national_registry.is_arbiter").record(arbiter.isArbiter ? 1 : 0)
    }
}

/// A payment in a list, with its claim.
package struct ClaimPaymentDocument: Encodable, Sendable {
    let claim: ReasonDocument.Blocking
    let payment: PaymentDocument

    init(_ payment: Payment) {
        claim = ReasonDocument.Blocking(payment.claim)
        self.payment = PaymentDocument(payment)
    }
}
