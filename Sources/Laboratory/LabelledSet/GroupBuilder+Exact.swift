/// Duplicates that rules on keys find, each made so that no other rule stops it first.
extension GroupBuilder {
    /// One invoice in two or three cities, as one number or as two names of one invoice; once in five of two buyers.
    mutating func invoiceOnce() {
        let isAlias = random.chance(oneIn: 4)
        let count = isAlias ? 2 : random.within(Pattern.invoiceOnce.size)
        let (places, provider, slot) = (someCities(count), poolProvider(), firstSlot(of: count))
        let buyer = makeCompany(in: places[0])
        let other = random.chance(oneIn: 5) ? makeCompany(in: places[1]) : buyer
        let number = identifiers.invoice(year: 2026)
        let fen = amount()
        for index in 0..<count {
            let voucher = makeVoucher(for: index == 1 ? other : buyer, in: places[index])
            var claim = makeClaim(on: voucher, from: provider, slot: slot + index, amount: fen)
            claim.invoices[0].number = number
            file(claim)
        }
        guard isAlias else { return }
        let paper = identifiers.paperInvoice()
        renameInvoice(ofClaim: 0, to: "\(number)=\(paper)")
        renameInvoice(ofClaim: 1, to: paper)
    }

    /// One contract in two cities with an invoice in each, and once in three a second one in the first city.
    mutating func contractOneCity() {
        let places = someCities(2)
        let (buyer, provider) = (makeCompany(in: places[0]), poolProvider())
        let count = random.chance(oneIn: 3) ? 3 : 2
        let (slot, whole) = (firstSlot(of: count), amount())
        let vouchers = places.map { makeVoucher(for: buyer, in: $0) }
        var contract = identifiers.contract(year: 2026)
        for index in 0..<count {
            let share = whole * Int64(random.within(20...30)) / 10_000 * 100
            var claim = makeClaim(on: vouchers[index % 2], from: provider, slot: slot + index, amount: share)
            claim.contract = contract
            claim.contractFen = whole
            file(claim)
            if random.chance(oneIn: 3) { contract = Identifiers.respelled(contract) }
        }
    }

    /// Four claims on one voucher that pays 45 % and 30 % of itself and has no 30 % left.
    mutating func voucherBalance() {
        let city = aCity()
        let (buyer, provider, slot) = (makeCompany(in: city), poolProvider(), firstSlot(of: 4))
        let hundredth = Int64(random.within(100...200)) * 10_000
        let voucher = makeVoucher(for: buyer, in: city, faceFen: hundredth * 100)
        for (index, share) in [Int64(45), 30, 30, 30].enumerated() {
            let claimed = hundredth * share
            let fen = claimed * 100 / Int64(cities[city].subsidyPercent) / 100 * 100
            var claim = makeClaim(on: voucher, from: provider, slot: slot + index, amount: fen)
            claim.claimedFen = claimed
            file(claim, outcome: index < 2 ? "reserved" : "refused")
        }
    }

    /// Four invoices on one contract that has room for two.
    mutating func invoiceSumWithinContract() {
        let city = aCity()
        let (buyer, provider, slot) = (makeCompany(in: city), poolProvider(), firstSlot(of: 4))
        let eighteenth = Int64(random.within(300...600)) * 10_000
        let voucher = makeVoucher(for: buyer, in: city, atLeast: subsidy(eighteenth * 27, city: city))
        let contract = identifiers.contract(year: 2026)
        for (index, share) in [Int64(7), 6, 7, 7].enumerated() {
            var claim = makeClaim(on: voucher, from: provider, slot: slot + index, amount: eighteenth * share)
            claim.contract = index == 2 ? Identifiers.respelled(contract) : contract
            claim.contractFen = eighteenth * 18
            file(claim, outcome: index < 2 ? "reserved" : "refused")
        }
    }

    /// One invoice that three cities fund together, each with 36 to 48 % of it.
    mutating func stackCap() {
        let places = someCities(3)
        let (buyer, provider) = (makeCompany(in: places[0]), poolProvider())
        let fen = Int64(random.within(800...1_600)) * 100_000
        var claim = makeClaim(on: makeVoucher(for: buyer, in: places[0]), from: provider, amount: fen)
        claim.cofundingGroup = "CF-2026-\(identifiers.next())"
        claim.cardHours = cardHours(fen, resourceClass: claim.resourceClass)
        for (index, place) in places.enumerated() {
            if index > 0 {
                claim.city = place
                claim.voucher = makeVoucher(for: buyer, in: place).number
                claim.bankReceipt = identifiers.bankReceipt()
                claim.usageProof = random.digest()
            }
            claim.claimedFen = fen / 100 * Int64(random.within(36...48))
            file(claim)
        }
        cap(fen)
    }

