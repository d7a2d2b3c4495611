import AsyncHTTPClient
import Foundation
import NIOCore
import NIOHTTP1
import VoucherDomain

/// The back offices of all cities, and their bank: they file, also one invoice in two cities at once, ask for payment and
/// pay. What was not answered they ask again, under the same key, until it is.
///
/// They know nothing but what the local APIs say.
struct Officers: Sendable {
    let cities: [String]
    private let client: HTTPClient
    private let directory: @Sendable (String) -> String
    private var generator: ClaimGenerator
    private var serial = 0
    private var unanswered: [Filing] = []
    private var bank = Bank()
    private(set) var repeated = 0
    /// Filings that a node turned away because its disk was full.
    private(set) var turnedAwayForSpace = 0
    var history = ClientHistory()

    /// - Parameter directory: The node's directory, by city.
    init(cities: [String], client: HTTPClient, seed: UInt64, directory: @escaping @Sendable (String) -> String) {
        self.cities = cities
        self.client = client
        self.directory = directory
        generator = ClaimGenerator(seed: seed, cities: cities.compactMap { CityCode($0) }, enterprises: 4)
    }

    private func door(_ city: String) -> LocalDoor { LocalDoor(client: client, directory: directory(city)) }

    // MARK: Filing

    private struct Filing: Sendable {
        let content: ClaimContent
        let body: Data
        /// The same however often it is sent.
        let key: String

        init(city: String, fields: [String: String]) throws {
            var object: [String: Any] = fields.filter { !$0.key.hasPrefix("invoice_") && !$0.value.isEmpty }
            object["card_hours"] = fields["card_hours"].flatMap { Int($0) }
            object["invoices"] = [
                ["number": fields["invoice_numbers"] ?? "", "amount_yuan": fields["invoice_amounts_yuan"] ?? ""]
            ]
            body = try JSONSerialization.data(withJSONObject: object, options: [.sortedKeys])
            content = ClaimContent(
                city_code: city, claim_no: fields["claim_no"] ?? "", enterprise_uscc: fields["enterprise_uscc"] ?? "",
                provider_uscc: fields["provider_uscc"] ?? "", contract_no: fields["contract_no"] ?? "",
                invoices: [fields["invoice_numbers"] ?? ""], claimed_yuan: fields["claimed_yuan"] ?? "")
            key = "filing-\(content.name)"
        }
    }

    /// Issues, in every city, a voucher for every company there is: one invoice can then be claimed in any of them.
    func issueVouchers() async throws {
        for issuer in cities.compactMap({ CityCode($0) }) {
            for voucher in cities.compactMap({ CityCode($0) }).flatMap({ generator.vouchers(city: $0) }) {
                var fields = VoucherForm(voucher).fields
                fields["voucher_no"] = Officers.voucher(of: voucher.enterprise.rawValue, in: issuer.description)
                let body = try JSONSerialization.data(withJSONObject: fields)
                let answer = await door(issuer.description).send(.POST, "/v1/vouchers", body)
                guard answer?.status == 201 else {
                    throw Federation.Failure(message: "no voucher in \(issuer): \(answer?.detail ?? "no answer")")
                }
            }
        }
    }

    private static func voucher(of enterprise: String, in city: String) -> String { "\(city)-\(enterprise)" }

    /// Files a claim of its own in one city, and one on the very same invoice in two others, all at once.
    mutating func file() async throws {
        serial += 1
        let (alone, one, other) = (cities[serial % 3], cities[(serial + 1) % 3], cities[(serial + 2) % 3])
        let single = try makeFields(alone)
        let shared = try makeFields(one)
        var copy = shared
        copy["claim_no"] = "\(other)-D\(serial)"
        copy["voucher_no"] = Officers.voucher(of: shared["enterprise_uscc"] ?? "", in: other)
        await send([
            try Filing(city: alone, fields: single), try Filing(city: one, fields: shared),
            try Filing(city: other, fields: copy),
        ])
    }

    private mutating func makeFields(_ city: String) throws -> [String: String] {
        guard let code = CityCode(city), let claim = generator.claim(city: code) else {
            throw Federation.Failure(message: "no claim can be made for \(city)")
        }
        var fields = ClaimForm(claim).fields
        fields["voucher_no"] = Officers.voucher(of: claim.enterprise.rawValue, in: city)
        return fields
    }

