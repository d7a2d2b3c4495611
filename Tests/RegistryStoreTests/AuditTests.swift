import Arbitration
import FederationWire
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// What is changed behind the registry's back is found by those who read the logs.
@Suite("Audit", .registryDatabase)
struct AuditTests {
    private func registry() async throws -> TestRegistry {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        city.issue(.sample("V1"))
        city.file(.sample("C1", invoices: [.serial(1)]))
        try await city.push(to: registry)
        city.file(.sample("C2", contract: "HT-2", invoices: [.serial(1)]))
        city.withdraw("C1")
        try await city.push(to: registry)
        try await registry.decide()
        return registry
    }

    @Test("an untouched registry has no faults, and both audits end at its head")
    func untouched() async throws {
        let registry = try await registry()
        let (recomputed, verified) = (
            try await registry.store.recompute { _ in }, try await registry.store.verify { _ in }
        )

        #expect(recomputed.faults == [])
        #expect(verified.faults == [])
        #expect(recomputed.examined == 8)
        #expect(recomputed.head == (try await registry.store.feedHead()))
        #expect(verified.head == recomputed.head)
    }

    @Test(
        "a stored log that was changed is found",
        arguments: [
            "UPDATE entry SET bytes = set_byte(bytes, 3, get_byte(bytes, 3) # 1) WHERE city_code = 440300 AND sequence = 2",
            "UPDATE entry SET hash = sha256('x') WHERE city_code = 440300 AND sequence = 2",
            "DELETE FROM entry WHERE city_code = 440300 AND sequence = 4",
            "UPDATE batch SET seal_signature = set_byte(seal_signature, 0, get_byte(seal_signature, 0) # 1)",
            "DELETE FROM batch WHERE city_code = 440300 AND last_sequence = 4",
            "UPDATE city SET log_sequence = 3 WHERE city_code = 440300",
            "UPDATE city SET log_hash = sha256('x') WHERE city_code = 0",
        ])
    func log(sql: String) async throws {
        let registry = try await registry()
        try await registry.run(sql)

        #expect(try await registry.store.verify { _ in }.faults != [])
    }

    @Test(
        "a stored feed that was changed is found by both audits",
        arguments: [
            "UPDATE feed SET bytes = set_byte(bytes, 5, get_byte(bytes, 5) # 1) WHERE position = 6",
            "DELETE FROM feed WHERE position = 8",
            "DELETE FROM feed WHERE position = 3",
            "UPDATE registry SET feed_hash = sha256('x')",
            "UPDATE registry SET feed_position = 7",
        ])
    func feed(sql: String) async throws {
        let registry = try await registry()
        try await registry.run(sql)

        #expect(try await registry.store.recompute { _ in }.faults != [])
        #expect(try await registry.store.verify { _ in }.faults != [])
    }

    @Test("an entry that was decided otherwise than the rules say is found by computing again")
    func otherDecision() async throws {
        let registry = try await registry()
        try await registry.run(
            "UPDATE entry SET fault = 'a fault that it does not have' WHERE city_code = 440300 AND sequence = 2")

        let report = try await registry.store.recompute { _ in }
        #expect(report.faults.contains { $0.contains("position 6") })
    }

    /// A registry with one invoice claimed twice.
    private func twice() async throws -> TestRegistry {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        city.issue(.sample("V1"))
        city.file(.sample("C1", invoices: [.serial(1)]), .sample("C2", invoices: [.serial(1)]))
        try await city.push(to: registry)
        try await registry.decide()
        return registry
    }

    @Test(
        "a table from which the next claims would be decided, and that was changed, is named",
        arguments: [
            ("UPDATE claim_key SET live = false WHERE get_byte(key, 0) = 1 AND live", "key invoice E:"),
            ("UPDATE claim_key SET live = true WHERE get_byte(key, 0) = 5", "held by ["),
            (
                "UPDATE claim_key SET amount_fen = amount_fen + 1 WHERE get_byte(key, 0) = 4 AND live",
                "key voucher 440300 V1"
            ),
            (
                "UPDATE claim_key SET holder = 'x' WHERE get_byte(key, 0) = 2 AND live",
                "other amounts, dates or holders"
            ),
            ("UPDATE voucher SET face_value_fen = face_value_fen + 1", "voucher voucher 440300 V1"),
            ("UPDATE claim SET state = 3 WHERE claim_no = 'C1'", "claim 440300/C1: the table says refused"),
            ("DELETE FROM claim_key WHERE live", "the journal"),
        ])
    func derivedTables(change: String, named: String) async throws {
        let registry = try await twice()
        #expect(try await registry.store.recompute { _ in }.faults == [])

        try await registry.run(change)

        let faults = try await registry.store.recompute { _ in }.faults
        #expect(faults.contains { $0.contains(named) }, "\(faults)")
    }

