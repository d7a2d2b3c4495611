import Arbitration
import GRDB
import Replication
import Testing
import VoucherDomain

@testable import CityStore

@Suite("Checks against the national key index")
struct KeyIndexTests {
    private let node: TestNode
    private let registry: TestRegistry

    init() throws {
        node = try TestNode()
        registry = try TestRegistry()
        try node.issueVoucher()
    }

    /// The question about a claim of a form.
    private func question(
        _ index: Int, _ changes: [String: String?] = [:], city: CityCode? = .shenzhen
    ) throws -> PreCheck {
        let claim = try #require(ClaimForm(fields: Form.claim(index, changes).fields).validated().value)
        return PreCheck(
            enterprise: claim.enterprise, provider: claim.provider, contract: claim.contract,
            invoices: claim.invoices.map(\.number), city: city)
    }

    /// Asks about a claim of a form, as Shenzhen would file it.
    private func hits(
        _ index: Int, _ changes: [String: String?] = [:], city: CityCode? = .shenzhen
    ) throws -> Set<CityStore.PreCheckHit> {
        Set(try node.store.preCheck(try question(index, changes, city: city), hasher: TestRegistry.hasher))
    }

    @Test("nothing is known before the feed is applied, and nothing of claims that nobody filed")
    func misses() throws {
        try registry.fileInBeijing(1)
        #expect(try hits(1) == [])
        try node.pull(from: registry)

        #expect(try hits(2) == [])
        #expect(try hits(1).isEmpty == false)
    }

    @Test("an invoice and a contract of another city are hits that name the city and the position")
    func otherCity() throws {
        let position = Int64(try registry.fileInBeijing(1).entry.position)
        try node.pull(from: registry)
        let invoice = CityStore.PreCheckHit(kind: .invoice, city: .beijing, position: position)
        let contract = CityStore.PreCheckHit(kind: .contract, city: .beijing, position: position)

        #expect(try hits(1) == [invoice, contract])
        #expect(try hits(2, ["invoice_numbers": Form.invoice(1)]) == [invoice])
        #expect(try hits(1, ["invoice_numbers": Form.invoice(2)]) == [contract])
    }

    @Test("our own contract may be claimed on again, our own invoice not")
    func ownCity() throws {
        try node.file(Form.claim(1))
        try node.sync(with: registry)

        #expect(try hits(1).map(\.kind) == [.invoice])
        #expect(try hits(1, ["invoice_numbers": Form.invoice(2)]) == [])
        #expect(Set(try hits(1, city: .beijing).map(\.kind)) == [.invoice, .contract])
        #expect(Set(try hits(1, city: nil).map(\.kind)) == [.invoice, .contract])
    }

    @Test("a contract with buyer and supplier exchanged is a hit")
    func bothSides() throws {
        try registry.fileInBeijing(1)
        try node.pull(from: registry)
        let exchanged: [String: String?] = [
            "enterprise_uscc": Form.supplier, "provider_uscc": Form.buyer, "invoice_numbers": Form.invoice(2),
        ]

        #expect(try hits(1, exchanged).map(\.kind) == [.contractParties])
    }

    @Test("either name of an invoice finds it")
    func alias() throws {
        try registry.fileInBeijing(1, ["invoice_numbers": "\(Form.invoice(1))=4403261130:00012345"])
        try node.pull(from: registry)

        #expect(try hits(2, ["invoice_numbers": "4403261130:00012345"]).map(\.kind) == [.invoice])
        #expect(try hits(2, ["invoice_numbers": Form.invoice(1)]).map(\.kind) == [.invoice])
        #expect(try hits(2, ["invoice_numbers": "4403261130:00012346"]) == [])
    }

    @Test("a contract number without its leading zeros finds the contract")
    func leadingZeros() throws {
        try registry.fileInBeijing(1, ["contract_no": "000123"])
        try node.pull(from: registry)

        #expect(try hits(2, ["contract_no": "123"]).map(\.kind).contains(.contract))
        #expect(try hits(2, ["contract_no": "第0123号"]).map(\.kind).contains(.contract))
    }

