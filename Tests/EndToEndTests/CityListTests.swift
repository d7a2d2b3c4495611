import Foundation
import Terminal
import Testing

@testable import CityNode

/// What each list of the city's verbs shows in eighty columns, however long the names are.
@Suite("The city's lists in a narrow terminal")
struct CityListTests {
    /// As the node's API tells it.
    private func read<Value: Decodable>(_ type: Value.Type, _ json: String) throws -> Value {
        try JSONDecoder().decode(type, from: Data(json.utf8))
    }

    @Test("vouchers")
    func vouchers() {
        let voucher = [
            "voucher_no": "6540-2026-000038", "state": "recorded", "face_value_yuan": "12345678.00",
            "valid_from": "2026-01-01", "valid_until": "2027-01-01", "enterprise_uscc": "91110000600037341L",
            "enterprise_name": NarrowTerminal.longName,
        ]

        NarrowTerminal.expect(
            VoucherCommand.List.listing.table([voucher]), has: ["6540-2026-000038", "12345678.00", "2027-01-01"])
    }

    @Test("claims, also those with the longest numbers")
    func claims() throws {
        for number in ["654000-C0000004", String(repeating: "号", count: 32)] {
            let claim = try read(
                ClaimLine.self,
                """
                {"claim_no": "\(number)", "state": "authorized", "claimed_yuan": "12345678.00",
                    "enterprise_uscc": "91110000600037341L", "enterprise_name": "\(NarrowTerminal.longName)",
                    "contract_no": "\(NarrowTerminal.longName)", "reasons": [
                    {"rule": "invoice-sum-within-contract", "outcome": "flag", "message": "", "blocking": []}]}
                """)

            NarrowTerminal.expect(ClaimCommand.List.listing.table([claim]), has: [number, "authorized"])
        }
    }

    @Test("payments: what is wrong stands before what is only for the bank")
    func payments() throws {
        let payment = try read(
            ClaimPaymentDocument.self,
            """
            {"claim_no": "654000-C0000004", "payment": {"stage": "authorized",
                "reference": "07070707070707070707070707070707", "amount_yuan": "12345678.00",
                "refunded_yuan": "2345678.00", "clawback_yuan": "10000000.00", "stopped": true,
                "problem": "\(NarrowTerminal.longName)"}}
            """)

        NarrowTerminal.expect(
            PaymentCommand.List.listing.table([payment]),
            has: ["654000-C0000004", "authorized", "12345678.00", "新疆维吾尔"])
    }

    @Test("red letters")
    func redLetters() throws {
        let letter = try read(
            RedLetterDocument.self,
            """
            {"invoice": "123456789012:12345678", "number": "123456789012:87654321", "amount_yuan": "12345678.00",
                "issued_on": "2026-07-20", "problem": "\(NarrowTerminal.longName)"}
            """)

        NarrowTerminal.expect(
            PaymentCommand.RedLetters.listing.table([letter]),
            has: ["123456789012:12345678", "123456789012:87654321", "12345678.00"])
    }

    @Test("cases: every claim of each")
    func cases() throws {
        let names = ["110000-C0000004", "310000-C0006556", "440300-C0000777"]
        let claims = names.map { #"{"city_code": "\#($0.prefix(6))", "claim_no": "\#($0)", "live": true}"# }
        let item = try read(
            CaseDocument.self,
            """
            {"case_id": "K7M2P-Q", "state": "escalated", "automatic": true, "deadline": "2026-12-11",
                "claims": [\(claims.joined(separator: ", "))], "steps": [], "answer_pending": false,
                "reasons": [{"rule": "invoice-sum-within-contract", "message": "\(NarrowTerminal.longName)"}]}
            """)

        NarrowTerminal.expect(CaseCommand.List.listing.table([item]), has: names + ["K7M2P-Q", "2026-12-11"])
    }

    @Test("what was appended late")
    func late() throws {
        let item = try read(
            LateEntriesDocument.Item.self,
            """
            {"kind": "payment confirmation", "number": "654000-C0000004", "written_at": "2026-11-28T12:05:48.049Z",
                "written_sequence": 1234567, "sequence": 1234568, "state": "withdrawn", "seen": false}
            """)

        NarrowTerminal.expect(
            LogCommand.Late.listing.table([item]), has: ["payment confirmation", "654000-C0000004", "withdrawn"])
    }
}
