import Arbitration
import CityStore
import FederationHTTP
import FederationWire
import Hummingbird
import Replication

extension NodeRoutes {
    /// `POST /v1/checks`, one question or a batch, from the national key index.
    ///
    /// CLEAR is the registry's word alone: here a check is HIT, or UNKNOWN, and nobody signs it.
    func check(_ request: Request) async throws -> Response {
        let asked = try CheckRequests(json: try await request.bytes(upTo: CheckRequests.maximumBytes))
        let found = try store.preCheck(
            try asked.questions(askedBy: identity.city),
            hasher: KeyHasher(epoch: identity.keyEpoch, secret: identity.federationSecret))
        let answers = found.hits.map { hits in
            CheckDocument(
                unsigned: hits.isEmpty ? .unknown : .hit, reasons: hits.map(NodeRoutes.reason),
                position: found.position, policyVersion: found.policyVersion)
        }
        return try JSONBody.response(CheckAnswers(answers, to: asked))
    }

    /// The rules by the keys that they are about; the index does not have the rule book.
    private static let rules: [KeyKind: String] = [
        .invoice: "invoice-once", .contract: "contract-one-city", .contractParties: "both-sides",
    ]

    private static func reason(_ hit: CityStore.PreCheckHit) -> ReasonDocument {
        ReasonDocument(
            Reason(rule: rules[hit.kind] ?? hit.kind.name, outcome: .block, finding: .held(hit.kind)), caseID: nil)
    }
}
