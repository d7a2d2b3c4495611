import Arbitration
import FederationWire
import GRDB
import Replication
import Testing
import VoucherDomain

@testable import CityStore

/// What ends a case, and what of it is refused or shown.
extension CaseTests {
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
        #expect(try node.store.claims(.init(state: "reserved"), limit: 10).map(\.number) == ["SZ-1"])
        #expect(try node.store.claims(.init(state: "held"), limit: 10) == [])
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
