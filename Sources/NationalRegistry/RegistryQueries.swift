package import Arbitration
import FederationHTTP
package import FederationWire
import Foundation
import Metrics
package import RegistryStore
import Replication
import VoucherDomain

/// The questions that the API and the commands both answer, as the documents that both print.
package struct RegistryQueries: Sendable {
    private let store: RegistryStore

    package init(store: RegistryStore) { self.store = store }

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
    }

    /// Claims that met under one key and one rule.
    package struct DuplicateDocument: Encodable, Sendable {
        package let rule: String
        package let key_hash: String
        package let claims: [ReasonDocument.Blocking]
        package let claimed_yuan: String
    }

    /// A case in `case list` and `GET /v1/cases`.
    package struct CaseDocument: Encodable, Sendable {
        package struct Claim: Encodable, Sendable {
            package let city_code: String
            package let claim_no: String
            package let state: String
            package let claimed_yuan: String
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

            init(_ step: RegistryStore.CaseStep) {
                position = step.position
                event = step.kind.name
                city_code = step.city?.description
                answer = step.answer?.name
                code = step.code?.name
                by = step.by.isEmpty ? nil : step.by
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

        init(_ found: RegistryStore.CaseView, steps: [RegistryStore.CaseStep]? = nil) {
            case_id = found.id
            state = found.state.rawValue
            automatic = found.isAutomatic
            position = found.position
            deadline = found.deadline.iso8601
            rules = found.rules
            proposed_by = found.proposal?.by
            self.steps = steps.map { $0.map(Step.init) }
            claims = found.parties.map { party in
                Claim(
                    city_code: party.claim.city.description, claim_no: party.claim.number, state: party.state.name,
                    claimed_yuan: party.claimed.yuan)
            }
        }
    }

    package func cases(isOpen: Bool?, after: Int64, limit: Int) async throws -> ListDocument<CaseDocument> {
        let found = try await store.cases(isOpen: isOpen, after: after, limit: limit)
        let next = found.count == limit ? found.last.map { String($0.position) } : nil
        return ListDocument(items: found.map { CaseDocument($0) }, next: next)
    }

    package func conflictCase(_ id: String) async throws -> CaseDocument? {
        guard let found = try await store.cases(id: id, limit: 1).first else { return nil }
        return CaseDocument(found, steps: try await store.steps(ofCase: id))
    }

    package func cities() async throws -> [CityDocument] {
        try await store.cities().map { city in
            CityDocument(
                city_code: city.code.description, name: city.name, status: city.status, entries: city.logSequence,
                undecided: city.undecided, feed_lag: city.feedLag,
                last_contact: city.lastContact.map { StatedTime(rawValue: Int64($0)).rfc3339 },
                epoch: city.epochCounter)
        }
    }

    package func claims(
        _ filter: RegistryStore.ClaimFilter, after: Int64, limit: Int
    ) async throws -> ListDocument<ClaimDocument> {
        let records = try await store.claims(filter, after: after, limit: limit)
        let next = records.count == limit ? records.last.map { String($0.decidedAt.position) } : nil
        return ListDocument(items: records.map(document), next: next)
    }

    package func claim(_ name: ClaimName) async throws -> ClaimDocument? { try await store.claim(name).map(document) }

    private func document(_ record: RegistryStore.ClaimRecord) -> ClaimDocument {
        ClaimDocument(
            fields: ClaimForm(record.claim).fields, city: record.name.city, state: record.state.name,
            reasons: record.reasons, caseID: record.caseID, receipt: record.receipt, position: record.decidedAt,
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
        rule: String?, after: Int, limit: Int
    ) async throws -> ListDocument<DuplicateDocument> {
        let found = try await store.duplicates(rule: rule, after: after, limit: limit)
        let items = found.map { duplicate in
            DuplicateDocument(
                rule: duplicate.rule, key_hash: duplicate.keyHash.hexadecimal,
                claims: duplicate.claims.map(ReasonDocument.Blocking.init),
                claimed_yuan: duplicate.claimed.yuan)
        }
        return ListDocument(items: items, next: found.count == limit ? String(after + limit) : nil)
    }

    /// Sets the gauges that are looked up when they are asked for.
    package func measure(arbiter: ArbiterStatus) async throws {
        let now = WallClock.now
        for city in try await store.cities() {
            let labels = [("city", "\(city.code)")]
            let silence = city.lastContact.map { Double(now - min($0, now)) / 1_000 } ?? -1
            Gauge(label: "national_registry.city.silence_seconds", dimensions: labels).record(silence)
            Gauge(label: "national_registry.city.undecided_entries", dimensions: labels).record(city.undecided)
            Gauge(label: "national_registry.city.feed_lag_entries", dimensions: labels).record(city.feedLag)
        }
        Gauge(label: "national_registry.is_arbiter").record(arbiter.isArbiter ? 1 : 0)
    }
}
