import Arbitration
import CityStore
import FederationHTTP
import FederationWire
import Foundation
import HTTPTypes
import Hummingbird
import Replication
import VoucherDomain
import WebConsole

/// What an officer tells of the bank, and of invoices that were taken back: what the API takes, in forms.
extension NodeConsole {
    /// What the bank has done with a payment.
    enum BankWord: String, CaseIterable {
        case confirmation, failure, reversal

        /// What kind of entry says it.
        var kind: EntryKind {
            switch self {
            case .confirmation: .paymentConfirmed
            case .failure: .paymentFailed
            case .reversal: .paymentReversed
            }
        }

        /// Whether anything that the bank has done waits for the registry's answer: then what was said last does.
        static func isWaiting(in payment: CityStore.PaymentView) -> Bool {
            allCases.contains { $0.kind == payment.pendingKind }
        }

        /// The stages of a payment that it can come to.
        var stages: Set<String> {
            switch self {
            case .confirmation: ["released", "submitted"]
            case .failure: ["authorized", "released", "submitted"]
            case .reversal: ["paid"]
            }
        }

        var fields: [String] {
            switch self {
            case .confirmation: ["transaction", "amount_yuan", "paid_on"]
            case .failure: ["reason"]
            case .reversal: ["transaction", "amount_yuan", "paid_on", "reason"]
            }
        }
    }

    func addBank(to group: RouterGroup<NodeContext>) {
        group.get("claims/{claim_no}/payment") { request, context in
            let number = try NodeRoutes.number(context)
            return try await page(request) { try bankPage(number, $0) }
        }
        for word in BankWord.allCases {
            group.post("claims/{claim_no}/payment-\(word.rawValue)") { request, context in
                let number = try NodeRoutes.number(context)
                return try await act(request) { form, visit in try tell(word, ofClaim: number, form, visit) }
            }
        }
        group.get("red-letters") { request, _ in try await page(request) { try redLetters(request, $0) } }
        group.post("red-letters") { request, _ in
            try await act(request) { form, visit in try tellRedLetter(request, form, visit) }
        }
    }

    // MARK: The bank's answer

    private func tell(
        _ word: BankWord, ofClaim number: String, _ form: ConsoleForm, _ visit: Visit
    ) throws -> Response {
        try routes.requireWritable()
        var typed = typedFields(form, visit)
        guard let step = step(word, &typed) else { return try bankPage(number, typed: (word, typed), visit) }
        do {
            try store.take(step, ofClaim: number, onlyIfAnswered: true, now: WallClock.now)
        } catch let refusal as StoreRefusal where refusal.isOfWhatWasTyped {
            typed.fault = said(refusal.message, visit)
            return try bankPage(number, typed: (word, typed), visit)
        }
        routes.ring()
        return ConsolePages.redirect(to: "\(path(number))/payment")
    }

    /// - Returns: `nil` where a field is wrong, which is noted.
    private func step(_ word: BankWord, _ typed: inout TypedFields) -> CityStore.PaymentStep? {
        switch word {
        case .confirmation:
            guard let record = bankRecord(&typed) else { return nil }
            return .confirm(record)
        case .failure:
            let names = PaymentAct.Failure.allCases.map { ($0.name, $0) }
            let failure = typed.choice("failure", of: Dictionary(uniqueKeysWithValues: names))
            let reason = typed.line("reason", atMost: 500, missing: "reasonMissing")
            guard let failure, let reason else { return nil }
            return .fail(failure, reason: reason)
        case .reversal:
            let record = bankRecord(&typed)
            let reason = typed.line("reason", atMost: 500, missing: "reasonMissing")
            guard let record, let reason else { return nil }
            return .reverse(record, reason: reason)
        }
    }

    private func bankRecord(_ typed: inout TypedFields) -> PaymentAct.BankRecord? {
        let transaction = typed.line("transaction", atMost: 64)
        let amount = typed.amount("amount_yuan")
        let day = typed.day("paid_on")
        guard let transaction, let amount, let day else { return nil }
        return PaymentAct.BankRecord(transaction: transaction, amount: amount, day: day)
    }

