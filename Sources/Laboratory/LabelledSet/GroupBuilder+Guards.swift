/// Claims that must all be reserved: clean ones, and those that resemble a duplicate and are none.
extension GroupBuilder {
    /// One claim, unlike any other; once in ten of a company that the ownership file lists.
    mutating func clean() {
        let city = aCity()
        let buyer = makeCompany(in: city, isListed: random.chance(oneIn: 10))
        let voucher = makeVoucher(for: buyer, in: city)
        var claim = makeClaim(on: voucher, from: poolProvider())
        switch random.below(10) {
        case 0, 1:
            let half = claim.contractFen / 200 * 100
            let second = GeneratedInvoice(
                number: identifiers.invoice(year: 2026), fen: claim.contractFen - half, date: claim.invoices[0].date)
            claim.invoices[0].fen = half
            claim.invoices.append(second)
        case 2: claim.invoices[0].number = identifiers.paperInvoice()
        case 3: claim.invoices[0].number += "=" + identifiers.paperInvoice()
        case 4, 5: claim.contractFen += amount()
        default: break
        }
        file(claim)
    }

    /// One invoice, two cities that fund it together and say so.
    mutating func guardCofunding() {
        let places = someCities(2)
        let buyer = makeCompany(in: places[0], isListed: random.chance(oneIn: 2))
        let provider = poolProvider()
        var first = makeClaim(on: makeVoucher(for: buyer, in: places[0]), from: provider)
        first.cofundingGroup = "CF-2026-\(identifiers.next())"
        first.cardHours = cardHours(first.invoicedFen, resourceClass: first.resourceClass)
        var second = first
        second.voucher = makeVoucher(for: buyer, in: places[1]).number
        second.city = places[1]
        second.usageProof = random.digest()
        if random.chance(oneIn: 2) { second.bankReceipt = identifiers.bankReceipt() }
        file(first)
        file(second)
    }

    /// An invoice a month on one contract in one city; half of them in sequence and of one amount.
    mutating func guardFrameworkContract() {
        let (city, count) = (aCity(), random.within(Pattern.guardFrameworkContract.size))
        let buyer = makeCompany(in: city, isListed: random.chance(oneIn: 10))
        let amounts = random.chance(oneIn: 2) ? [Int64](repeating: monthlyAmount(), count: count) : nil
        let fen = amounts ?? (0..<count).map { _ in monthlyAmount() }
        let whole = fen.reduce(0, +)
        let voucher = makeVoucher(for: buyer, in: city, atLeast: subsidy(whole, city: city))
        let (provider, slot) = (poolProvider(), firstSlot(of: count))
        let contract = identifiers.contract(year: 2026)
        let numbers = sequence(count)
        for index in 0..<count {
            var claim = makeClaim(on: voucher, from: provider, slot: slot + index, amount: fen[index])
            claim.contract = random.chance(oneIn: 4) ? Identifiers.respelled(contract) : contract
            claim.contractFen = whole
            if amounts != nil { claim.invoices[0].number = numbers[index] }
            file(claim)
        }
    }

    private mutating func monthlyAmount() -> Int64 { Int64(random.within(150_000...300_000)) * 100 }

    /// Invoice numbers that a supplier gives out one after the other.
    private mutating func sequence(_ count: Int) -> [String] {
        let (stem, first) = (identifiers.invoice(year: 2026).dropLast(2), random.below(100 - count))
        return (0..<count).map { stem + Identifiers.padded(first + $0, 2) }
    }

    /// The same pair, service and amount in the next year, under numbers that differ in the year alone.
    mutating func guardRenewalNextYear() {
        let city = aCity()
        let buyer = makeCompany(in: city, isListed: random.chance(oneIn: 10))
        let first = makeClaim(on: makeVoucher(for: buyer, in: city, year: 2025), from: poolProvider(), year: 2025)
        var second = first
        second.voucher = makeVoucher(for: buyer, in: city).number
        second.contract = first.contract.replacing("2025", with: "2026", maxReplacements: 1)
        second.from += 365
        second.until += 365
        second.signedOn += 365
        second.invoices[0].number = "26" + first.invoices[0].number.dropFirst(2)
        second.invoices[0].date = first.invoices[0].date.map { $0 + 365 }
        second.bankReceipt = identifiers.bankReceipt()
        second.usageProof = random.digest()
        file(first)
        file(second)
    }

