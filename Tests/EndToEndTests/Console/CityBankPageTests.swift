import Foundation
import Testing

/// A month's end without a command line: what the bank did, invoices that were taken back, and the vouchers.
@Suite("The bank in the city's console", .badInputFederation, .serialized)
struct CityBankPageTests {
    private let federation = BadInputFederation.current
    private static let confirmation = ["transaction": "B-1", "paid_on": "2026-06-30"]

    /// Lends the console of a city whose claim 1 is with the bank.
    private func withSubmitted(
        _ body: (TestCity, OfficerDesk, ShownPayment) async throws -> Void
    ) async throws {
        try await federation.publishQuickPayments()
        let (other, city) = (try await federation.city(), try await federation.city())
        try await other.served { _ in
            try await city.served { daemon in
                try await city.file([ClaimFile.distinctRow(1, of: city)])
                try await city.does(["payment", "request", city.claim(1)])
                try await city.expectPayment(of: city.claim(1), at: "released")
                _ = try await city.exported()
                let payment = try await city.expectPayment(of: city.claim(1), at: "submitted")
                try await OfficerDesk.with(city, daemon) { try await body(city, $0, payment) }
            }
        }
    }

    @Test("what was paid and what came back is told in forms, and the same form again changes nothing")
    func paidAndBack() async throws {
        try await withSubmitted { city, desk, payment in
            let amount = try #require(payment.amount_yuan)
            let path = "/console/claims/\(city.claim(1))/payment"
            #expect(try await desk.get("/console/payments").text.contains("href=\"\(path)\""))
            let paid = Self.confirmation.merging(["amount_yuan": amount]) { $1 }
            for _ in 0..<2 {
                let page = try await desk.follow(try await desk.post("\(path)-confirmation", paid))
                #expect(page.status == 200)
                try await city.settle()
            }
            // What was told and is answered waits no more, whatever a link says.
            #expect(try await !desk.get("\(path)?said=confirmation").text.contains("Recorded: the bank has paid."))
            try await city.expectPayment(of: city.claim(1), at: "paid")
            let head = try await city.sync().log_head

            let again = try await desk.post("\(path)-confirmation", paid)
            #expect(again.status == 303)
            #expect(try await city.sync().log_head == head)

            let back = paid.merging(["transaction": "B-2", "reason": "重复支付\n退回"]) { $1 }
            _ = try await desk.follow(try await desk.post("\(path)-reversal", back))
            try await city.expectPayment(of: city.claim(1), at: "reversed")
            let left = try await desk.get(path)
            #expect(left.text.contains("there is no answer of the bank to tell"))
        }
        try await federation.expectSoundJournal()
    }

    @Test("a payment that the bank refused is told with the reason, without which nothing is recorded")
    func refused() async throws {
        try await withSubmitted { city, desk, _ in
            let path = "/console/claims/\(city.claim(1))/payment"
            let head = try await city.sync().log_head
            let (reason, choice) = ("Give a reason.", "Choose one of these.")
            let faulty: [(fields: [String: String], asked: Set<String>)] = [
                (["failure": "rejected"], [reason]), (["reason": "户名不符"], [choice]),
                (["failure": "late", "reason": "户名不符"], [choice]), ([:], [reason, choice]),
            ]
            for (fields, asked) in faulty {
                let answer = try await desk.post("\(path)-failure", fields)
                #expect(answer.status == 422)
                #expect(Set([reason, choice].filter { answer.text.contains($0) }) == asked, "\(fields)")
            }
            #expect(try await city.sync().log_head == head)

            _ = try await desk.follow(
                try await desk.post("\(path)-failure", ["failure": "rejected", "reason": "户名不符"]))
            try await city.expectPayment(of: city.claim(1), at: "failed")
        }
    }

