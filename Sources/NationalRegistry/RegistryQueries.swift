package import Arbitration
import FederationHTTP
package import FederationWire
import Foundation
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
            reasons: record.reasons, caseID: record.caseID, receipt: record.receipt, position: record.decidedAt)
    }

    /// A check with its signed receipt.
    package func check(_ question: PreCheck) async throws -> CheckDocument {
        let result = try await store.check(question)
        let id = Array(PrivateFile.random().prefix(16))
        let body = CheckDocument.receiptBody(
            id: id, answer: result.answer, question: question, position: result.position,
            policyVersion: result.policyVersion)
        let signed = try store.secrets.signingKey.sign(.check, body)
        return CheckDocument(
            answer: result.answer, reasons: result.reasons.map { ReasonDocument($0, caseID: nil) },
            receipt: ReceiptDocument(id: id, signature: signed.signature), position: result.position,
            policyVersion: result.policyVersion)
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

    package func metrics(arbiter: ArbiterStatus) async throws -> String {
        let now = WallClock.now
        let cities = try await store.cities()
        func perCity(_ value: (RegistryStore.CitySummary) -> Double) -> [(labels: String, value: Double)] {
            cities.map { (#"city="\#($0.code)""#, value($0)) }
        }
        var text = MetricsText()
        text.add(
            "national_registry_city_silence_seconds", .gauge, help: "Time since a city was last heard.",
            perCity { $0.lastContact.map { Double(now - min($0, now)) / 1_000 } ?? -1 })
        text.add(
            "national_registry_city_undecided_entries", .gauge, help: "Entries received and not yet decided.",
            perCity { Double($0.undecided) })
        text.add(
            "national_registry_city_feed_lag_entries", .gauge, help: "Feed entries that a city has not applied.",
            perCity { Double($0.feedLag) })
        text.add(
            "national_registry_is_arbiter", .gauge, help: "Whether this process decides.",
            [("", arbiter.isArbiter ? 1 : 0)])
        text.add(
            "national_registry_decided_entries", .counter, help: "Entries decided by this process.",
            [("", Double(arbiter.decided))])
        return text.text
    }
}