    /// A supplier that numbers contracts and invoices from 1 again each year, for two buyers.
    mutating func guardNumberingRestart() {
        let (provider, places) = (poolProvider(), someCities(2))
        let number = Identifiers.padded(random.within(1...200), 4)
        let buyers = places.map { makeCompany(in: $0, isListed: random.chance(oneIn: 10)) }
        var first = makeClaim(on: makeVoucher(for: buyers[0], in: places[0], year: 2025), from: provider, year: 2025)
        first.contract = "HT-\(number)"
        first.invoices[0].number = "\(identifiers.paperCode()):0000\(number)"
        let fen = first.contractFen
        var second = makeClaim(on: makeVoucher(for: buyers[1], in: places[1]), from: provider, amount: fen)
        second.contract = first.contract
        second.invoices[0].number = "\(identifiers.paperCode()):0000\(number)"
        // The first buyer again, in the next year: the same number on an invoice book with another code.
        var third = makeClaim(on: makeVoucher(for: buyers[0], in: places[0]), from: provider, amount: fen)
        third.invoices[0].number = "\(identifiers.paperCode()):0000\(number)"
        file(first)
        file(second)
        file(third)
    }

    /// Equal amounts on one day: of one supplier to several buyers, or of one pair under numbers that are far apart.
    mutating func guardEqualAmounts() {
        let (provider, count) = (poolProvider(), random.within(Pattern.guardEqualAmounts.size))
        let (fen, slot) = (amount(), firstSlot(of: count))
        let date = Day.first(of: 2026) + Int32(slot * 30 + random.below(24))
        let isOneBuyer = random.chance(oneIn: 2)
        let places = isOneBuyer ? [Int](repeating: aCity(), count: count) : someCities(count)
        let buyer = makeCompany(in: places[0])
        let numbers = sequence(count)
        for index in 0..<count {
            let own = isOneBuyer || index == 0 ? buyer : makeCompany(in: places[index])
            let voucher = makeVoucher(for: own, in: places[index])
            var claim = makeClaim(on: voucher, from: provider, slot: isOneBuyer ? slot + index : slot, amount: fen)
            claim.invoices[0].date = date
            if !isOneBuyer { claim.invoices[0].number = numbers[index] }
            file(claim)
        }
    }

    /// One pair in one city: a contract a month, contracts and invoices numbered in sequence, one amount.
    mutating func guardSequence() {
        let (city, count) = (aCity(), random.within(Pattern.guardSequence.size))
        let buyer = makeCompany(in: city)
        let (provider, fen, slot) = (poolProvider(), monthlyAmount(), firstSlot(of: count))
        let voucher = makeVoucher(for: buyer, in: city, atLeast: subsidy(fen * Int64(count), city: city))
        let numbers = sequence(count)
        let (year, number) = (identifiers.next(), random.below(90))
        for index in 0..<count {
            var claim = makeClaim(on: voucher, from: provider, slot: slot + index, amount: fen)
            claim.contract = "HT\(year)-\(Identifiers.padded(number + index, 3))"
            claim.invoices[0].number = numbers[index]
            file(claim)
        }
    }

    /// Listed companies under other spellings of their names.
    mutating func guardSpelling() {
        let (city, count) = (aCity(), random.within(Pattern.guardSpelling.size))
        let buyer = makeCompany(in: city, isListed: true)
        let (provider, slot) = (poolProvider(), firstSlot(of: count))
        for index in 0..<count {
            var claim = makeClaim(on: makeVoucher(for: buyer, in: city), from: provider, slot: slot + index)
            claim.enterpriseName = CompanyNames.respelled(buyer.name, &random)
            if random.chance(oneIn: 2) { claim.providerName = CompanyNames.respelled(provider.name, &random) }
            file(claim)
        }
    }

    /// The same line of supplier, class, hours and days, claimed by companies that have nothing to do with each other.
    mutating func guardUnrelatedWorkload() {
        let (provider, count) = (poolProvider(), random.within(Pattern.guardUnrelatedWorkload.size))
        let places = someCities(count)
        var line: GeneratedClaim?
        for place in places {
            let buyer = makeCompany(in: place, isListed: true)
            var claim = makeClaim(on: makeVoucher(for: buyer, in: place), from: provider, amount: line?.contractFen)
            claim.cardHours = cardHours(claim.invoicedFen, resourceClass: claim.resourceClass)
            if let line { claim.copyLine(of: line) }
            line = claim
            file(claim)
        }
    }
}

extension GeneratedClaim {
    /// Takes over what `shared-workload` compares besides the supplier: class, hours and days.
    mutating func copyLine(of other: GeneratedClaim) {
        resourceClass = other.resourceClass
        cardHours = other.cardHours
        from = other.from
        until = other.until
        for index in invoices.indices where invoices[index].date != nil { invoices[index].date = other.until - 1 }
    }
}