    /// A payment with a form for each thing that the bank may have done, and what was told of it and waits.
    ///
    /// - Parameter typed: What was typed and not taken.
    private func bankPage(
        _ number: String, typed: (word: BankWord, fields: TypedFields)? = nil, _ visit: Visit
    ) throws -> Response {
        guard let payment = try store.payment(ofClaim: number) else {
            throw Problem(.notFound, "not-found", text("noPayment", visit))
        }
        let pending = payment.pendingKind == nil ? [] : try store.pendingKinds(ofClaim: number)
        let waiting = BankWord.allCases.filter { pending.contains($0.kind) }
        let words = BankWord.allCases.filter {
            $0.stages.contains(payment.stage) && !waiting.contains($0) || $0 == typed?.word
        }
        var values = self.payment(payment, visit)
        values["number"] = number
        values["path"] = path(number)
        values["waiting"] = waiting.map { ["said": text("bankSaid_\($0.rawValue)", visit)] }
        values["has_forms"] = !words.isEmpty
        values["forms"] = words.map { word -> [String: Any] in
            let fields = typed.flatMap { $0.word == word ? $0.fields : nil }
            var form = self.form(
                word.rawValue, sentTo: "\(path(number))/payment-\(word.rawValue)", word.fields, fields, visit)
            form["title"] = text("bank_\(word.rawValue)", visit)
            form["help"] = text("bankHelp_\(word.rawValue)", visit)
            let choices = word == .failure ? PaymentAct.Failure.allCases : []
            form["has_choices"] = !choices.isEmpty
            form["choices"] = choices.map { choice -> [String: Any] in
                [
                    "value": choice.name, "text": text("failure_\(choice.name)", visit),
                    "is_chosen": fields?.form.text("failure") == choice.name,
                ]
            }
            form["choice_fault"] = fields?.faults["failure"] ?? ""
            form["has_choice_fault"] = fields?.faults["failure"] != nil
            return form
        }
        let status: HTTPResponse.Status =
            if let typed { waiting.contains(typed.word) ? .conflict : .unprocessableContent } else { .ok }
        return try pages.page(
            "payment", title: "bankAnswer", frame(visit, answersForm: typed != nil), values, status: status)
    }

    // MARK: Red letters

    private static let redLetterFields = ["invoice", "red_letter", "amount_yuan", "reversed_on"]

    private func tellRedLetter(_ request: Request, _ form: ConsoleForm, _ visit: Visit) throws -> Response {
        try routes.requireWritable()
        var typed = typedFields(form, visit)
        let invoice = typed.invoice("invoice")
        let number = typed.invoice("red_letter")
        let amount = typed.amount("amount_yuan")
        let day = typed.day("reversed_on")
        guard let invoice, let number, let amount, let day else { return try redLetters(request, typed: typed, visit) }
        do {
            let letter = RedLetter(invoice: invoice, number: number, amount: amount, issuedOn: day)
            try store.record(letter, now: WallClock.now)
        } catch let refusal as StoreRefusal where refusal.isOfWhatWasTyped {
            typed.fault = said(refusal.message, visit)
            return try redLetters(request, typed: typed, visit)
        }
        routes.ring()
        return ConsolePages.redirect(to: "/console/red-letters")
    }

    /// Those that were told, the newest first, with the form for another one.
    private func redLetters(
        _ request: Request, typed: TypedFields? = nil, _ visit: Visit
    ) throws -> Response {
        let after = try request.number("after", default: 0, in: 0...Int64.max)
        let views = try store.redLetters(after: after, isNewestFirst: true, limit: NodeConsole.pageRows)
        var form = self.form("letter", sentTo: "/console/red-letters", NodeConsole.redLetterFields, typed, visit)
        form["title"] = text("tellRedLetter", visit)
        form["help"] = text("redLetterHelp", visit)
        form["has_choices"] = false
        return try pages.page(
            "redletters", title: "redLetters", frame(visit, answersForm: typed != nil),
            [
                "forms": [form],
                "rows": views.map { view -> [String: Any] in
                    [
                        "invoice": view.letter.invoice.text, "number": view.letter.number.text,
                        "money": view.letter.amount.grouped, "day": view.letter.issuedOn.iso8601,
                        "problem": view.problem.map { said($0, visit) } ?? "", "is_waiting": view.isPending,
                    ]
                }, "is_empty": views.isEmpty, "has_next": views.count == NodeConsole.pageRows,
                "next": "/console/red-letters?after=\(views.last?.id ?? 0)",
            ], status: typed == nil ? .ok : .unprocessableContent)
    }

    // MARK: Forms

    /// What answers a form is not looked up again under its address.
    private func frame(_ visit: Visit, answersForm: Bool) -> ConsolePages.Frame {
        var frame = visit.frame
        frame.isLive = !answersForm
        frame.maySwitchLanguage = !answersForm
        return frame
    }

    private func typedFields(_ form: ConsoleForm, _ visit: Visit) -> TypedFields {
        TypedFields(form, word: { text($0, visit) }, said: { said($0, visit) })
    }

    /// What the template `entry` is rendered with: compulsory fields, with what was typed and what is wrong with it.
    ///
    /// - Parameter id: Of the form on its page.
    private func form(
        _ id: String, sentTo action: String, _ fields: [String], _ typed: TypedFields?, _ visit: Visit
    ) -> [String: Any] {
        [
            "form_id": id, "action": action, "fault": typed?.fault ?? "", "has_fault": typed?.fault != nil,
            "entries": fields.map { name -> [String: Any] in
                let fault = typed?.faults[name]
                return [
                    "field": name, "field_id": "\(id)-\(name)", "name": text("field_\(name)", visit),
                    "value": typed?.form.text(name) ?? "", "problem": fault ?? "", "has_problem": fault != nil,
                    "hint": name.hasSuffix("_on") ? "2026-06-01" : name.hasSuffix("_yuan") ? "12345.00" : "",
                ]
            },
        ]
    }
}

extension StoreRefusal {
    /// Whether whoever typed it can do something about it.
    fileprivate var isOfWhatWasTyped: Bool { code == .conflict || code == .invalid }
}
