import Foundation
import Testing

// Steps that stories with payments have in common.

/// A payment as both programs show it.
struct ShownPayment: Decodable, Hashable {
    let stage: String
    let reference: String?
    let amount_yuan: String?
    let refunded_yuan: String
    let clawback_yuan: String
    let problem: String?
}

/// A payment in the registry's list.
struct NationalPayment: Decodable {
    struct Claim: Decodable { let city_code, claim_no: String }
    let claim: Claim
    let payment: ShownPayment
}

extension BadInputFederation {
    /// Publishes the policy in force with a dwell of two seconds, and one city besides the paying one.
    func publishQuickPayments() async throws {
        try await publishPolicy { $0["payments"] = ["dwell_seconds": 2, "witness_cities": 1] }
    }

    /// Publishes the policy in force with a change, and waits until it counts.
    func publishPolicy(_ change: (inout [String: Any]) -> Void) async throws {
        try await expectEventually { try await registry(["policy", "show"]).status == 0 }
        let inForce = try await registry(["policy", "show", "--json"]).output
        let object = try JSONSerialization.jsonObject(with: Data(inForce.utf8))
        var policy = try #require(object as? [String: Any])
        let version = (policy["version"] as? Int ?? 0) + 1
        policy["version"] = version
        change(&policy)
        let file = freshPath("policy.json")
        try JSONSerialization.data(withJSONObject: policy).write(to: URL(fileURLWithPath: file))
        let published = try await registry(["policy", "publish", file])
        try #require(published.status == 0, "\(published.errors)")
        try await expectEventually {
            try await registry(["policy", "show"]).output.hasPrefix("policy version \(version)\n")
        }
    }

    /// How a claim stands at the registry.
    func claimState(_ city: TestCity, _ number: String) async throws -> String {
        try await registry(["claim", "show", "\(city.code)/\(number)", "--json"]).json(TestCity.Claim.self).state
    }

    func payments() async throws -> [NationalPayment] {
        struct List: Decodable { let items: [NationalPayment] }
        return try await registry(["payment", "list", "--json"]).json(List.self).items
    }
}

extension TestCity {
    /// Runs a verb that has to succeed, and waits until the registry has answered it.
    func does(
        _ arguments: [String], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let result = try await run(arguments)
        try #require(result.status == 0, "\(result.errors)", sourceLocation: sourceLocation)
        try await settle(sourceLocation: sourceLocation)
    }

    /// Files claims and waits until they are decided.
    func file(_ rows: [String], sourceLocation: SourceLocation = #_sourceLocation) async throws {
        let filed = try await importClaims(ClaimFile.file(rows))
        try #require(filed.status == 0, "\(filed.output)\(filed.errors)", sourceLocation: sourceLocation)
        try await settle(sourceLocation: sourceLocation)
    }

    func payment(of number: String) async throws -> ShownPayment? {
        struct List: Decodable { let items: [Item] }
        struct Item: Decodable {
            let claim_no: String
            let payment: ShownPayment
        }
        let list = try await run(["payment", "list", "--json"]).json(List.self)
        return list.items.first { $0.claim_no == number }?.payment
    }

    /// Waits until a payment is at a stage.
    @discardableResult
    func expectPayment(
        of number: String, at stage: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> ShownPayment {
        var shown: ShownPayment?
        let isThere = try await eventually {
            shown = try await payment(of: number)
            return shown?.stage == stage
        }
        try #require(isThere, "\(number) is \(String(describing: shown))", sourceLocation: sourceLocation)
        return try #require(shown, sourceLocation: sourceLocation)
    }

    /// What an export writes for the bank.
    func exported(
        _ options: [String] = [], sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> [FakeBank.Instruction] {
        let file = "\(data).bank.csv"
        let result = try await run(["payment", "export", file] + options)
        try #require(result.status == 0, "\(result.errors)", sourceLocation: sourceLocation)
        return try FakeBank.instructions(inFile: file)
    }

    /// Tells the registry what the bank says.
    func confirm(
        _ transfer: FakeBank.Transfer, of number: String, sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        try await does(
            [
                "payment", "confirm", number, "--transaction", transfer.transaction, "--amount", transfer.amount,
                "--on", transfer.day,
            ], sourceLocation: sourceLocation)
    }
}
