/// Duplicates and oddities that only detectors find, each made so that no rule on keys stops it first.
extension GroupBuilder {
    /// One invoice under its 20 digits here and as code and number there, nowhere both.
    mutating func invoiceAlias() {
        let (places, provider, slot) = (someCities(2), poolProvider(), firstSlot(of: 2))
        let buyer = makeCompany(in: places[0])
        let first = makeClaim(on: makeVoucher(for: buyer, in: places[0]), from: provider, slot: slot)
        var second = makeClaim(
            on: makeVoucher(for: buyer, in: places[1]), from: provider, slot: slot + 1, amount: first.contractFen)
        second.invoices[0].number = "\(identifiers.paperCode()):\(first.invoices[0].number.suffix(8))"
        second.invoices[0].date = random.chance(oneIn: 2) ? nil : first.invoices[0].date
        file(first)
        file(second)
    }

    /// Three or four contracts of one pair, each up to 5 % under 500,000 yuan, in one city or two.
    mutating func splitContracts() {
        let count = random.within(Pattern.splitContracts.size)
        let places = random.chance(oneIn: 3) ? someCities(2) : [aCity()]
        let (buyer, provider, slot) = (makeCompany(in: places[0]), poolProvider(), firstSlot(of: count))
        let vouchers = places.map { makeVoucher(for: buyer, in: $0, atLeast: 200_000_000) }
        for index in 0..<count {
            let fen = Int64(random.within(476_000...499_900)) * 100
            file(makeClaim(on: vouchers[index % vouchers.count], from: provider, slot: slot + index, amount: fen))
        }
    }

    /// Makes two companies share something of the ownership file.
    ///
    /// - Parameter kind: From 0: representative, controller, address, phone, head office, bank account.
    private mutating func relate(_ one: inout GeneratedCompany, to other: inout GeneratedCompany, kind: Int) {
        switch kind {
        case 0: one.representative = other.representative
        case 1:
            other.controller = CompanyNames.person(identifiers.next(), &random)
            one.controller = other.controller
        case 2: one.address = other.address
        case 3: one.phone = other.phone
        case 4: one.headOffice = other.code
        default: one.account = other.account
        }
    }

    /// A buyer and a supplier that belong together.
    mutating func relatedParties() {
        let city = aCity()
        var buyer = makeCompany(in: city)
        var provider = makeCompany(in: aCity(), name: CompanyNames.provider(&random))
        relate(&buyer, to: &provider, kind: random.below(6))
        list(buyer)
        list(provider)
        listAsProvider(provider)
        file(makeClaim(on: makeVoucher(for: buyer, in: city), from: provider))
    }

    /// Two related buyers that claim the same line of work, once in four with the same usage proof.
    mutating func sharedWorkload() {
        let (places, provider) = (someCities(2), poolProvider())
        var (buyer, other) = (makeCompany(in: places[0]), makeCompany(in: places[1]))
        // Without the bank account: that alone would hold both claims under `wrong-name`.
        relate(&buyer, to: &other, kind: random.below(5))
        list(buyer)
        list(other)
        var first = makeClaim(on: makeVoucher(for: buyer, in: places[0]), from: provider)
        first.cardHours = cardHours(first.invoicedFen, resourceClass: first.resourceClass)
        var second = makeClaim(
            on: makeVoucher(for: other, in: places[1]), from: provider, amount: first.contractFen)
        second.copyLine(of: first)
        if random.chance(oneIn: 4) { second.usageProof = first.usageProof }
        file(first)
        file(second)
    }

    /// One company, or a branch and its head office, in two cities.
    mutating func movedCompany() {
        let (places, providers) = (someCities(2), poolProviders(2))
        let first = makeCompany(in: places[0], isListed: true)
        var second = first
        if random.chance(oneIn: 2) {
            let name = first.name + cities[places[1]].name + "分公司"
            second = makeCompany(in: places[1], name: name)
            second.headOffice = first.code
            list(second)
        }
        file(makeClaim(on: makeVoucher(for: first, in: places[0]), from: providers[0]))
        file(makeClaim(on: makeVoucher(for: second, in: places[1]), from: providers[1]))
    }