    /// Asks again what was not answered.
    ///
    /// - Returns: Whether everything is answered now.
    mutating func askAgain() async -> Bool {
        let filings = unanswered
        unanswered = []
        repeated += filings.count
        await send(filings)
        return unanswered.isEmpty
    }

    private mutating func send(_ filings: [Filing]) async {
        for filing in filings { history.add(.asked(claim: filing.content)) }
        let doors = filings.map { door($0.content.city_code) }
        let answers = await withTaskGroup(of: (Int, LocalDoor.Answer?).self) { group in
            for (index, filing) in filings.enumerated() {
                group.addTask {
                    (index, await doors[index].send(.POST, "/v1/claims", filing.body, key: filing.key))
                }
            }
            return await group.reduce(into: [Int: LocalDoor.Answer]()) { $0[$1.0] = $1.1 }
        }
        for (index, filing) in filings.enumerated() {
            switch answers[index] {
            case let answer? where [200, 201].contains(answer.status):
                // What the node says that it has recorded, not what it was asked to.
                if let shown = answer.value(ShownClaim.self) {
                    history.add(.recorded(claim: shown.content))
                } else {
                    history.add(.turnedDown(claim: filing.content, status: answer.status, detail: answer.detail))
                }
            case let answer? where answer.status < 500:
                history.add(.turnedDown(claim: filing.content, status: answer.status, detail: answer.detail))
            case let answer:
                if answer?.status == 507 { turnedAwayForSpace += 1 }
                unanswered.append(filing)
            }
        }
    }

    // MARK: Paying

    /// Takes every payment one step further where its city's node allows it, and asks for one more in each city.
    mutating func pay() async {
        for city in cities {
            let claims = await self.claims(of: city) ?? []
            let isAsking = claims.contains { ["asked", "requested"].contains($0.payment?.stage) }
            if !isAsking, let next = claims.first(where: { $0.state == "reserved" && $0.payment == nil }) {
                _ = await act(on: next, "payment-request")
            }
            for claim in claims where ["released", "submitted"].contains(claim.payment?.stage) {
                await submit(claim)
            }
        }
    }

    private mutating func submit(_ claim: ShownClaim) async {
        guard let answer = await act(on: claim, "payment-submission"), answer.status == 200,
            let payment = answer.value(ShownClaim.self)?.payment, let reference = payment.reference,
            let amount = payment.amount_yuan
        else { return }
        history.add(.paid(claim: claim.name, reference: reference, amount_yuan: amount))
        let transaction = bank.pay(reference)
        let confirmation = ["transaction": transaction, "amount_yuan": amount, "paid_on": "2026-07-01"]
        _ = await act(on: claim, "payment-confirmation", (try? JSONEncoder().encode(confirmation)) ?? Data())
    }

    private func act(on claim: ShownClaim, _ what: String, _ body: Data = Data("{}".utf8)) async -> LocalDoor.Answer? {
        await door(claim.city_code).send(.POST, "/v1/claims/\(claim.claim_no)/\(what)", body)
    }

    /// Pays a reference once, however often it is asked.
    private struct Bank {
        private var transactions: [String: String] = [:]

        /// - Returns: The bank's own number of the transaction.
        mutating func pay(_ reference: String) -> String {
            let transaction = transactions[reference] ?? "T\(transactions.count + 1)"
            transactions[reference] = transaction
            return transaction
        }
    }

    // MARK: Looking

    /// Every claim that a city's node shows; `nil` when it does not answer.
    func claims(of city: String) async -> [ShownClaim]? {
        struct Page: Decodable {
            let items: [ShownClaim]
            let next: String?
        }
        var claims: [ShownClaim] = []
        var next: String? = "0"
        while let after = next {
            let answer = await door(city).send(.GET, "/v1/claims?limit=1000&after=\(after)", limit: .seconds(20))
            guard let page = answer?.value(Page.self) else { return nil }
            claims += page.items
            next = page.next
        }
        return claims
    }

    /// Where a city's replication stands.
    struct Standing: Decodable, Hashable {
        let unsent: UInt64
        let undecided: Int
        let connected: Bool
        let last_error: String?
    }

    func standing(of city: String) async -> Standing? {
        await door(city).send(.GET, "/v1/sync")?.value(Standing.self)
    }
}
