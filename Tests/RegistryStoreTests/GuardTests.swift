import Arbitration
import FederationWire
import PostgresClient
import Replication
import TestSupport
import Testing
import VoucherDomain

@testable import RegistryStore

/// What PostgreSQL itself refuses, whatever the program above it believes.
@Suite("The second guard", .registryDatabase)
struct GuardTests {
    /// Shenzhen's claim `C1`, decided by the fold: every key of it is taken.
    private func registry(_ claim: Claim) async throws -> (TestRegistry, TestCity) {
        let registry = try await TestRegistry()
        var city = try await registry.join(.shenzhen)
        city.issue(.sample("V1", faceValue: .yuan(15)))
        city.file(claim)
        try await city.push(to: registry)
        try await registry.decide()
        try #require(try await registry.store.claim(ClaimName(city: .shenzhen, number: "C1"))?.state == .reserved)
        return (registry, city)
    }

    /// Gives the keys of a kind, as the fold wrote them, to a second holder, past all code.
    private func giveAway(_ kind: KeyKind, _ registry: TestRegistry) async throws {
        try await registry.run(
            """
            INSERT INTO claim_key (key, position, live, exclusive, holder, cofunding_group, item, amount_fen,
                capacity_fen, service_from, service_until)
            SELECT key, 900, live, exclusive, '\\x00FF', '', item, amount_fen, capacity_fen, service_from,
                service_until
            FROM claim_key WHERE get_byte(key, 0) = \(kind.rawValue)
            """)
    }

    private func live(_ kind: KeyKind, _ registry: TestRegistry) async throws -> Int64? {
        try await registry.numbers(
            "SELECT count(*) FROM claim_key WHERE live AND get_byte(key, 0) = \(kind.rawValue)"
        ).first
    }

    @Test("an invoice that a claim has taken is not given to a second claim")
    func invoice() async throws {
        let (registry, _) = try await registry(.sample("C1", invoices: [.serial(1)]))

        let error = await #expect(throws: PostgresError.self) { try await giveAway(.invoice, registry) }
        #expect(error?.isViolation == true)
        #expect(try await live(.invoice, registry) == 1)
    }

