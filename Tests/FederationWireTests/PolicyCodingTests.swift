import Arbitration
import Foundation
import Replication
import Testing
import VoucherDomain

@testable import FederationWire

/// The policy file that a new registry publishes first.
enum DefaultPolicy {
    static func document() throws -> [UInt8] {
        Array(try Data(contentsOf: repository("Schemas/policy/default_policy.json")))
    }

    /// A file of this repository by its path from the top.
    static func repository(_ path: String) -> URL {
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
            .appending(path: path)
    }
}

@Suite("Policy coding")
struct PolicyCodingTests {
    @Test("the default policy is read and can be published")
    func defaultPolicy() throws {
        let policy = try PolicyCoding.decode(DefaultPolicy.document())

        #expect(policy.version == 1)
        #expect(policy.faults == [])
        #expect(policy.rules.count == 23)
        #expect(
            policy.rules[0]
                == Rule(
                    id: "invoice-once", pattern: "D01", primitive: .holder, keys: [.invoice], holder: .claim,
                    outcome: .block))
        #expect(policy.window(ofProgramme: "算力券") == DayInterval(from: .day("2025-01-01"), until: .day("2028-01-01")))
    }

    @Test(
        "a policy that cannot be read is refused with the field that is wrong",
        arguments: [
            ("\"version\": 1,", "\"version\": \"one\",", "at version"),
            ("\"version\": 1,", "", "version is missing at the top"),
            ("\"id\": \"stack-cap\", ", "", "id is missing at rules[4]"),
            ("\"keys\": [\"contract\"], \"holder\"", "\"keys\": [\"contrat\"], \"holder\"", "unknown key \"contrat\""),
            ("\"primitive\": \"overlap\"", "\"primitive\": \"overlaps\"", "at rules[8].primitive"),
            ("\"from\": \"2025-01-01\"", "\"from\": \"2025-02-30\"", "\"2025-02-30\" is no date YYYY-MM-DD"),
            ("\"outcome\": \"hold\" }", "\"outcome\": null }", "at rules[8].outcome"),
        ])
    func unreadable(found: String, replacement: String, explanation: String) throws {
        try expectRefused(found, replacement, "the policy cannot be read", explanation)
    }

    @Test(
        "a number that does not fit its field is refused",
        arguments: [
            ("\"version\": 1,", "\"version\": -1,"), ("\"permille\": 1005", "\"permille\": 1005.5"),
            ("\"capacity_fen\": 1000000000", "\"capacity_fen\": 9223372036854775808"),
        ])
    func numberDoesNotFit(found: String, replacement: String) throws {
        try expectRefused(found, replacement, "the policy cannot be read")
    }

    @Test(
        "a policy that cannot be used is refused with the rule and what it lacks",
        arguments: [
            ("\"version\": 1,", "\"version\": 0,", "version starts at 1"),
            ("\"both-sides\"", "\"stack-cap\"", "rule stack-cap is there twice"),
            ("\"both-sides\"", "\"Both Sides\"", "lower-case letters, digits and hyphens"),
            ("\"both-sides\"", "\"\"", "lower-case letters, digits and hyphens"),
            ("\"holder\": \"claim\", \"outcome\": \"block\"", "\"outcome\": \"block\"", "holder needs keys and holder"),
            (
                "\"keys\": [\"contract-parties\"]", "\"keys\": [\"invoice\"]",
                "key invoice has two rules that name a holder"
            ),
            ("[\"voucher\", \"programme\"]", "[]", "window needs within"),
            ("\"keys\": [\"service\"]", "\"keys\": [\"contract\"]", "overlap needs keys [service] and holder"),
            ("\"capacity\": \"face-value\"", "\"capacity\": \"invoice-amount\"", "cap does not know this combination"),
            ("\"permille\": 1005", "\"permille\": 0", "permille is 1 to 100000"),
            ("\"capacity_fen\": 1000000000", "\"capacity_fen\": 0", "a fixed capacity needs capacity_fen above zero"),
            ("\"until\": \"2028-01-01\"", "\"until\": \"2025-01-01\"", "programme 算力券: until must be after from"),
        ])
    func unusable(found: String, replacement: String, explanation: String) throws {
        try expectRefused(found, replacement, "", explanation)
    }

    @Test("a fixed capacity whose thousandths pass 2^63 is refused, or the rule book would trap on it")
    func hugeCapacity() throws {
        try expectRefused(
            "\"capacity_fen\": 1000000000", "\"capacity_fen\": 9223372036854775807, \"permille\": 100000", "",
            "capacity_fen")
    }

    @Test("every fault of a policy is named at once")
    func allFaults() {
        let document = """
            {"version":0,"programmes":[],"rules":[
              {"id":"A","pattern":"D01","primitive":"window","keys":[],"outcome":"flag"}]}
            """

        #expect(throws: WireFault("version starts at 1; rule A: an id has lower-case letters, digits and hyphens")) {
            try PolicyCoding.decode(Array(document.utf8))
        }
    }

    @Test(
        "what is no JSON is refused",
        arguments: ["", " ", "{", "policy", "{\"version\":1,}", "\u{0}", "[1", "{\"a\":}"])
    func noJSON(text: String) {
        #expect(throws: WireFault.self) { try PolicyCoding.decode(Array(text.utf8)) }
    }

    /// Changes the first place where the default policy says `found`, and expects a refusal that says all of `parts`.
    private func expectRefused(_ found: String, _ replacement: String, _ parts: String...) throws {
        let text = String(decoding: try DefaultPolicy.document(), as: UTF8.self)
        let range = try #require(text.range(of: found))
        let changed = text.replacingCharacters(in: range, with: replacement)

        let fault = try #require(throws: WireFault.self) { try PolicyCoding.decode(Array(changed.utf8)) }
        for part in parts where !part.isEmpty { #expect(fault.message.contains(part)) }
    }
}
