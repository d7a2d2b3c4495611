import Arbitration
import CityStore
import Failpoints
import FederationHTTP
import FederationWire
import Hummingbird

/// Payments over the local API: ask, submit, and say what the bank has done.
extension NodeRoutes {
    func addPayments(to group: RouterGroup<NodeContext>) {
        group.get("payments") { request, _ in
            try await reading(request, known: ["stage"] + PageQuery.parameters) { try listPayments($0) }
        }
        group.post("claims/{claim_no}/payment-request") { request, context in
            try await take(try Self.number(context), request) { _ in .request }
        }
        group.post("claims/{claim_no}/payment-submission") { request, context in
            try await submit(try Self.number(context), request)
        }
        group.post("claims/{claim_no}/payment-confirmation") { request, context in
            try await take(try Self.number(context), request) { .confirm(try BankRequest($0).record) }
        }
        group.post("claims/{claim_no}/payment-failure") { request, context in
            try await take(try Self.number(context), request) { try FailureRequest($0).step }
        }
        group.post("claims/{claim_no}/payment-reversal") { request, context in
            try await take(try Self.number(context), request) { body in
                let request = try BankRequest(body)
                return .reverse(try request.record, reason: request.reason ?? "")
            }
        }
        group.get("red-letters") { request, _ in
            try await reading(request, known: PageQuery.parameters) { try listRedLetters($0) }
        }
        group.post("red-letters") { request, _ in
            try await writing(request) { body in
                try store.record(try RedLetterRequest(body).letter, now: WallClock.now)
                return try JSONBody.response(["state": "recorded"], status: .created)
            }
        }
    }

    private func take(
        _ number: String, _ request: Request, _ step: ([UInt8]) throws -> CityStore.PaymentStep
    ) async throws -> Response {
        try await writing(request) { body in
            try store.take(try step(body), ofClaim: number, now: WallClock.now)
            return try JSONBody.response(try document(number))
        }
    }

    private func submit(_ number: String, _ request: Request) async throws -> Response {
        try requireConnected()
        _ = try await take(number, request) { _ in .submit }
        try await waitForSubmission(of: number)
        return try JSONBody.response(try document(number))
    }

    /// Says that the instruction goes to the bank, and returns only when the registry holds that word: before, the bank
    /// must not be called.
    func submitted(_ number: String) async throws -> CityStore.PaymentView {
        try requireConnected()
        try store.take(.submit, ofClaim: number, now: WallClock.now)
        ring()
        return try await waitForSubmission(of: number)
    }

    private func requireConnected() throws {
        guard status.current.isConnected else {
            throw Problem(
                .serviceUnavailable, "offline",
                "nothing is submitted offline: start city-node serve, and wait until it is connected to the registry",
                retryAfter: 15)
        }
    }

    @discardableResult
    private func waitForSubmission(of number: String) async throws -> CityStore.PaymentView {
        for _ in 0..<1_000 {
            guard let payment = try store.payment(ofClaim: number) else { break }
            if payment.isStopped || payment.problem != nil {
                throw Problem(
                    .conflict, "stopped",
                    "do not call the bank: \(payment.problem ?? "the payment of claim \(number) is stopped")")
            }
            if payment.isSubmissionReceived {
                Failpoint.reach(.submissionReceived)
                return payment
            }
            try await Task.sleep(for: .milliseconds(20))
        }
        throw Problem(
            .serviceUnavailable, "not-received",
            "the registry has not received it yet: do not call the bank, and ask again", retryAfter: 5)
    }

    private func listRedLetters(_ question: Question) throws -> Response {
        let page = try PageQuery(question)
        let views = try store.redLetters(after: page.after, limit: page.limit)
        let next = page.next(after: views, by: \.id)
        return try JSONBody.response(ListDocument(items: views.map(RedLetterDocument.init), next: next))
    }

    static let paymentStages = ["asked", "refused"] + Payment.Stage.allCases.map(\.name)

    private func listPayments(_ question: Question) throws -> Response {
        let stage = try question.word("stage", of: Self.paymentStages)
        let page = try PageQuery(question)
        let views = try store.payments(stage: stage, after: page.after, limit: page.limit)
        let next = page.next(after: views, by: \.id)
        return try JSONBody.response(ListDocument(items: views.map(ClaimPaymentDocument.init), next: next))
    }
}