    @Test("a withdrawal gives the keys back")
    func released() throws {
        try registry.fileInBeijing(1)
        try registry.fileInBeijing(2)
        try node.pull(from: registry)
        try registry.withdrawInBeijing(1)
        try node.pull(from: registry)

        #expect(try hits(1) == [])
        #expect(try hits(2).isEmpty == false)
        try registry.fileInBeijing(3, ["invoice_numbers": Form.invoice(1)])
        try node.pull(from: registry)
        #expect(try hits(1).map(\.kind) == [.invoice])
    }

    @Test("a key that co-funded claims share is held until the last of them is withdrawn")
    func coFunded() throws {
        let group: [String: String?] = ["cofunding_group": "JOINT-7"]
        try node.file(Form.claim(1, group))
        try node.sync(with: registry)
        try registry.fileInBeijing(1, group)
        #expect(registry.outcomes.last?.decision == .reserved)
        try node.pull(from: registry)
        #expect(Set(try hits(1).filter { $0.kind == .invoice }.map(\.city)) == [.shenzhen, .beijing])
        try node.store.withdraw(claimNumber: "SZ-1", reason: "改正", now: .noon)
        try node.sync(with: registry)

        #expect(Set(try hits(1).map(\.city)) == [.beijing])
        try registry.withdrawInBeijing(1)
        try node.pull(from: registry)
        #expect(try hits(1) == [])
    }

    @Test("a refused claim takes nothing, a held one takes its keys")
    func refusedAndHeld() throws {
        try registry.fileInBeijing(1, ["bank_receipt_no": "BR1"])
        try node.file(
            Form.claim(
                2,
                ["invoice_numbers": "\(Form.invoice(1));\(Form.invoice(2))", "invoice_amounts_yuan": "50000.00;1.00"]))
        try node.file(Form.claim(3, ["bank_receipt_no": "BR1"]))
        try node.sync(with: registry)

        #expect(try node.state("SZ-2") == "refused")
        #expect(try hits(2) == [])
        #expect(try node.state("SZ-3") == "held")
        #expect(try hits(3).map(\.kind) == [.invoice])
    }

    @Test("another secret finds nothing: the index holds keyed hashes alone")
    func keyed() throws {
        try registry.fileInBeijing(1)
        try node.pull(from: registry)
        let question = try question(1)
        let stranger = KeyHasher(epoch: 2, secret: .init(repeating: 1, count: 32))

        #expect(try node.store.preCheck(question, hasher: stranger) == [])
    }

    @Test("several questions are answered in their places, all as of the feed head that was applied")
    func several() throws {
        try registry.fileInBeijing(1)
        try node.pull(from: registry)
        let known = registry.head
        try registry.fileInBeijing(2)
        let questions = try [question(2), question(1), question(3)]
        let alone = try hits(1)

        let answers = try node.store.preCheck(questions, hasher: TestRegistry.hasher)
        #expect(answers.position == known)
        #expect(answers.policyVersion == 1)
        #expect(answers.hits.map { Set($0) } == [[], alone, []])
    }

    @Test("before anything is applied a check is as of the empty feed")
    func emptyFeed() throws {
        let answers = try node.store.preCheck([try question(1)], hasher: TestRegistry.hasher)

        #expect(answers.position == .empty)
        #expect(answers.policyVersion == 0)
        #expect(answers.hits == [[]])
    }

    @Test("a check does not wait for a write that is under way, nor sees what it has not committed")
    func besideAWrite() throws {
        try registry.fileInBeijing(1)
        try node.pull(from: registry)
        let before = try hits(1)

        try node.store.pool.write { database in
            try database.execute(sql: "DELETE FROM key_index")
            #expect(try hits(1) == before)
        }
        #expect(try hits(1) == [])
    }

    @Test("a check that fails leaves the next one as it would have been")
    func failedBefore() throws {
        try registry.fileInBeijing(1)
        try node.pull(from: registry)
        let before = try hits(1)
        try node.execute("ALTER TABLE key_index RENAME TO elsewhere")
        #expect(throws: DatabaseError.self) { _ = try hits(1) }
        try node.execute("ALTER TABLE elsewhere RENAME TO key_index")

        #expect(try hits(1) == before)
        #expect(before.isEmpty == false)
    }

    @Test("the index and its answers outlive the process")
    func reopened() throws {
        try registry.fileInBeijing(1)
        try node.pull(from: registry)
        let before = try hits(1)
        try node.reopen()

        #expect(try hits(1) == before)
    }
}
