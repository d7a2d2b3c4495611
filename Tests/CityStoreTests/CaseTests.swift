import Arbitration
import FederationWire
import GRDB
import Replication
import Testing
import VoucherDomain

@testable import CityStore

/// Shenzhen's claim SZ-1 and Beijing's BJ-2 are made over one bank receipt, which is what opens a case here.
@Suite("Cases of this city's claims")
struct CaseTests {
    let node: TestNode
    let registry: TestRegistry

    init() throws {
        node = try TestNode()
        registry = try TestRegistry()
        try node.issueVoucher()
    }

    /// Which part Shenzhen's claim has: it waits for the case that it opened, or it was there before.
    enum Role: CaseIterable { case filed, met }

    static let receipt: [String: String?] = ["bank_receipt_no": "BR-77"]
    static let ours = ClaimName(city: .shenzhen, number: "SZ-1")
    static let theirs = ClaimName(city: .beijing, number: "BJ-2")

    // MARK: Arranging

    /// Opens the case, and lets the feed tell of it.
    func open(_ role: Role, _ changes: [String: String?] = [:]) throws -> String {
        let row = Self.receipt.merging(changes) { _, new in new }
        if role == .filed { try registry.fileInBeijing(2, row) }
        try node.file(Form.claim(1, row))
        try node.sync(with: registry)
        if role == .met {
            try registry.fileInBeijing(2, row)
            try node.pull(from: registry)
        }
        return try #require(registry.outcomes.last?.caseID)
    }

    func act(_ act: RegistryAct) throws { try registry.append(act.kind, act.payload, by: .registry) }

    /// The registry rules, without the node being told.
    func rule(
        _ id: String, keep: [ClaimName], out: [ClaimName] = [], code: Ruling.Code = .falsePositive,
        by name: String = "王芳"
    ) throws {
        try act(.ruled(Ruling(caseID: id, kept: keep, ruledOut: out, code: code, reason: "两笔服务", by: name)))
    }

    func ruleAndTell(_ id: String, keep: [ClaimName], out: [ClaimName] = []) throws {
        try rule(id, keep: keep, out: out)
        try node.pull(from: registry)
    }

    func tick(on day: CalendarDate) throws {
        try act(.ticked(TickAct(wallMilliseconds: Int64(day.rawValue) * 86_400_000)))
    }

    func answer(
        _ kind: CaseAnswer.Kind, _ id: String, _ reason: String = "凭证见附件", evidence: [[UInt8]] = []
    ) throws {
        let answer = CaseAnswer(caseID: id, kind: kind, reason: reason, evidence: evidence)
        try node.store.answer(answer, now: .noon)
    }

    func answerInBeijing(_ kind: CaseAnswer.Kind, _ id: String) throws {
        let answer = CaseAnswer(caseID: id, kind: kind, reason: "北京说明", evidence: [.init(repeating: 4, count: 32)])
        try registry.append(.caseAnswered, PayloadCoding.encode(answer), by: .beijing)
    }

    // MARK: Looking