    /// One invoice with a slip in its number, or one contract with a slip before its trailing digits.
    mutating func typoVariant() {
        let (places, provider, slot) = (someCities(2), poolProvider(), firstSlot(of: 2))
        let buyer = makeCompany(in: places[0])
        let kind = random.below(5)
        var first = makeClaim(on: makeVoucher(for: buyer, in: places[0]), from: provider, slot: slot)
        // Up to 0.8 % apart, within the 1 % of the rule.
        let difference = random.chance(oneIn: 2) ? 0 : first.contractFen / 1_000 * Int64(random.below(9))
        let isContract = kind == 4
        var second = makeClaim(
            on: makeVoucher(for: buyer, in: places[1]), from: provider, slot: slot + 1,
            amount: isContract ? first.contractFen : first.contractFen + difference)
        if isContract {
            let (year, number) = (2026, Identifiers.padded(identifiers.next(), 6))
            let letters = random.choose([("SLA", "SLB"), ("GPU", "GPN"), ("HTC", "HT"), ("CNX", "CXN")])
            first.contract = "\(letters.0)-\(year)-\(number)"
            second.contract = "\(letters.1)-\(year)-\(number)"
        } else {
            second.invoices[0].number = slip(first.invoices[0].number, kind: kind)
            if kind == 3 { makeDated(&first, &second) }
        }
        file(first)
        file(second)
    }

    /// An amount that is another by far, and dates within a week.
    private mutating func makeDated(_ first: inout GeneratedClaim, _ second: inout GeneratedClaim) {
        first.invoices[0].date = first.until - 1
        second.invoices[0].date = first.until - 1 - Int32(random.below(8))
        second.invoices[0].fen = first.contractFen / 100 * Int64(random.within(70...90))
    }

    /// - Parameter kind: 1 swaps two neighbours where they differ, 2 replaces two digits, any other one digit.
    private mutating func slip(_ number: String, kind: Int) -> String {
        var digits = Array(number.utf8)
        // The year in front and the last two digits stay: there a difference may be a renewal or a sequence.
        let middle = random.within(5...14)
        if kind == 1, let swap = (middle..<17).first(where: { digits[$0] != digits[$0 + 1] }) {
            digits.swapAt(swap, swap + 1)
        } else {
            replace(&digits[middle])
            if kind == 2 { replace(&digits[random.chance(oneIn: 2) ? middle + 3 : middle - 2]) }
        }
        return String(decoding: digits, as: UTF8.self)
    }

    /// Puts another digit in the place of one.
    private mutating func replace(_ digit: inout UInt8) {
        digit = 0x30 + (digit - 0x30 + UInt8(random.within(1...9))) % 10
    }

    /// A listed code with the name of another listed company.
    mutating func wrongName() {
        let city = aCity()
        let buyer = makeCompany(in: city, isListed: true)
        let other = makeCompany(in: aCity(), name: CompanyNames.other(than: buyer.name, &random), isListed: true)
        var claim = makeClaim(on: makeVoucher(for: buyer, in: city), from: poolProvider())
        claim.enterpriseName = other.name
        file(claim)
    }

    /// One invoice, filed where the voucher does not cover it and in another city where one does.
    mutating func forumShopping() {
        let (places, provider) = (someCities(2), poolProvider())
        let buyer = makeCompany(in: places[0])
        let slot = random.within(4...11)
        let narrow = makeVoucher(for: buyer, in: places[0], until: Day.first(of: 2026) + Int32(slot * 30 - 20))
        let refused = makeClaim(on: narrow, from: provider, slot: slot)
        var tried = refused
        tried.city = places[1]
        tried.voucher = makeVoucher(for: buyer, in: places[1]).number
        if random.chance(oneIn: 2) { tried.contract = identifiers.contract(year: 2026) }
        tried.bankReceipt = identifiers.bankReceipt()
        tried.usageProof = random.digest()
        file(refused, outcome: "refused")
        file(tried)
    }

    /// Card-hours at three to six times the usual price.
    mutating func priceOutlier(city: Int, resourceClass: Int) {
        let voucher = makeVoucher(for: makeCompany(in: city), in: city)
        var claim = makeClaim(on: voucher, from: poolProvider())
        claim.resourceClass = resourceClass
        let usual = cardHours(claim.invoicedFen, resourceClass: resourceClass)
        claim.cardHours = max(1, usual / Int64(random.within(3...6)))
        file(claim, outcome: "reserved")
    }

    /// A supplier that the national list does not have, or once in four not on that day.
    mutating func unlistedProvider() {
        let city = aCity()
        let provider = makeCompany(in: aCity(), name: CompanyNames.provider(&random), isListed: true)
        if random.chance(oneIn: 4) {
            let isOver = random.chance(oneIn: 2)
            listAsProvider(
                provider, from: isOver ? nil : Day.first(of: 2027), until: isOver ? Day.first(of: 2026) : nil)
        }
        let voucher = makeVoucher(for: makeCompany(in: city), in: city)
        file(makeClaim(on: voucher, from: provider), outcome: "reserved")
    }
}
