import Arbitration
import CityStore
import FederationHTTP
import FederationWire
import Hummingbird
import Replication

extension NodeRoutes {
    /// `POST /v1/checks`, one question or a batch, from the national key index.
    ///
    /// CLEAR is the registry's word alone: here a check is HIT, or UNKNOWN, as of the feed that this city has, and signed by
    /// the city.
    func check(_ request: Request) async throws -> Response {
        let asked = try CheckRequests(json: try await request.bytes(upTo: CheckRequests.maximumBytes))
        let questions = try asked.questions(askedBy: identity.city)
        let found = try hits(questions)
        var generator = SystemRandomNumberGenerator()
        let answers = try zip(questions, found.hits).map { question, hits in
            let receipt = CheckReceipt(
                id: EntryID(using: &generator).rawValue, answer: hits.isEmpty ? .unknown : .hit, question: question,
                position: found.position, policyVersion: found.policyVersion, answeredAt: WallClock.now)
            return try CheckDocument(
                receipt, signedBy: key, of: identity.city,
                reasons: hits.map { ReasonDocument(NodeRoutes.reason($0), caseID: nil) })
        }
        return try JSONBody.response(CheckAnswers(answers, to: asked))
    }

    /// The rules by the keys that they are about; the index does not have the rule book.
    private static let rules: [KeyKind: String] = [
        .invoice: "invoice-once", .contract: "contract-one-city", .contractParties: "both-sides",
    ]

    static func reason(_ hit: CityStore.PreCheckHit) -> Reason {
        Reason(rule: rules[hit.kind] ?? hit.kind.name, outcome: .block, finding: .held(hit.kind))
    }

    /// What the national key index knows of these questions.
    func hits(_ questions: [PreCheck]) throws -> CityStore.IndexAnswers {
        try store.preCheck(
            questions, hasher: KeyHasher(epoch: identity.keyEpoch, secret: identity.federationSecret))
    }
}
