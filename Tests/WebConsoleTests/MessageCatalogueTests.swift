import Testing

@testable import WebConsole

@Suite("Messages in Chinese")
struct MessageCatalogueTests {
    private let catalogue: MessageCatalogue
    private let pages: ConsolePages

    init() throws {
        catalogue = try MessageCatalogue(Array(Self.entries.utf8))
        pages = try ConsolePages(templates: [:], phrases: [], navigation: [])
    }

    private static let entries = #"""
        {
          "the disk is full": "磁盘已满",
          "a date written YYYY-MM-DD": "日期",
          "expected {0}": "应为：{0}",
          "{0} amounts for {1} invoices": "{1} 张发票有 {0} 个金额",
          "no claim {0} in this city": "本市没有申领 {0}",
          "must be after {0}; the day itself is not included": "须晚于 {0}，当日不计入",
          "case {0} is {1}": "案件 {0} 的状态为 {1}",
          "case {0} is closed": "案件 {0} 已结案",
          "the payment cannot go on: {0}": "付款无法进行：{0}",
          "{0} yuan were paid, more than was asked for": "已付 {0} 元，多于申请",
          "send {\"reason\": \"…\"}, not {0}": "请发送 {\"reason\": \"…\"}，不是 {0}",
          "a path with \\ in it": "路径含有 \\"
        }
        """#

    private static let wholes: [(message: String, chinese: String?)] = [
        ("the disk is full", "磁盘已满"), ("a path with \\ in it", "路径含有 \\"),
        ("no claim C-1 in this city", "本市没有申领 C-1"), ("no claim 甲/1 in this city", "本市没有申领 甲/1"),
        ("no claim  in this city", "本市没有申领 "), ("2 amounts for 3 invoices", "3 张发票有 2 个金额"),
        (#"send {"reason": "…"}, not {}"#, #"请发送 {"reason": "…"}，不是 {}"#),
        ("the disk is full!", nil), ("", nil), ("no claim C-1 in this city today", nil),
        ("there is no claim C-1 in this city", nil), ("2 amounts of 3 invoices", nil),
    ]

    @Test(
        "a sentence is found as it is, a template with something put into it, and both only as a whole",
        arguments: wholes)
    func found(message: String, chinese: String?) {
        #expect(catalogue.translated(message) == chinese)
    }

    @Test(
        "what was put into a message is translated where it is a message, and else stays as it is",
        arguments: [
            ("expected a date written YYYY-MM-DD", "应为：日期"), ("expected something else", "应为：something else"),
            ("the payment cannot go on: case 7 is closed", "付款无法进行：案件 7 已结案"),
            ("the payment cannot go on: expected a date written YYYY-MM-DD", "付款无法进行：应为：日期"),
            ("no claim the disk is empty in this city", "本市没有申领 the disk is empty"),
        ])
    func nested(message: String, chinese: String) {
        #expect(catalogue.translated(message) == chinese)
    }

    private static let severals: [(message: String, chinese: String?)] = [
        ("the disk is full; case 7 is closed", "磁盘已满；案件 7 已结案"),
        ("expected a date written YYYY-MM-DD; expected more", "应为：日期；应为：more"),
        ("the disk is full; who knows", "磁盘已满；who knows"), ("who knows; who cares", nil),
        // Each of these is one sentence, or one that something of the kind was put into.
        ("must be after A; the day itself is not included", "须晚于 A，当日不计入"),
        ("the disk is full; must be after A; the day itself is not included", "磁盘已满；须晚于 A，当日不计入"),
        ("no claim a; b in this city", "本市没有申领 a; b"),
        (
            "the payment cannot go on: must be after A; the day itself is not included",
            "付款无法进行：须晚于 A，当日不计入"
        ),
    ]

    @Test("sentences that are said at once are translated one by one", arguments: severals)
    func joined(message: String, chinese: String?) {
        #expect(catalogue.translated(message) == chinese)
    }

    @Test(
        "of several templates the one with the most text of its own is meant, and one that quotes before one within it",
        arguments: [
            ("case 7 is closed", "案件 7 已结案"), ("case 7 is lost", "案件 7 的状态为 lost"),
            ("case 7 is what is closed", "案件 7 is what 已结案"), ("case 7 is what it is", "案件 7 的状态为 what it is"),
            ("5 yuan were paid, more than was asked for", "已付 5 元，多于申请"),
            ("the payment cannot go on: 5 yuan were paid, more than was asked for", "付款无法进行：已付 5 元，多于申请"),
        ])
    func ambiguous(message: String, chinese: String) {
        #expect(catalogue.translated(message) == chinese)
    }

    @Test(
        "a catalogue that says two things or nothing is refused",
        arguments: [
            #"{"a day": "日", "a day": "天"}"#, #"{"a {0}": "甲 {0}", "b": "乙", "a {0}": "甲 {0}"}"#,
            #"{"a {0}": "甲 {0}", "a {1}": "乙 {1}"}"#, #"{"a day": "日", "\u0061 day": "天"}"#,
            #"{"a {0}": "甲"}"#, #"{"a": "甲 {0}"}"#, #"{"a {0}": "甲 {1}"}"#, #"{"a {0} b {0}": "甲 {0}"}"#,
            #"{"a {0}{1}b": "甲 {0} {1}"}"#, #"{"": "甲"}"#, #"{"a": ""}"#, #"{"a": " "}"#, #"{"{0}": "{0}"}"#,
        ])
    func refused(file: String) {
        #expect(throws: MessageCatalogue.Failure.self) { _ = try MessageCatalogue(Array(file.utf8)) }
    }

    @Test(
        "what is no object of texts is no catalogue",
        arguments: ["", "[]", #"{"a": 1}"#, #"{"a": ["b"]}"#, #"{"a": "b""#])
    func malformed(file: String) {
        #expect(throws: (any Error).self) { _ = try MessageCatalogue(Array(file.utf8)) }
    }

    @Test(
        "a page says a message in its language, or as it is where nobody has translated it",
        arguments: [
            ("the disk is full", "磁盘已满", "the disk is full"),
            ("nobody has translated this", "nobody has translated this", "nobody has translated this"),
            ("请填写理由。", "请填写理由。", "请填写理由。"),
            // A number that somebody has typed is no second half.
            ("no claim 甲 / 1 in this city", "本市没有申领 甲 / 1", "no claim 甲 / 1 in this city"),
            ("no claim A / 1 in this city", "本市没有申领 A / 1", "no claim A / 1 in this city"),
        ])
    func said(message: String, chinese: String, english: String) {
        #expect(pages.said(message, in: .chinese) == chinese)
        #expect(pages.said(message, in: .english) == english)
    }

    @Test(
        "of a sentence in both languages a page says one half, and in Chinese also what the English one alone has",
        arguments: [
            ("", "算力券不存在", "算力券不存在：该市没有发放过此券号", "this city has issued no voucher with that serial"),
            ("", "记录无效", "记录无效：案件 AB-1 已结案", "the record is invalid: case AB-1 is closed"),
            (
                "", "付款无法进行", "付款无法进行：已付 2.00 元，批准的是 1.00 元",
                "the payment cannot go on: 2.00 yuan were paid, 1.00 yuan were authorised"
            ),
            ("", "合同金额不一致：1.00 / 2.00 元", "合同金额不一致：1.00 / 2.00 元", "this claim allows 1.00"),
            ("", "疑为同一张发票", "疑为同一张发票", "this may be one invoice of 甲 / B"),
            ("", "3 条记录已补录", "3 条记录已补录", "3 entries are appended late"),
            // Quoted, it never loses what it is quoted for.
            (
                "do not call the bank: ", "付款无法进行", "不要通知银行付款：付款无法进行：尚未放行",
                "the payment cannot go on: it is not released"
            ),
            ("do not call the bank: ", "发票已被占用", "不要通知银行付款：发票已被占用", "this invoice is already held"),
        ])
    func halves(lead: String, half: String, chinese: String, english: String) {
        let message = "\(lead)\(half) / \(english)"

        #expect(pages.said(message, in: .chinese) == chinese)
        #expect(pages.said(message, in: .english) == lead + english)
    }
}
