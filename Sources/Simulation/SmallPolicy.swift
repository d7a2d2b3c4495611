import DefaultPolicy

/// A policy of three rules that block and one that holds, small enough for a checker to work out every decision by itself.
package enum SmallPolicy {
    /// How long a payment waits at most for cities that are silent.
    static let dwellSeconds: Int64 = 60

    package static func document(version: Int = 1) -> [UInt8] {
        Array(
            """
            {
              "version": \(version),
              "programmes": [],
              "cases": { "two_person_fen": 9000000 },
              "payments": { "dwell_seconds": \(dwellSeconds), "witness_cities": 1 },
              "rules": [
                { "id": "invoice-once", "pattern": "D01", "primitive": "holder", "keys": ["invoice"],
                  "holder": "claim", "outcome": "block" },
                { "id": "contract-one-city", "pattern": "D02", "primitive": "holder", "keys": ["contract"],
                  "holder": "city", "outcome": "block" },
                { "id": "voucher-balance", "pattern": "D04", "primitive": "cap", "keys": ["voucher"],
                  "amount": "claimed", "capacity": "face-value", "outcome": "block" },
                { "id": "evidence-once", "pattern": "D17", "primitive": "holder", "keys": ["bank-receipt"],
                  "holder": "claim", "outcome": "hold" }
              ]
            }
            """.utf8)
    }

    /// The policy that a plan calls for.
    static func document(of plan: FaultPlan) -> [UInt8] {
        plan.hasNationalPolicy ? DefaultPolicy.document : document()
    }
}