    /// Seven claims of 1.8 million yuan by one enterprise in one year, of which five stay under 10 million.
    mutating func enterpriseYearCap() {
        let count = Pattern.enterpriseYearCap.size.upperBound
        let (places, providers, slot) = (someCities(count), poolProviders(count), firstSlot(of: count))
        let buyer = makeCompany(in: places[0])
        for index in 0..<count {
            let voucher = makeVoucher(for: buyer, in: places[index], faceFen: 200_000_000)
            var claim = makeClaim(on: voucher, from: providers[index], slot: slot + index, amount: 400_000_000)
            claim.contractFen = 800_000_000
            claim.claimedFen = 180_000_000
            file(claim)
        }
        cap(1_000_000_000)
    }

    /// A service, or the invoice for it, after the voucher's last day.
    mutating func outOfWindow() {
        let (city, lastSlot) = (aCity(), random.within(2...8))
        let end = Day.first(of: 2026) + Int32(lastSlot * 30)
        let voucher = makeVoucher(for: makeCompany(in: city), in: city, until: end)
        var claim = makeClaim(on: voucher, from: poolProvider(), slot: random.within(lastSlot...11))
        switch random.below(3) {
        case 0:
            // It begins within the voucher's dates.
            claim.from = end - Int32(random.within(5...40))
            claim.signedOn = claim.from - 5
            claim.invoices[0].date = nil
        case 1:
            (claim.from, claim.until) = (end - 40, end - 10)
            claim.signedOn = claim.from - 5
            claim.invoices[0].date = end + Int32(random.below(30))
        default: break
        }
        file(claim, outcome: "refused")
    }

    /// Two contracts of one pair for the same accelerators over days that overlap.
    mutating func serviceOverlap() {
        let places = random.chance(oneIn: 4) ? [Int](repeating: aCity(), count: 2) : someCities(2)
        let (buyer, provider) = (makeCompany(in: places[0]), poolProvider())
        let first = makeClaim(on: makeVoucher(for: buyer, in: places[0]), from: provider, slot: random.below(11))
        var second = makeClaim(on: makeVoucher(for: buyer, in: places[1]), from: provider)
        let shift = Int32(random.within(1...20))
        (second.from, second.until) = (first.from + shift, first.until + shift)
        second.invoices[0].date = second.from
        second.resourceClass = first.resourceClass
        file(first)
        file(second)
    }

    /// One bank receipt or one usage proof in two claims.
    mutating func evidenceOnce() {
        let (places, providers, slot) = (someCities(2), poolProviders(2), firstSlot(of: 2))
        let buyer = makeCompany(in: places[0])
        let other = random.chance(oneIn: 3) ? makeCompany(in: places[1]) : buyer
        let first = makeClaim(on: makeVoucher(for: buyer, in: places[0]), from: providers[0], slot: slot)
        var second = makeClaim(on: makeVoucher(for: other, in: places[1]), from: providers[1], slot: slot + 1)
        if random.chance(oneIn: 2) {
            second.usageProof = first.usageProof
        } else {
            second.bankReceipt = first.bankReceipt
        }
        file(first)
        file(second)
    }

    /// Two companies that buy from each other under one contract number.
    mutating func bothSides() {
        let (places, slot) = (someCities(2), firstSlot(of: 2))
        let companies = places.map { makeCompany(in: $0) }
        for company in companies { listAsProvider(company) }
        let first = makeClaim(on: makeVoucher(for: companies[0], in: places[0]), from: companies[1], slot: slot)
        var second = makeClaim(on: makeVoucher(for: companies[1], in: places[1]), from: companies[0], slot: slot + 1)
        second.contract = random.chance(oneIn: 2) ? Identifiers.respelled(first.contract) : first.contract
        file(first)
        file(second)
    }

    /// A row that its own node must not let through.
    mutating func invalid(_ pattern: Pattern) {
        let city = aCity()
        let voucher = makeVoucher(for: makeCompany(in: city), in: city)
        var claim = makeClaim(on: voucher, from: poolProvider())
        switch pattern {
        case .invalidCode:
            let check = claim.enterpriseCode.removeLast()
            claim.enterpriseCode.append(check == "7" ? "8" : "7")
        case .invalidDate: (claim.from, claim.until) = (claim.until, claim.from)
        case .invalidMoney: claim.claimedText = random.choose(["12.345", "0.00", "-5.00", "30000"])
        default: claim.invoices[0].number = String(claim.invoices[0].number.prefix(random.within(11...19)))
        }
        file(claim, outcome: "invalid")
    }
}