    @Test(
        "whatever follows from the journal, a row that was taken away, added or changed is named",
        arguments: [
            ("DELETE FROM finding", "finding: the row "), ("UPDATE finding SET rule = 'x'", "finding: the journal"),
            ("UPDATE claim SET received_at_ms = received_at_ms - 1", "claim: "),
            ("UPDATE claim SET reasons = '' WHERE claim_no = 'C2'", "claim: "),
            ("UPDATE claim SET enterprise_uscc = provider_uscc", "claim: "),
            ("INSERT INTO party_name VALUES ('X', 'Y', 1)", "party_name: the journal"),
            ("UPDATE claim_key SET exclusive = false WHERE live", "claim_key: "),
            ("DELETE FROM claim_key WHERE NOT live", "claim_key: the row "),
            ("INSERT INTO case_event VALUES ('K', 5, 1, NULL, NULL, NULL, '', '')", "case_event: the journal"),
            ("INSERT INTO authorized_sum VALUES ('\\x01', 5, 5)", "authorized_sum: the journal"),
            ("DELETE FROM tick", "tick: the row "), ("UPDATE member SET watermark_ms = 0", "member: "),
            ("INSERT INTO cap_use VALUES ('\\x04', 1, 5, 5)", "cap_use: the journal"),
            ("INSERT INTO paid_twice VALUES ('\\x01', 6, 5)", "paid_twice: the journal"),
            ("INSERT INTO uncleared_payment VALUES (5)", "uncleared_payment: the journal"),
        ])
    func everyTable(change: String, named: String) async throws {
        let registry = try await twice()
        _ = try await registry.store.tickIfDue(now: .noon + 9_000, sinceLast: 600_000)
        try await registry.decide()
        #expect(try await registry.store.recompute { _ in }.faults == [])

        try await registry.run(change)

        let faults = try await registry.store.recompute { _ in }.faults
        #expect(faults.contains { $0.hasPrefix(named) }, "\(faults)")
    }

    @Test(
        "a claim's history that was changed is named",
        arguments: [
            "DELETE FROM claim_history", "UPDATE claim_history SET state = 2",
            "INSERT INTO claim_history VALUES (7, 8, 2, NULL)",
        ])
    func history(change: String) async throws {
        let registry = try await registry()
        try await registry.run(change)

        let faults = try await registry.store.recompute { _ in }.faults
        #expect(faults.contains { $0.hasPrefix("claim_history: ") }, "\(faults)")
    }

    @Test(
        "a sum that is not what it sums up is named, and what else is kept for reports",
        arguments: [
            ("DELETE FROM claim_total", "claim_total at 440300"),
            ("UPDATE claim_total SET claimed_fen = claimed_fen + 1", "claim_total at 440300"),
            ("UPDATE received_day SET first_position = first_position + 1", "received_day at 20"),
            ("UPDATE rule_total SET claims = claims + 1", "rule_total at invoice-once"),
            (
                "INSERT INTO rule_pair_total VALUES ('a-rule', 110000, 310000, 1, 1)",
                "rule_pair_total at a-rule, 110000"
            ),
            ("INSERT INTO cap_use VALUES ('\\x04', 1, 5, 5)", "cap_use at \\x04"),
            ("INSERT INTO paid_twice VALUES ('\\x01', 6, 5)", "paid_twice at \\x01, 6, 5"),
            ("INSERT INTO uncleared_payment VALUES (5)", "uncleared_payment at 5"),
        ])
    func sums(change: String, named: String) async throws {
        let registry = try await registry()
        try await registry.run(change)

        let faults = try await registry.store.recompute { _ in }.faults
        #expect(faults.contains { $0.hasPrefix(named) }, "\(faults)")
        try await registry.store.addUpAgain()
        #expect(try await registry.store.recompute { _ in }.faults == [])
    }

    @Test("a log that was received and is marked as decided without a decision is found")
    func neverDecided() async throws {
        let registry = try await registry()
        var city = try await registry.join(.beijing)
        city.write(2)
        try await city.push(to: registry)
        try await registry.run("UPDATE batch SET folded = true")
        try await registry.decide()

        #expect(try await registry.store.verify { _ in }.faults != [])
    }

    @Test("entries that were received and not yet decided are no fault")
    func undecided() async throws {
        let registry = try await registry()
        var city = try await registry.join(.beijing)
        city.write(2)
        try await city.push(to: registry)

        #expect(try await registry.store.recompute { _ in }.faults == [])
        #expect(try await registry.store.verify { _ in }.faults == [])
    }
}