    @Test("once its claim is withdrawn, an invoice is free for one other claim, and no more")
    func freed() async throws {
        var (registry, city) = try await registry(.sample("C1", invoices: [.serial(1)]))
        city.withdraw("C1")
        city.file(.sample("C2", invoices: [.serial(1)]), .sample("C3", invoices: [.serial(1)]))
        try await city.push(to: registry)
        try await registry.decide()

        #expect(
            try await registry.answers(to: city).suffix(3).map(\.entry.decision) == [.withdrawn, .reserved, .refused])
        #expect(try await live(.invoice, registry) == 1)
    }

    @Test("the members of a co-funding group share an invoice")
    func members() async throws {
        var (registry, city) = try await registry(.sample("C1", invoices: [.serial(1)], claimed: .yuan(5), group: "G"))
        city.file(.sample("C2", invoices: [.serial(1)], claimed: .yuan(5), group: "G"))
        try await city.push(to: registry)
        try await registry.decide()

        #expect(try await registry.answers(to: city).last?.entry.decision == .reserved)
        #expect(try await live(.invoice, registry) == 2)
    }

    /// Lets Shenzhen's claim `C1` be authorised, by a policy that waits for nobody.
    private func authorized(_ claim: Claim, in registry: TestRegistry, _ city: inout TestCity) async throws {
        city.append(
            .paymentRequested, PayloadCoding.encode(PaymentAct(claimNumber: claim.number, step: .requested)))
        try await city.push(to: registry)
        try await registry.decide()
        try await registry.act(.ticked(TickAct(wallMilliseconds: Int64(UInt64.noon))))
        try await registry.decide()
    }

    /// What the database keeps of authorised claims, given to a second holder past all code.
    private func expectRefused(_ kind: KeyKind, _ changes: String, _ registry: TestRegistry) async throws {
        let rows = "FROM authorized_key WHERE get_byte(key, 0) = \(kind.rawValue)"
        try #require(try await registry.numbers("SELECT count(*) \(rows)") != [0], "no key of kind \(kind.name)")
        let error = await #expect(throws: PostgresError.self) {
            try await registry.run(
                """
                INSERT INTO authorized_key (key, position, holder, service, amount_fen, guarded)
                SELECT key, 900, \(changes), true \(rows)
                """)
        }
        #expect(error?.isViolation == true)
    }

    @Test("an authorised contract, invoice or service is not given to another holder", arguments: ["", "G"])
    func authorizedKeys(group: String) async throws {
        let claim = Claim.sample("C1", resource: "H20", invoices: [.serial(1)], receipt: "B1", group: group)
        var (registry, city) = try await registry(claim)
        try await authorized(claim, in: registry, &city)
        try #require(try await registry.store.claim(ClaimName(city: .shenzhen, number: "C1"))?.state == .authorized)

        for kind in [KeyKind.invoice, .contract, .contractParties, .bankReceipt] {
            try await expectRefused(kind, "'\\x00FF', service, amount_fen", registry)
        }
        try await expectRefused(.service, "'\\x00FF', '[2026-06-30,2026-07-30)', amount_fen", registry)
        try await registry.run(
            """
            INSERT INTO authorized_key (key, position, holder, service, amount_fen, guarded)
            SELECT key, 901, '\\x00FF', '[2026-07-01,2026-07-30)', 0, true FROM authorized_key
            WHERE get_byte(key, 0) = \(KeyKind.service.rawValue)
            """)
    }

    @Test("what is authorised on a voucher does not pass its face value")
    func authorizedSum() async throws {
        let claim = Claim.sample("C1", invoices: [.serial(1)], claimed: .yuan(10))
        var (registry, city) = try await registry(claim)
        try await authorized(claim, in: registry, &city)

        let error = await #expect(throws: PostgresError.self) {
            try await registry.run("UPDATE authorized_sum SET total_fen = total_fen + 600")
        }
        #expect(error?.isViolation == true)
    }

    /// The policy caps what is claimed on an invoice at the largest amount that a claim states for it.
    @Test("co-funders that stand within an amount stated by a claim that left are authorised, in one tick")
    func capacityThatLeft() async throws {
        func member(_ number: String, stating amount: Int64, claiming claimed: Int64) -> Claim {
            .sample(number, invoices: [.serial(1, .yuan(amount))], claimed: .yuan(claimed), group: "G")
        }
        var (registry, city) = try await registry(member("C1", stating: 20, claiming: 2))
        city.file(member("C2", stating: 7, claiming: 6), member("C3", stating: 7, claiming: 4))
        city.withdraw("C1")
        for number in ["C2", "C3"] {
            city.append(
                .paymentRequested, PayloadCoding.encode(PaymentAct(claimNumber: number, step: .requested)))
        }
        try await city.push(to: registry)
        try await registry.decide()
        try await registry.act(.ticked(TickAct(wallMilliseconds: Int64(UInt64.noon))))
        try await registry.decide()

        let payments = try await registry.store.payments(stage: nil, after: 0, limit: 9)
        #expect(payments.map(\.claim.number) == ["C2", "C3"])
        #expect(payments.map { $0.authorization != nil } == [true, true])
        #expect(try await registry.store.cases(.init(isOpen: true), limit: 9) == [])
    }

    @Test("a payment whose key the database refuses is stopped with a case, and the rest goes on")
    func paymentStoppedByTheGuard() async throws {
        let claim = Claim.sample("C1", invoices: [.serial(1)], claimed: .yuan(1))
        var (registry, city) = try await registry(claim)
        city.file(.sample("C2", invoices: [.serial(2)], claimed: .yuan(1)))
        try await city.push(to: registry)
        try await registry.decide()
        // The ledger is damaged: it does not show that the invoice of C1 is authorised for somebody else.
        try await registry.run(
            """
            INSERT INTO authorized_key (key, position, holder, amount_fen, guarded)
            SELECT key, 900, '\\x00FF', 0, true FROM claim_key WHERE get_byte(key, 0) = 1 AND position = (
                SELECT position FROM claim WHERE claim_no = 'C1')
            """)
        for number in ["C1", "C2"] {
            city.append(
                .paymentRequested, PayloadCoding.encode(PaymentAct(claimNumber: number, step: .requested)))
        }
        try await city.push(to: registry)
        try await registry.decide()
        try await registry.act(.ticked(TickAct(wallMilliseconds: Int64(UInt64.noon))))
        try await registry.decide()

        let payments = try await registry.store.payments(stage: nil, after: 0, limit: 9)
        #expect(payments.map(\.claim.number) == ["C1", "C2"])
        #expect(payments.map(\.isBarred) == [true, false])
        #expect(payments.map { $0.authorization == nil } == [true, false])
        let cases = try await registry.store.cases(.init(isOpen: true), limit: 9)
        #expect(cases.map(\.rules) == [["second-guard"]])
        #expect(cases.first?.parties.map(\.claim.number) == ["C1"])
    }

    @Test("a claim whose key the database refuses is held with a case; the rest of the batch is decided as usual")
    func heldByTheGuard() async throws {
        var (registry, city) = try await registry(.sample("C1", invoices: [.serial(1)]))
        // The ledger is damaged: it no longer shows the claim whose keys are still live.
        try await registry.run("UPDATE claim_key SET position = 900 WHERE get_byte(key, 0) = 1")
        city.file(
            .sample("C2", invoices: [.serial(1)], claimed: .yuan(1)),
            .sample("C3", invoices: [.serial(3)], claimed: .yuan(1)))
        try await city.push(to: registry)
        try await registry.decide()

        let held = try #require(try await registry.store.claim(ClaimName(city: .shenzhen, number: "C2")))
        #expect(held.state == .held)
        #expect(held.caseID != nil)
        #expect(held.reasons.map(\.rule) == ["second-guard"])
        #expect(try await registry.answers(to: city).suffix(2).map(\.entry.decision) == [.held, .reserved])
        _ = try FeedPage.follow(
            try await registry.feed(), from: .empty, sealed: try await registry.store.feedHead())
    }

    @Test("a position, a claim number, a voucher, a policy version and a case are there once")
    func once() async throws {
        var (registry, city) = try await registry(.sample("C1", invoices: [.serial(1)], receipt: "B1"))
        city.file(.sample("C2", invoices: [.serial(2)], claimed: .yuan(1), receipt: "B1"))
        try await city.push(to: registry)
        try await registry.decide()

        for table in ["feed", "claim", "voucher", "policy", "conflict_case"] {
            try #require(try await registry.numbers("SELECT count(*) FROM \(table)") != [0], "\(table) is empty")
            let error = await #expect(throws: PostgresError.self, "\(table)") {
                try await registry.run("INSERT INTO \(table) SELECT * FROM \(table)")
            }
            #expect(error?.code == .uniqueViolation, "\(table)")
        }
    }

    @Test("rows that cannot be are refused")
    func impossible() async throws {
        let (registry, _) = try await registry(.sample("C1", invoices: [.serial(1)]))
        let statements = [
            "UPDATE registry SET feed_position = -1", "UPDATE incarnation SET number = 0",
            "INSERT INTO registry (only_row, feed_position, feed_hash, signing_key, secrets_digest) SELECT false, feed_position, feed_hash, signing_key, secrets_digest FROM registry",
            "UPDATE city SET status = 'gone'", "UPDATE city SET public_key = '\\x00'",
            "UPDATE city SET log_sequence = -1", "UPDATE entry SET hash = '\\x00'", "UPDATE entry SET sequence = 0",
            "UPDATE entry SET entry_id = (SELECT entry_id FROM entry LIMIT 1)",
            "UPDATE batch SET last_sequence = first_sequence - 1", "UPDATE feed SET position = 0",
            "UPDATE claim SET state = 5", "UPDATE claim SET claimed_fen = 0",
            "UPDATE claim SET service_until = service_from", "UPDATE claim_key SET amount_fen = -1",
            "UPDATE voucher SET face_value_fen = 0", "UPDATE voucher SET valid_until = valid_from",
            "UPDATE fold_cursor SET folded_sequence = 0",
        ]
        for sql in statements {
            let error = await #expect(throws: PostgresError.self, "\(sql)") { try await registry.run(sql) }
            #expect(error?.isViolation == true, "\(sql): \(error?.description ?? "")")
        }
    }
}

extension PostgresError {
    /// Whether a constraint was violated: SQLSTATE class 23.
    fileprivate var isViolation: Bool { code.rawValue.hasPrefix("23") }
}
