import Foundation

/// A bank that pays a reference at most once, however often it is asked, and whose answers go wrong as they do in life.
struct FakeBank {
    /// How the bank takes the first instruction under a reference.
    enum Manner {
        /// It pays, and the answer is lost.
        case timesOutAfterPaying
        /// It pays, and says so twice.
        case confirmsTwice
        /// It takes the instruction, says nothing, and refuses it for good a week later.
        case refusesAWeekLater
    }

    /// A row of a city's export.
    struct Instruction: Hashable {
        let reference: String
        let amount: String
        let claim: String
    }

    /// Money that went out.
    struct Transfer: Hashable {
        let reference: String
        /// The bank's own number.
        let transaction: String
        let amount: String
        let day: String
    }

    enum Answer: Hashable {
        case paid(Transfer)
        case refused(String)

        /// What was paid, when it was.
        var transfer: Transfer? { if case .paid(let transfer) = self { transfer } else { nil } }
    }

    struct Unreadable: Error { let line: String }

    private(set) var transfers: [Transfer] = []
    private var manners: [String: Manner] = [:]

    /// The columns that the bank reads, and the byte-order mark before them.
    private static let header = "\u{FEFF}bank_reference,amount_yuan,claim_no,"

    /// The rows of a city's export. No field that the bank reads is quoted.
    static func instructions(inFile path: String) throws -> [Instruction] {
        let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
        let lines = text.split(separator: "\r\n").map(String.init)
        guard let first = lines.first, first.hasPrefix(header) else { throw Unreadable(line: lines.first ?? "") }
        return try lines.dropFirst().map { line in
            let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            guard fields.count == 7 else { throw Unreadable(line: line) }
            return Instruction(reference: fields[0], amount: fields[1], claim: fields[2])
        }
    }

    mutating func expect(_ reference: String, _ manner: Manner) { manners[reference] = manner }

    /// Asks the bank to pay, or whether it has paid: it is the same question.
    ///
    /// - Returns: What the caller hears: nothing after a time-out, or while the bank makes up its mind.
    mutating func pay(_ instruction: Instruction) -> [Answer] {
        let reference = instruction.reference
        if let transfer = transfers.first(where: { $0.reference == reference }) {
            return [transfer.amount == instruction.amount ? .paid(transfer) : .refused("paid with another amount")]
        }
        let manner = manners[reference]
        if manner == .refusesAWeekLater { return [] }
        let transfer = Transfer(
            reference: reference, transaction: "YH-\(transfers.count + 1)", amount: instruction.amount,
            day: "2026-02-10")
        transfers.append(transfer)
        switch manner {
        case .timesOutAfterPaying: return []
        case .confirmsTwice: return [.paid(transfer), .paid(transfer)]
        case .refusesAWeekLater, nil: return [.paid(transfer)]
        }
    }

    /// A week passes: what the bank took and will not pay is refused. Its reference may be used again.
    mutating func aWeekLater() -> [String: Answer] {
        let due = manners.filter { $0.value == .refusesAWeekLater }
        for reference in due.keys { manners[reference] = nil }
        return due.mapValues { _ in .refused("the account is closed") }
    }
}
