/// A policy of three blocking rules under which payments are authorised and released within a minute.
enum QuickPolicy {
    static func document(version: Int) -> [UInt8] {
        Array(
            """
            {
              "version": \(version),
              "programmes": [],
              "payments": { "dwell_seconds": 60, "witness_cities": 1 },
              "rules": [
                { "id": "invoice-once", "pattern": "D01", "primitive": "holder", "keys": ["invoice"],
                  "holder": "claim", "outcome": "block" },
                { "id": "contract-one-city", "pattern": "D02", "primitive": "holder", "keys": ["contract"],
                  "holder": "city", "outcome": "block" },
                { "id": "voucher-balance", "pattern": "D04", "primitive": "cap", "keys": ["voucher"],
                  "amount": "claimed", "capacity": "face-value", "outcome": "block" }
              ]
            }
            """.utf8)
    }
}
