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
    private let node: TestNode
    private let registry: TestRegistry

    init() throws {
        node = try TestNode()
        registry = try TestRegistry()
        try node.issueVoucher()
    }

    /// Which part Shenzhen's claim has: it waits for the case that it opened, or it was there before.
    enum Role: CaseIterable { case filed, met }

    private static let receipt: [String: String?] = ["bank_receipt_no": "BR-77"]
    private static let ours = ClaimName(city: .shenzhen, number: "SZ-1")
    private static let theirs = ClaimName(city: .beijing, number: "BJ-2")

    // MARK: Arranging

    /// Opens the case, and lets the feed tell of it.
    private func open(_ role: Role, _ changes: [String: String?] = [:]) throws -> String {
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

    private func act(_ act: RegistryAct) throws { try registry.append(act.kind, act.payload, by: .registry) }

    /// The registry rules, without the node being told.
    private func rule(
        _ id: String, keep: [ClaimName], out: [ClaimName] = [], code: Ruling.Code = .falsePositive,
        by name: String = "王芳"
    ) throws {
        try act(.ruled(Ruling(caseID: id, kept: keep, ruledOut: out, code: code, reason: "两笔服务", by: name)))
    }

    private func ruleAndTell(_ id: String, keep: [ClaimName], out: [ClaimName] = []) throws {
        try rule(id, keep: keep, out: out)
        try node.pull(from: registry)
    }

    private func tick(on day: CalendarDate) throws {
        try act(.ticked(TickAct(wallMilliseconds: Int64(day.rawValue) * 86_400_000)))
    }

    private func answer(
        _ kind: CaseAnswer.Kind, _ id: String, _ reason: String = "凭证见附件", evidence: [[UInt8]] = []
    ) throws {
        let answer = CaseAnswer(caseID: id, kind: kind, reason: reason, evidence: evidence)
        try node.store.answer(answer, now: .noon)
    }

    private func answerInBeijing(_ kind: CaseAnswer.Kind, _ id: String) throws {
        let answer = CaseAnswer(caseID: id, kind: kind, reason: "北京说明", evidence: [.init(repeating: 4, count: 32)])
        try registry.append(.caseAnswered, PayloadCoding.encode(answer), by: .beijing)
    }

    // MARK: Looking

    private func view(_ id: String) throws -> CityStore.CaseView { try #require(try node.store.conflictCase(id)) }

    /// The case as the registry knows it.
    private func known(_ id: String) throws -> ConflictCase {
        try #require(registry.outcomes.flatMap(\.cases).last { $0.id == id })
    }

    /// The city sees the case as the registry knows it.
    private func agrees(_ id: String) throws -> Bool {
        let (seen, known) = (try view(id), try known(id))
        return seen.state == known.state && seen.deadline == known.deadline && seen.parties == known.parties
    }

    /// A step at the end of the feed.
    private func lastStep(
        _ kind: CaseEvent.Kind, city: CityCode? = nil, answer: CaseAnswer.Kind? = nil, code: Ruling.Code? = nil,
        _ text: String = ""
    ) -> CityStore.CaseView.Step {
        .init(
            position: Int64(registry.head.position), kind: kind, city: city, answer: answer, code: code, text: text)
    }

    /// The published keys of a claim of that form that anybody holds.
    private func held(_ index: Int) throws -> Set<KeyKind> {
        let claim = try #require(ClaimForm(fields: Form.claim(index).fields).validated().value)
        let question = PreCheck(
            enterprise: claim.enterprise, provider: claim.provider, contract: claim.contract,
            invoices: claim.invoices.map(\.number), city: nil)
        return Set(try node.store.preCheck(question, hasher: TestRegistry.hasher).map(\.kind))
    }

    private func everything() throws -> [[Row]] {
        let tables = ["city_case", "city_case_step"]
        return try node.everything() + tables.map { try node.rows("SELECT * FROM \($0) ORDER BY 1, 2, 3") }
    }

    private func refused(_ code: StoreRefusal.Code, _ body: () throws -> Void) throws {
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

    // MARK: Rulings

    @Test("a ruling that keeps the held claim reserves it", arguments: [true, false])
    func kept(together: Bool) throws {
        let id = try open(.filed)
        if together {
            try ruleAndTell(id, keep: [Self.ours, Self.theirs])
        } else {
            try ruleAndTell(id, keep: [Self.ours], out: [Self.theirs])
        }

        #expect(try node.state("SZ-1") == "reserved")
        #expect(try view(id).state == .closed)
        #expect(try view(id).steps.last == lastStep(.ruled, code: .falsePositive, "两笔服务"))
        #expect(try agrees(id))
        #expect(try held(1) == [.invoice, .contract])
        #expect(try held(2) == (together ? [.invoice, .contract] : []))
        #expect(try node.store.claims(state: "reserved", after: 0, limit: 10).map(\.number) == ["SZ-1"])
        #expect(try node.store.claims(state: "held", after: 0, limit: 10) == [])
        #expect(try node.store.verifyLog() == 2)
    }

    @Test("a ruling against this city's claim refuses it, and gives its keys back", arguments: Role.allCases)
    func ruledOut(role: Role) throws {
        let id = try open(role)
        #expect(try held(1) == [.invoice, .contract])
        try ruleAndTell(id, keep: [Self.theirs], out: [Self.ours])

        #expect(try node.state("SZ-1") == "refused")
        #expect(try held(1) == [])
        #expect(try held(2) == [.invoice, .contract])
        #expect(try view(id).parties.filter(\.isLive).map(\.claim) == [Self.theirs])
        #expect(try agrees(id))
        try refused(.conflict) { try node.store.withdraw(claimNumber: "SZ-1", reason: "改正", now: .noon) }
    }

    @Test("a ruling against the other city's claim gives that one's keys back", arguments: Role.allCases)
    func othersRuledOut(role: Role) throws {
        let id = try open(role)
        #expect(try held(2) == [.invoice, .contract])
        try ruleAndTell(id, keep: [Self.ours], out: [Self.theirs])

        #expect(try node.state("SZ-1") == "reserved")
        #expect(try held(1) == [.invoice, .contract])
        #expect(try held(2) == [])
        #expect(try agrees(id))
    }

    @Test("a ruling that the registry does not take changes nothing")
    func invalidRuling() throws {
        let id = try open(.filed)
        let before = try view(id)
        try ruleAndTell(id, keep: [Self.ours])

        #expect(registry.outcomes.last?.decision == .invalid)
        #expect(try view(id) == before)
        #expect(try node.state("SZ-1") == "held")
    }

    @Test("a ruling over much money is a proposal until a second person rules alike")
    func proposed() throws {
        let id = try open(
            .filed,
            [
                "contract_amount_yuan": "900000.00", "invoice_amounts_yuan": "800000.00", "claimed_yuan": "600000.00",
            ])
        for _ in 1...2 {
            try ruleAndTell(id, keep: [Self.ours, Self.theirs])
            #expect(try view(id).steps.last == lastStep(.proposed, code: .falsePositive, "两笔服务"))
            #expect(try view(id).state == .open)
            #expect(try node.state("SZ-1") == "held")
        }
        try rule(id, keep: [Self.ours, Self.theirs], by: "李强")
        try node.pull(from: registry)

        #expect(try view(id).steps.map(\.kind) == [.opened, .proposed, .proposed, .ruled])
        #expect(try node.state("SZ-1") == "reserved")
        #expect(try agrees(id))
    }

    @Test("a withdrawal in the other city settles the case and reserves what waited", arguments: Role.allCases)
    func settled(role: Role) throws {
        let id = try open(role)
        try registry.withdrawInBeijing(2)
        try node.pull(from: registry)

        #expect(try node.state("SZ-1") == "reserved")
        #expect(try view(id).state == .closed)
        #expect(try view(id).steps.last == lastStep(.settled))
        #expect(try view(id).parties.filter(\.isLive).map(\.claim) == [Self.ours])
        #expect(try agrees(id))
        #expect(try held(1) == [.invoice, .contract])
        #expect(try held(2) == [])
    }

    // MARK: Time, reopening, appeals

    @Test("a tick on the deadline changes nothing; one on the day after escalates, and answers are still taken")
    func escalated() throws {
        let id = try open(.filed)
        let deadline = try view(id).deadline
        try tick(on: deadline)
        try node.pull(from: registry)
        #expect(try view(id).state == .open)
        try tick(on: CalendarDate(rawValue: deadline.rawValue + 1))
        try node.pull(from: registry)

        #expect(try view(id).state == .escalated)
        #expect(try view(id).steps.last == lastStep(.escalated))
        try answer(.contest, id)
        try node.sync(with: registry)
        #expect(try view(id).state == .escalated)
        #expect(try view(id).answerProblem == nil)
        #expect(try agrees(id))
        #expect(try node.state("SZ-1") == "held")
    }

    @Test("a case that is reopened takes answers again; a refused claim stays refused")
    func reopened() throws {
        let id = try open(.filed)
        try ruleAndTell(id, keep: [Self.theirs], out: [Self.ours])
        try act(.reopened(caseID: id, reason: "新证据", by: "王芳"))
        try node.pull(from: registry)

        #expect(try view(id).state == .open)
        #expect(try view(id).steps.last == lastStep(.reopened, "新证据"))
        #expect(try agrees(id))
        #expect(try node.state("SZ-1") == "refused")
        try refused(.conflict) { try answer(.appeal, id) }
        try answer(.contest, id)
        try node.sync(with: registry)
        #expect(try view(id).answerProblem == nil)
        try ruleAndTell(id, keep: [Self.theirs])
        #expect(try view(id).state == .closed)
    }

    @Test("an appeal is taken when the case is closed, and once")
    func appealed() throws {
        let id = try open(.filed)
        try refused(.conflict) { try answer(.appeal, id) }
        try ruleAndTell(id, keep: [Self.ours, Self.theirs])
        try answer(.appeal, id, "请复核")
        try node.sync(with: registry)

        #expect(try view(id).state == .open)
        #expect(try view(id).steps.last == lastStep(.answered, city: .shenzhen, answer: .appeal, "请复核"))
        #expect(try agrees(id))
        try refused(.conflict) { try answer(.appeal, id, "再复核") }
        try ruleAndTell(id, keep: [Self.ours, Self.theirs])
        #expect(try view(id).state == .closed)
        try refused(.conflict) { try answer(.appeal, id, "再复核") }
    }

    @Test("the other city's appeal is the one that there is")
    func appealedByOther() throws {
        let id = try open(.filed)
        try rule(id, keep: [Self.ours, Self.theirs])
        try answerInBeijing(.appeal, id)
        try rule(id, keep: [Self.ours, Self.theirs])
        try node.pull(from: registry)

        #expect(try view(id).state == .closed)
        try refused(.conflict) { try answer(.appeal, id) }
    }

    // MARK: Refusals

    @Test(
        "a closed case takes no answer but an appeal",
        arguments: CaseAnswer.Kind.allCases.filter { $0 != .appeal })
    func closed(kind: CaseAnswer.Kind) throws {
        let id = try open(.filed)
        try ruleAndTell(id, keep: [Self.ours, Self.theirs])

        try refused(.conflict) { try answer(kind, id) }
    }

    @Test("a case that the feed has not told of is not found", arguments: CaseAnswer.Kind.allCases)
    func unknown(kind: CaseAnswer.Kind) throws {
        let id = try open(.filed)

        for other in ["", "22222-2", id.lowercased(), id + " "] {
            try refused(.notFound) { try answer(kind, other) }
            #expect(try node.store.conflictCase(other) == nil)
        }
    }

    @Test("an id that only begins like a case's is not found", arguments: ["\u{0}", "\u{0}9"])
    func notQuite(rest: String) throws {
        let id = try open(.filed) + rest

        try refused(.notFound) { try answer(.contest, id) }
        #expect(try node.store.conflictCase(id) == nil)
    }

    @Test(
        "a reason is given, of at most 500 characters and without control characters",
        arguments: ["", String(repeating: "因", count: 501), "a\u{0}b", "a\u{7}"])
    func reasons(reason: String) throws {
        let id = try open(.filed)

        try refused(.invalid) { try answer(.withdraw, id, reason) }
        try answer(.withdraw, id, String(repeating: "因", count: 500))
        #expect(try view(id).isAnswerPending)
    }

    @Test(
        "evidence that no registry would read is refused before it is an entry",
        arguments: [
            .init(repeating: .init(repeating: 1, count: 32), count: 21), [.init(repeating: 1, count: 31)], [[]],
        ] as [[[UInt8]]])
    func evidence(digests: [[UInt8]]) throws {
        let id = try open(.filed)

        try refused(.invalid) { try answer(.contest, id, evidence: digests) }
    }

    // MARK: Pages of the feed

    /// Much happens in a case before anything of it is told.
    private func story() throws {
        try registry.fileInBeijing(2, Self.receipt)
        try node.file(Form.claim(1, Self.receipt))
        for entry in try node.push(to: registry) { try registry.decide(entry) }
        let id = try #require(registry.outcomes.last?.caseID)
        try answerInBeijing(.contest, id)
        try tick(on: CalendarDate(rawValue: 30))
        try rule(id, keep: [Self.ours, Self.theirs])
        try answerInBeijing(.appeal, id)
        try rule(id, keep: [Self.ours, Self.theirs], code: .cofunded)
        try act(.reopened(caseID: id, reason: "新证据", by: "王芳"))
        try registry.withdrawInBeijing(2)
    }

    @Test("pages of any size lead to the same cases", arguments: [1, 2, 3, 5])
    func pageSizes(size: Int) throws {
        try story()
        for start in stride(from: 0, to: registry.feed.count, by: size) {
            let page = Array(registry.feed[start..<min(start + size, registry.feed.count)])
            let head = try #require(page.last).head
            try node.store.apply(page, sealed: head, detailKey: TestNode.identity.detailKey, now: .noon)
        }
        let whole = try CaseTests()
        try whole.story()
        try whole.node.pull(from: whole.registry)

        let cases = try node.store.cases(limit: 10)
        #expect(
            cases.map { $0.steps.map(\.kind) }
                == [[.opened, .answered, .escalated, .ruled, .answered, .ruled, .reopened, .settled]])
        #expect(try cases == whole.node.store.cases(limit: 10))
        #expect(try node.state("SZ-1") == "reserved")
        #expect(try whole.node.state("SZ-1") == "reserved")
        #expect(try node.store.verifyLog() == 2)
    }

    /// What can have happened to a notice.
    enum Harm: CaseIterable { case firstBit, lastBit, cut, empty, anotherCitys }

    private func harmed(_ entry: FeedEntry, _ harm: Harm) throws -> FeedEntry {
        let other = try #require(entry.notices.first { $0.city == .beijing }).sealed
        var entry = entry
        entry.notices = entry.notices.map { notice in
            guard notice.city == .shenzhen else { return notice }
            var bytes = notice.sealed
            switch harm {
            case .firstBit: bytes[0] ^= 1
            case .lastBit: bytes[bytes.count - 1] ^= 0x80
            case .cut: bytes.removeLast()
            case .empty: bytes = []
            case .anotherCitys: bytes = other
            }
            return FeedEntry.Notice(city: notice.city, sealed: bytes)
        }
        return entry
    }

    @Test("a page with a damaged notice is refused whole", arguments: Harm.allCases)
    func damaged(harm: Harm) throws {
        try registry.fileInBeijing(2, Self.receipt)
        try node.file(Form.claim(1, Self.receipt))
        for entry in try node.push(to: registry) { try registry.decide(entry) }
        let forged = FeedCoding.encode(try harmed(try #require(registry.feed.last).entry, harm))

        try refused(.damaged) {
            try node.store.apply(
                registry.feed.dropLast() + [forged], sealed: forged.head, detailKey: TestNode.identity.detailKey,
                now: .noon)
        }
        #expect(try node.store.feedHead() == .empty)
        try node.pull(from: registry)
        #expect(try node.store.cases(limit: 10).count == 1)
    }

    // MARK: Lists

    /// SZ-1 to SZ-4, each with a case; the second is closed, and the fourth was opened after the others escalated.
    private func fourCases() throws -> [String] {
        var ids: [String] = []
        for index in 1...4 {
            let receipt: [String: String?] = ["bank_receipt_no": "BR-\(index)"]
            if index == 4 { try tick(on: CalendarDate(rawValue: 30)) }
            try node.file(Form.claim(index, receipt))
            try node.sync(with: registry)
            try registry.fileInBeijing(index + 4, receipt)
            ids.append(try #require(registry.outcomes.last?.caseID))
            if index == 2 { try rule(ids[1], keep: try known(ids[1]).parties.map(\.claim)) }
            try node.pull(from: registry)
        }
        return ids
    }

    @Test("cases are listed in the order in which they were told, a page after a row")
    func pages() throws {
        let ids = try fourCases()

        let all = try node.store.cases(limit: 10)
        #expect(all.map(\.id) == ids)
        #expect(all.map(\.state) == [.escalated, .closed, .escalated, .open])
        #expect(all.map(\.row) == all.map(\.row).sorted())
        #expect(try node.store.cases(limit: 3) == Array(all.prefix(3)))
        #expect(try node.store.cases(after: all[2].row, limit: 3) == [all[3]])
        #expect(try node.store.cases(after: all[3].row, limit: 3) == [])
    }

    @Test("cases can be asked for those that are open, escalated ones among them, or closed")
    func filters() throws {
        let ids = try fourCases()

        func listed(_ isOpen: Bool?, after row: Int64 = 0, limit: Int = 10) throws -> [String] {
            try node.store.cases(isOpen: isOpen, after: row, limit: limit).map(\.id)
        }
        let row = try view(ids[0]).row
        #expect(try listed(true) == [ids[0], ids[2], ids[3]])
        #expect(try listed(false) == [ids[1]])
        #expect(try listed(true, after: row, limit: 1) == [ids[2]])
        #expect(try listed(false, after: row) == [ids[1]])
        #expect(try listed(false, after: try view(ids[1]).row) == [])
    }
}
