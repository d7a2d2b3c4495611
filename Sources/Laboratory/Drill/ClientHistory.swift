import Foundation

/// What the clients of a federation asked for, were told and were shown, in the order in which it came to them.
///
/// Everything in it is from public documents: answers of local APIs and what commands print. Written as one JSON line each.
struct ClientHistory: Sendable {
    enum Observation: Codable, Hashable, Sendable {
        /// From here on things go wrong in this way.
        case began(fault: String)
        /// An officer asked for a claim to be recorded, perhaps for the second time.
        case asked(claim: ClaimContent)
        /// The city's node said that it is recorded.
        case recorded(claim: ClaimContent)
        /// The city's node would not take a claim that is in order.
        case turnedDown(claim: ClaimContent, status: Int, detail: String)
        /// The bank was asked to pay, after the city's node had said that it may be.
        case paid(claim: String, reference: String, amount_yuan: String)
        /// All claims that a city's node or the registry shows, when all was quiet.
        case shown(by: String, claims: [ShownClaim])
        /// Where a city's replication stood when it was looked at; `nil` when nobody answered.
        case standing(city: String, unsent: UInt64?, undecided: Int?)
        /// What an audit said.
        case audited(what: String, agrees: Bool, said: String)
        /// Whether the fault really occurred.
        case ended(fault: String, occurred: Bool)
    }

    private(set) var observations: [Observation] = []

    mutating func add(_ observation: Observation) { observations.append(observation) }

    /// One JSON object a line.
    var lines: Data {
        get throws {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
            var data = Data()
            for observation in observations {
                data += try encoder.encode(observation)
                data.append(UInt8(ascii: "\n"))
            }
            return data
        }
    }

    init() {}

    /// Reads what ``lines`` wrote.
    init(lines: Data) throws {
        let decoder = JSONDecoder()
        observations = try lines.split(separator: UInt8(ascii: "\n")).map {
            try decoder.decode(Observation.self, from: Data($0))
        }
    }
}

/// What a claim says, as far as it matters here.
struct ClaimContent: Codable, Hashable, Sendable {
    let city_code: String
    let claim_no: String
    let enterprise_uscc: String
    let provider_uscc: String
    let contract_no: String
    let invoices: [String]
    let claimed_yuan: String

    /// `CITY/CLAIM_NO`.
    var name: String { "\(city_code)/\(claim_no)" }
}

/// A claim's document, as both programs show it.
struct ShownClaim: Codable, Hashable, Sendable {
    struct Invoice: Codable, Hashable, Sendable { let number: String }
    struct Blocker: Codable, Hashable, Sendable {
        let city_code: String
        let claim_no: String

        var name: String { "\(city_code)/\(claim_no)" }
    }
    struct Reason: Codable, Hashable, Sendable {
        let rule: String
        let outcome: String
        let blocking: [Blocker]
    }
    struct Receipt: Codable, Hashable, Sendable { let id: String }
    struct Position: Codable, Hashable, Sendable { let position: UInt64 }
    struct Payment: Codable, Hashable, Sendable {
        let stage: String
        let reference: String?
        let amount_yuan: String?
    }

    let city_code: String
    let claim_no: String
    let enterprise_uscc: String
    let provider_uscc: String
    let contract_no: String
    let invoices: [Invoice]
    let claimed_yuan: String
    let state: String
    let reasons: [Reason]
    let receipt: Receipt?
    let position: Position?
    let payment: Payment?

    var content: ClaimContent {
        ClaimContent(
            city_code: city_code, claim_no: claim_no, enterprise_uscc: enterprise_uscc, provider_uscc: provider_uscc,
            contract_no: contract_no, invoices: invoices.map(\.number), claimed_yuan: claimed_yuan)
    }

    var name: String { content.name }

    /// Whether it keeps others from its invoices.
    var holdsKeys: Bool { ["reserved", "held", "authorized", "paid"].contains(state) }
}
