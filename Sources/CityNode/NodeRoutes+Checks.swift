import Arbitration
import CityStore
import FederationHTTP
import FederationWire
import Hummingbird
import Replication
import VoucherDomain

extension NodeRoutes {
    /// `POST /v1/checks`, one question or a batch.
    func check(_ request: Request) async throws -> Response {
        Self.json(try await checked(try await request.bytes(upTo: CheckRequests.maximumBytes)), status: 200)
    }

    /// Answers checks, each answer with its signed receipt.
    ///
    /// The registry's word comes first, for CLEAR is its word alone. Where it does not come at once the national key index
    /// answers: HIT, or UNKNOWN, as of the feed that this city has, and signed by the city.
    ///
    /// - Parameter body: ``CheckRequests`` as JSON.
    /// - Returns: The answers as JSON, in the form of the question.
    /// - Throws: ``WireFault`` that names the first question at fault.
    func checked(_ body: [UInt8]) async throws -> [UInt8] {
        let asked = try CheckRequests(json: body)
        let questions = try asked.questions(askedBy: identity.city)
        let found = try hits(questions)
        if let word = await registryWord(on: questions, body, notBefore: found.position) { return word }
        var generator = SystemRandomNumberGenerator()
        let answers = try zip(questions, found.hits).map { question, hits in
            let receipt = CheckReceipt(
                id: EntryID(using: &generator).rawValue, answer: hits.isEmpty ? .unknown : .hit, question: question,
                position: found.position, policyVersion: found.policyVersion, answeredAt: WallClock.now)
            return try CheckDocument(
                receipt, signedBy: key, of: identity.city,
                reasons: hits.map { ReasonDocument(NodeRoutes.reason($0), caseID: nil) })
        }
        return try JSONBody.encode(CheckAnswers(answers, to: asked))
    }

    /// The registry's answers, each with a receipt that it signed for this very question.
    ///
    /// - Parameter known: The end of the feed that this city has: an older answer says less than the city's own index.
    /// - Returns: `nil` where the registry is not reached or takes too long, cannot say, or is not to be believed.
    private func registryWord(
        on questions: [PreCheck], _ body: [UInt8], notBefore known: FeedHead
    ) async -> [UInt8]? {
        // Of another city it answers that one alone.
        guard let registry, status.current.isConnected, questions.allSatisfy({ $0.city == identity.city }),
            let word = try? await registry.check(body, questions: questions.count),
            let kept = try? KeptChecks(json: word, questions: questions)
        else { return nil }
        let verdicts = kept.verdicts { $0 == .registry ? [identity.registryKey] : [] }
        let isUsable = verdicts.allSatisfy { verdict in
            guard case .valid(let receipt) = verdict, receipt.answer != .unknown else { return false }
            let position = receipt.position
            return (position.incarnation, position.position) >= (known.incarnation, known.position)
        }
        return isUsable ? word : nil
    }

    /// The rules by the keys that they are about; the index does not have the rule book.
    private static let rules: [KeyKind: String] = [
        .invoice: "invoice-once", .contract: "contract-one-city", .contractParties: "both-sides",
    ]

    static func reason(_ hit: CityStore.PreCheckHit) -> Reason {
        Reason(rule: rules[hit.kind] ?? hit.kind.name, outcome: .block, finding: .held(hit.kind))
    }

    /// What the national key index knows of these questions.
    private func hits(_ questions: [PreCheck]) throws -> CityStore.IndexAnswers {
        try store.preCheck(
            questions, hasher: KeyHasher(epoch: identity.keyEpoch, secret: identity.federationSecret))
    }
}