    @Test("a word that waits is shown to whoever comes next, and none of its kind is told before it is answered")
    func waiting() async throws {
        try await federation.publishQuickPayments()
        let (other, city) = (try await federation.city(), try await federation.city())
        let path = "/console/claims/\(city.claim(1))/payment"
        let letter = [
            "invoice": try #require(ClaimFile.distinct(1, of: city)["invoice_numbers"]),
            "red_letter": "25\(city.code)000000000009", "amount_yuan": "1.00", "reversed_on": "2026-06-30",
        ]
        try await other.served { _ in
            let amount = try await city.served { _ in
                try await city.file([ClaimFile.distinctRow(1, of: city)])
                try await city.does(["payment", "request", city.claim(1)])
                try await city.expectPayment(of: city.claim(1), at: "released")
                _ = try await city.exported()
                return try await city.expectPayment(of: city.claim(1), at: "submitted").amount_yuan
            }
            let paid = Self.confirmation.merging(["amount_yuan": try #require(amount)]) { $1 }
            try await city.served(isOffline: true) { daemon in
                try await OfficerDesk.with(city, daemon) { desk in
                    let told = try await desk.follow(try await desk.post("\(path)-confirmation", paid)).text
                    #expect(told.contains("Recorded: the bank has paid."))
                    #expect(!told.contains("action=\"\(path)-confirmation\""))
                    #expect(told.contains("action=\"\(path)-failure\""))
                    #expect(try await desk.get("/console/payments").text.contains("Recorded, waits for the registry"))
                    let head = try await city.sync().log_head

                    #expect(try await desk.post("\(path)-confirmation", paid).status == 303)
                    let corrected = paid.merging(["transaction": "B-9"]) { $1 }
                    let refused = try await desk.post("\(path)-confirmation", corrected)
                    #expect(refused.status == 409)
                    #expect(refused.text.contains("waits for the registry&#39;s answer"))
                    #expect(refused.text.contains(#"value="B-9""#))
                    #expect(try await city.sync().log_head == head)

                    let letters = try await desk.follow(try await desk.post("/console/red-letters", letter)).text
                    #expect(letters.contains("Recorded, waits for the registry"))
                }
            }
            try await city.served { daemon in
                try await city.settle()
                try await city.expectPayment(of: city.claim(1), at: "paid")
                try await OfficerDesk.with(city, daemon) { desk in
                    for page in [path, "/console/payments", "/console/red-letters?said=1"] {
                        let shown = try await desk.get(page).text
                        #expect(!shown.contains(/Recorded[,:]/), "\(page)")
                    }
                }
            }
        }
    }

    private static let faults = [
        ("amount_yuan", "12.5", "Expected yuan above zero"), ("amount_yuan", "0.00", "Expected yuan above zero"),
        ("amount_yuan", "-1.00", "Expected yuan above zero"), ("paid_on", "2026-02-30", "Expected a day"),
        ("paid_on", "30/6/2026", "Expected a day"), ("transaction", "", "This is compulsory."),
        ("transaction", String(repeating: "9", count: 65), "has not 1 to 64 characters"),
    ]

    @Test("what is wrong with a field is said under it, with what was typed still there, and nothing is recorded")
    func faults() async throws {
        try await withSubmitted { city, desk, payment in
            let head = try await city.sync().log_head
            for (field, value, said) in Self.faults {
                let whole = Self.confirmation.merging(["amount_yuan": payment.amount_yuan ?? ""]) { $1 }
                let typed = whole.merging([field: value]) { $1 }
                let answer = try await desk.post("/console/claims/\(city.claim(1))/payment-confirmation", typed)

                #expect(answer.status == 422)
                let mark = "id=\"confirmation-\(field)-problem\" class=\"fault\">"
                let fault = try #require(answer.text.components(separatedBy: mark).last).prefix { $0 != "<" }
                #expect(fault.contains(said), "\(field) \(value): \(fault)")
                for (name, text) in typed {
                    #expect(answer.text.contains("name=\"\(name)\" value=\"\(text)\""), "\(field) \(value): \(name)")
                }
            }
            #expect(try await city.sync().log_head == head)
        }
    }

    @Test("what the payment does not take where it stands is refused with what was typed, and so is an unknown claim")
    func outOfPlace() async throws {
        try await withSubmitted { city, desk, payment in
            let fields = Self.confirmation.merging(["amount_yuan": payment.amount_yuan ?? "", "reason": "退款"]) { $1 }
            let answer = try await desk.post("/console/claims/\(city.claim(1))/payment-reversal", fields)
            #expect(answer.status == 422)
            #expect(answer.text.contains("its payment is submitted"))
            #expect(answer.text.contains(#"value="退款""#))
            let head = try await city.sync().log_head
            #expect(try await desk.get("/console/claims/nothing/payment").status == 404)
            #expect(try await desk.post("/console/claims/nothing/payment-confirmation", fields).status == 404)
            #expect(try await city.sync().log_head == head)
        }
    }

    @Test("a red letter is told in a form, listed, and the same number with another amount is refused")
    func redLetter() async throws {
        let city = try await federation.city()
        try await city.served { daemon in
            try await city.file([ClaimFile.distinctRow(1, of: city)])
            try await OfficerDesk.with(city, daemon) { desk in
                let invoice = try #require(ClaimFile.distinct(1, of: city)["invoice_numbers"])
                let letter = [
                    "invoice": invoice, "red_letter": "25\(city.code)000000000001", "amount_yuan": "10.00",
                    "reversed_on": "2026-06-30",
                ]
                let page = try await desk.follow(try await desk.post("/console/red-letters", letter))
                #expect(page.text.contains("<td>\(invoice)</td><td>25\(city.code)000000000001</td>"))
                let second = letter.merging(["red_letter": "25\(city.code)000000000002", "amount_yuan": "9.00"]) { $1 }
                let both = try await desk.follow(try await desk.post("/console/red-letters", second)).text
                let numbers = both.matches(of: /<td>25\d{6}00000000000(\d)<\/td>/).map { String($0.1) }
                #expect(numbers == ["2", "1"])
                try await city.settle()
                let head = try await city.sync().log_head

                let other = try await desk.post("/console/red-letters", letter.merging(["amount_yuan": "11.00"]) { $1 })
                #expect(other.status == 422)
                #expect(other.text.contains("is recorded with other content"))
                let broken = try await desk.post("/console/red-letters", letter.merging(["invoice": "12"]) { $1 })
                #expect(broken.text.contains(#"id="letter-invoice-problem" class="fault""#))
                #expect(try await city.sync().log_head == head)
            }
        }
    }

    @Test("vouchers stand in the order of their issue, page by page, each with its state and its claims")
    func vouchers() async throws {
        let city = try await federation.city(withVoucher: false)
        let numbers = (100..<151).map { "V-\(city.code)-\($0)" }
        let files = numbers.map { String(decoding: ClaimFile.voucher($0), as: UTF8.self) }
        let header = try #require(files.first?.split(separator: "\n").first)
        let rows = files.compactMap { $0.split(separator: "\n").last }
        let file = ([header] + rows).map { "\($0)\n" }.joined()
        try await city.served { daemon in
            let imported = try await city.importVouchers(file.utf8)
            try #require(imported.status == 0, "\(imported.errors)")
            try await city.settle()
            try await OfficerDesk.with(city, daemon) { desk in
                func shown(_ page: HTTPProbe.Answer) -> [String] {
                    page.text.matches(of: /<tr><td>([^<]+)<\/td>/).map { String($0.1) }
                }
                let first = try await desk.get("/console/vouchers")
                #expect(shown(first) == Array(numbers.prefix(50)))
                #expect(first.text.contains("5,000,000.00"))
                #expect(first.text.contains(#"<span class="chip good">Registered</span>"#))
                #expect(first.text.contains("/console/claims?voucher_no=\(numbers[0])\""))
                let next = try #require(first.text.firstMatch(of: /href="([^"]+)" rel="next"/))
                #expect(shown(try await desk.get(String(next.1))) == Array(numbers.suffix(1)))
            }
        }
    }

    @Test("a voucher leads to its own claims, not to those of one whose number begins with its own")
    func claimsOfVoucher() async throws {
        let city = try await federation.city()
        let other = "\(city.voucher)0"
        try await city.served { daemon in
            let imported = try await city.importVouchers(ClaimFile.voucher(other))
            try #require(imported.status == 0, "\(imported.errors)")
            try await city.file([
                ClaimFile.distinctRow(1, of: city), ClaimFile.distinctRow(2, of: city, ["voucher_no": other]),
            ])
            try await OfficerDesk.with(city, daemon) { desk in
                for (voucher, own, strange) in [(city.voucher, 1, 2), (other, 2, 1)] {
                    let page = try await desk.get("/console/claims?voucher_no=\(voucher)").text
                    #expect(page.contains(">\(city.claim(own))</a>") && !page.contains(">\(city.claim(strange))</a>"))
                    #expect(page.contains("name=\"voucher_no\" value=\"\(voucher)\""))
                }
            }
        }
    }

    @Test("the new pages can be read, heard and walked through by keyboard", arguments: ["zh-CN", "en"])
    func accessible(language: String) async throws {
        let city = try await federation.city()
        try await city.served { daemon in
            try await city.file([ClaimFile.distinctRow(1, of: city)])
            try await city.does(["payment", "request", city.claim(1)])
            try await ConsoleVisitor.with(daemon.url, token: try city.apiToken(), language: language) { visitor in
                for path in ["/vouchers", "/red-letters", "/payments", "/claims/\(city.claim(1))/payment"] {
                    try await visitor.open("/console\(path)")
                    try await visitor.expectAccessible(path)
                }
            }
        }
    }
}