    func view(_ id: String) throws -> CityStore.CaseView { try #require(try node.store.conflictCase(id)) }

    /// The case as the registry knows it.
    func known(_ id: String) throws -> ConflictCase {
        try #require(registry.outcomes.flatMap(\.cases).last { $0.id == id })
    }

    /// The city sees the case as the registry knows it.
    func agrees(_ id: String) throws -> Bool {
        let (seen, known) = (try view(id), try known(id))
        return seen.state == known.state && seen.deadline == known.deadline && seen.parties == known.parties
    }

    /// A step at the end of the feed.
    func lastStep(
        _ kind: CaseEvent.Kind, city: CityCode? = nil, answer: CaseAnswer.Kind? = nil, code: Ruling.Code? = nil,
        _ text: String = ""
    ) -> CityStore.CaseView.Step {
        .init(
            position: Int64(registry.head.position), kind: kind, city: city, answer: answer, code: code, text: text)
    }

    /// The published keys of a claim of that form that anybody holds.
    func held(_ index: Int) throws -> Set<KeyKind> {
        let claim = try #require(ClaimForm(fields: Form.claim(index).fields).validated().value)
        let question = PreCheck(
            enterprise: claim.enterprise, provider: claim.provider, contract: claim.contract,
            invoices: claim.invoices.map(\.number), city: nil)
        return Set(try node.store.preCheck(question, hasher: TestRegistry.hasher).map(\.kind))
    }

    func everything() throws -> [[Row]] {
        let tables = ["city_case", "city_case_step"]
        return try node.everything() + tables.map { try node.rows("SELECT * FROM \($0) ORDER BY 1, 2, 3") }
    }

    func refused(_ code: StoreRefusal.Code, _ body: () throws -> Void) throws {
        let before = try everything()
        let refusal = #expect(throws: StoreRefusal.self) { try body() }
        #expect(refusal?.code == code)
        #expect(try everything() == before)
    }

    // MARK: Opening

    @Test(
        "the city that filed a held claim sees its case, and so does the one whose claim it met",
        arguments: Role.allCases)
    func opened(role: Role) throws {
        let id = try open(role)

        let names = role == .filed ? [Self.ours, Self.theirs] : [Self.theirs, Self.ours]
        let view = try view(id)
        #expect(view.state == .open)
        #expect(view.parties == names.map { .init(claim: $0, isLive: true) })
        #expect(view.reasons.map(\.rule) == ["evidence-once"])
        #expect(view.reasons.map(\.finding) == [.held(.bankReceipt)])
        #expect(view.reasons.map(\.blocking) == [[names[1]]])
        // Ten working days after the first of 1970, a Thursday, on which the registry in memory receives everything.
        #expect(view.deadline == CalendarDate("1970-01-15"))
        #expect(view.steps == [lastStep(.opened)])
        #expect(view.answerProblem == nil)
        #expect(!view.isAnswerPending)
        #expect(try node.store.cases(limit: 10) == [view])
        #expect(try agrees(id))
        #expect(try node.state("SZ-1") == (role == .filed ? "held" : "reserved"))
        #expect(try node.store.verifyLog() == 2)
    }

    @Test("a case between other cities is not seen, and cannot be answered")
    func others() throws {
        let shanghai = try #require(CityCode(rawValue: 310_000))
        let voucher = try #require(VoucherForm(fields: Form.voucher().fields).validated().value)
        let row = Form.claim(1, Self.receipt.merging(["claim_no": "SH-1"]) { _, new in new })
        let claim = try #require(ClaimForm(fields: row.fields).validated().value)
        try registry.fileInBeijing(2, Self.receipt)
        try registry.append(.voucherIssued, PayloadCoding.encode(voucher), by: shanghai)
        try registry.append(.claimFiled, PayloadCoding.encode(claim), by: shanghai)
        let id = try #require(registry.outcomes.last?.caseID)
        try node.pull(from: registry)

        #expect(try node.store.cases(limit: 10) == [])
        #expect(try node.store.conflictCase(id) == nil)
        try refused(.notFound) { try answer(.contest, id) }
    }

    @Test("cases outlive the process")
    func outlives() throws {
        let id = try open(.met)
        try answer(.contest, id)
        let before = try view(id)
        try node.reopen()

        #expect(try view(id) == before)
        #expect(before.isAnswerPending)
    }

    // MARK: Answering

    @Test(
        "an answer is an entry, which waits, and is a step once the feed tells of it",
        arguments: [CaseAnswer.Kind.contest, .cofunded, .notDuplicate])
    func answered(kind: CaseAnswer.Kind) throws {
        let id = try open(.filed)
        let said = CaseAnswer(caseID: id, kind: kind, reason: "不同的服务", evidence: [.init(repeating: 9, count: 32)])
        try node.store.answer(said, now: .noon)

        let entry = try #require(try node.log().last)
        #expect(entry.kind == .caseAnswered)
        #expect(try PayloadCoding.caseAnswer(entry.payload) == said)
        #expect(try view(id).isAnswerPending)
        #expect(try view(id).steps.count == 1)
        try node.sync(with: registry)

        let view = try view(id)
        #expect(!view.isAnswerPending)
        #expect(view.answerProblem == nil)
        #expect(view.steps.last == lastStep(.answered, city: .shenzhen, answer: kind, "不同的服务"))
        #expect(try agrees(id))
        #expect(view.state == .open)
        #expect(try node.state("SZ-1") == "held")
        #expect(try node.store.verifyLog() == 3)
    }

    @Test("what the other city answers is a step, too", arguments: Role.allCases)
    func answeredByOther(role: Role) throws {
        let id = try open(role)
        try answerInBeijing(.contest, id)
        try node.pull(from: registry)

        #expect(try view(id).steps.last == lastStep(.answered, city: .beijing, answer: .contest, "北京说明"))
        #expect(try !view(id).isAnswerPending)
    }

    @Test("the same answer again while the first waits changes nothing; another one is an entry")
    func again() throws {
        let id = try open(.filed)
        try answer(.contest, id)
        let before = try everything()
        try answer(.contest, id)
        #expect(try everything() == before)
        try node.push(to: registry)
        let received = try everything()
        try answer(.contest, id)
        #expect(try everything() == received)

        try answer(.contest, id, "另一理由")
        try answer(.notDuplicate, id, "另一理由")
        try answer(.notDuplicate, id, "另一理由", evidence: [.init(repeating: 1, count: 32)])
        #expect(try node.log().map(\.kind).filter { $0 == .caseAnswered }.count == 4)
        #expect(try view(id).isAnswerPending)
    }

    @Test("several answers are as many steps, in their order")
    func several() throws {
        let id = try open(.filed)
        try answer(.contest, id)
        try answer(.cofunded, id)
        try answer(.contest, id)
        try node.sync(with: registry)

        #expect(try view(id).steps.compactMap(\.answer) == [.contest, .cofunded, .contest])
        #expect(try view(id).answerProblem == nil)
        #expect(try !view(id).isAnswerPending)
    }

    @Test("an answer that comes after the ruling shows what the registry says is wrong with it, until the next one")
    func tooLate() throws {
        let id = try open(.filed)
        try rule(id, keep: [Self.ours, Self.theirs])
        try answer(.contest, id)
        try node.sync(with: registry)

        let late = try view(id)
        #expect(late.answerProblem?.contains("case \(id) is closed") == true)
        #expect(!late.isAnswerPending)
        #expect(late.steps.map(\.kind) == [.opened, .ruled])
        #expect(late.state == .closed)
        try answer(.appeal, id)
        #expect(try view(id).answerProblem == nil)
        #expect(try view(id).isAnswerPending)
        try node.sync(with: registry)
        #expect(try view(id).answerProblem == nil)
        #expect(try agrees(id))
        #expect(try node.store.verifyLog() == 4)
    }

    // MARK: Withdrawing by answer

    @Test("to answer with a withdrawal withdraws the claim, too, and settles the case", arguments: Role.allCases)
    func withdrawn(role: Role) throws {
        let id = try open(role)
        try node.file(Form.claim(5))
        let before = try node.log().count
        try answer(.withdraw, id, "重复申报")

        let added = try node.log().dropFirst(before)
        #expect(added.count == 2)
        #expect(Set(added.map(\.kind)) == [.claimWithdrawn, .caseAnswered])
        let withdrawal = try #require(added.first { $0.kind == .claimWithdrawn })
        #expect(try PayloadCoding.withdrawal(withdrawal.payload) == ("SZ-1", "重复申报"))
        #expect(try node.store.claim("SZ-1")?.isBeingWithdrawn == true)
        try node.sync(with: registry)

        #expect(try node.state("SZ-1") == "withdrawn")
        #expect(try node.state("SZ-5") == "reserved")
        #expect(try held(1) == [])
        #expect(try held(2) == [.invoice, .contract])
        #expect(try view(id).state == .closed)
        #expect(try view(id).steps.map(\.kind).contains(.settled))
        #expect(try agrees(id))
        #expect(try node.store.verifyLog() == before + 2)
    }

    @Test(
        "an answer that withdraws is itself taken note of, though its withdrawal closes the case",
        arguments: Role.allCases)
    func withdrawalIsNoted(role: Role) throws {
        let id = try open(role)
        try answer(.withdraw, id)
        try node.sync(with: registry)

        #expect(try view(id).answerProblem == nil)
        #expect(try view(id).steps.compactMap(\.answer) == [.withdraw])
    }

    @Test("an answer that withdraws, given again while the first waits, changes nothing")
    func withdrawnAgain() throws {
        let id = try open(.filed)
        try answer(.withdraw, id)
        let before = try everything()
        try answer(.withdraw, id)

        #expect(try everything() == before)
    }

    @Test("every live claim of this city in the case is withdrawn")
    func withdrawnAll() throws {
        try node.file(Form.claim(1, Self.receipt), Form.claim(2, Self.receipt))
        try node.sync(with: registry)
        let id = try #require(registry.outcomes.last?.caseID)
        try answer(.withdraw, id)
        try node.sync(with: registry)

        #expect(try node.state("SZ-1") == "withdrawn")
        #expect(try node.state("SZ-2") == "withdrawn")
        #expect(try view(id).state == .closed)
    }

    @Test("a claim that is being withdrawn already is not withdrawn twice")
    func withdrawnBefore() throws {
        let id = try open(.filed)
        try node.store.withdraw(claimNumber: "SZ-1", reason: "改正", now: .noon)
        try answer(.withdraw, id)

        #expect(try node.log().suffix(2).map(\.kind) == [.claimWithdrawn, .caseAnswered])
        try node.sync(with: registry)
        #expect(try node.state("SZ-1") == "withdrawn")
    }

    @Test("when the answer cannot be kept, nothing is withdrawn")
    func atomic() throws {
        let id = try open(.filed)
        try node.execute(
            """
            CREATE TRIGGER broken BEFORE UPDATE OF answer_sequence ON city_case
            BEGIN SELECT RAISE(ABORT, 'no'); END
            """)
        let before = try everything()

        #expect(throws: DatabaseError.self) { try answer(.withdraw, id) }
        #expect(try everything() == before)
        try node.execute("DROP TRIGGER broken")
        try answer(.withdraw, id)
        #expect(try node.store.claim("SZ-1")?.isBeingWithdrawn == true)
    }

    /// SZ-1, BJ-2 and SZ-3 over one receipt: SZ-3 waits for a case of all three, which the ruling in the first case
    /// leaves open, without SZ-1.
    private func threeParties() throws -> String {
        let first = try open(.met)
        try node.file(Form.claim(3, Self.receipt))
        try node.sync(with: registry)
        let second = try #require(registry.outcomes.last?.caseID)
        try ruleAndTell(first, keep: [Self.theirs], out: [Self.ours])
        return second
    }

    @Test("a claim that another case has refused is no live claim of this one, either")
    func refusedElsewhere() throws {
        let id = try threeParties()

        #expect(try node.state("SZ-1") == "refused")
        #expect(try known(id).state == .open)
        #expect(try agrees(id))
    }

    @Test("what is left in a case can be withdrawn by answer when another case has refused the rest")
    func withdrawnRest() throws {
        let id = try threeParties()
        try answer(.withdraw, id)
        try node.sync(with: registry)

        #expect(try node.state("SZ-1") == "refused")
        #expect(try node.state("SZ-3") == "withdrawn")
    }
}
