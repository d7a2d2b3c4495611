import Arbitration
package import FederationWire
import RegistryStore
import VoucherDomain

/// What ``RegistryQueries`` answer with, as the API and the commands print it.
extension RegistryQueries {
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
        /// RFC 3339; `nil` before the first contact.
        package let last_contact: String?
        /// Nothing of the city's will be filed before this, RFC 3339; `nil` before its first seal.
        package let watermark: String?
        /// The position of the feed that the city has sealed to have; `nil`, as is the next one, before its first seal and
        /// while it is suspended.
        package let sealed_feed_position: UInt64?
        /// Whether what the city has there is what this registry has: `false` where the feeds of the two differ.
        package let chain_agrees: Bool?
        package let epoch: UInt32
        /// The protocol's version that its node speaks; `nil` before it has joined.
        package let protocol_version: Int64?
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
            /// SHA-256 of the documents that the city keeps; `nil` where it showed none, and for other cities.
            package let evidence: [String]?
            package let received_at: String

            init(_ step: RegistryStore.CaseStep, for city: CityCode?) {
                position = step.position
                event = step.kind.name
                city_code = step.city?.description
                answer = step.answer?.name
                code = step.code?.name
                by = step.by.isEmpty || city != nil ? nil : step.by
                text = step.text
                let isShown = city == nil || city == step.city
                evidence = step.evidence.isEmpty || !isShown ? nil : step.evidence.map(\.hexadecimal)
                received_at = StatedTime(rawValue: step.receivedAt).rfc3339
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

    /// A line of the audit log, as JSON.
    package struct AuditEventDocument: Encodable, Sendable {
        package let event_id: Int64
        package let at: String
        package let actor: String
        package let action: String
        package let detail: String
        package let purpose: String
    }
}

extension RegistryQueries.CityDocument {
    init(_ health: RegistryStore.CityHealth, now: UInt64) {
        func text(_ time: UInt64?) -> String? { time.map { StatedTime(rawValue: Int64(clamping: $0)).rfc3339 } }
        let city = health.summary
        self.init(
            city_code: city.code.description, name: city.name, status: city.status, entries: city.logSequence,
            undecided: city.undecided, feed_lag: city.feedLag, last_contact: text(city.lastContact),
            watermark: text(health.watermark == 0 ? nil : health.watermark), sealed_feed_position: health.sealedFeed,
            chain_agrees: health.agrees, epoch: city.epochCounter, protocol_version: city.protocolVersion,
            software: city.software.isEmpty ? nil : city.software, key_since: text(city.keySince),
            key_until: city.keyUntil?.rfc3339, key_state: city.keyUntil?.stage(now: now).rawValue)
    }
}

extension RegistryQueries.AuditEventDocument {
    init(_ event: RegistryStore.AuditEvent) {
        self.init(
            event_id: event.id, at: StatedTime(rawValue: event.at).rfc3339, actor: event.actor, action: event.action,
            detail: event.detail, purpose: event.purpose)
    }
}

extension RegistryQueries.DuplicateDocument {
    init(_ duplicate: RegistryStore.Duplicate) {
        self.init(
            rule: duplicate.rule, key_hash: duplicate.keyHash.hexadecimal,
            claims: duplicate.claims.map(ReasonDocument.Blocking.init), claimed_yuan: duplicate.claimed.yuan)
    }
}

extension RegistryQueries.CaseDocument {
    /// - Parameter city: Whom it is for: a city reads no more of others' claims than their names, no operator's name, and
    ///   none of the digests that others have shown.
    init(_ found: RegistryStore.CaseView, steps: [RegistryStore.CaseStep]? = nil, for city: CityCode?) {
        self.init(
            case_id: found.id, state: found.state.rawValue, automatic: found.isAutomatic, position: found.position,
            deadline: found.deadline.iso8601, rules: found.rules,
            claims: found.parties.map { party in
                let isShown = city == nil || city == party.claim.city
                return Claim(
                    city_code: party.claim.city.description, claim_no: party.claim.number,
                    state: isShown ? party.state.name : nil, claimed_yuan: isShown ? party.claimed.yuan : nil,
                    live: party.isLive)
            },
            proposed_by: city == nil ? found.proposal?.by : nil,
            steps: steps.map { $0.map { Step($0, for: city) } })
    }
}

/// A payment in a list, with its claim.
package struct ClaimPaymentDocument: Encodable, Sendable {
    let claim: ReasonDocument.Blocking
    let payment: PaymentDocument
}

extension ClaimPaymentDocument {
    init(_ payment: Payment) {
        self.init(claim: ReasonDocument.Blocking(payment.claim), payment: PaymentDocument(payment))
    }
}
