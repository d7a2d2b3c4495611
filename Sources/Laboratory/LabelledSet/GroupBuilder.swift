import Replication

/// Builds one labelled group after the other: companies, vouchers and claims that are clean unless a pattern makes them
/// otherwise.
///
/// Holds one group and the pool of providers, whatever the size of the set.
struct GroupBuilder {
    let cities: [CityProfile]
    private let weights: [Int]
    var random: SeededGenerator
    var identifiers: Identifiers
    /// Providers that many buyers have in common; all listed.
    private(set) var pool: [GeneratedCompany] = []
    private(set) var group = GeneratedGroup(pattern: .clean)
    private var firstFiling = 0

    init(cities: [CityProfile], seed: UInt64) {
        self.cities = cities
        weights = CityProfile.weights(cities.count)
        random = SeededGenerator(seed: seed)
        identifiers = Identifiers(seed: random.next())
    }

    /// Makes the pool.
    ///
    /// - Returns: A group without claims that lists the providers.
    mutating func makePool(_ count: Int) -> GeneratedGroup {
        group = GeneratedGroup(pattern: .clean)
        pool = (0..<count).map { makeProvider(in: $0 % cities.count) }
        return group
    }

    /// Makes a group.
    ///
    /// - Parameter firstFiling: When its first claim is filed, in seconds after ``Day/firstFiling``.
    mutating func build(_ pattern: Pattern, firstFiling: Int) -> GeneratedGroup {
        group = GeneratedGroup(pattern: pattern)
        self.firstFiling = firstFiling
        makeClaims(pattern)
        return group
    }

    /// Makes a price outlier.
    mutating func buildOutlier(city: Int, resourceClass: Int, firstFiling: Int) -> GeneratedGroup {
        group = GeneratedGroup(pattern: .priceOutlier)
        self.firstFiling = firstFiling
        priceOutlier(city: city, resourceClass: resourceClass)
        return group
    }

    // MARK: Cities

    /// Different cities as far as there are that many.
    mutating func someCities(_ count: Int) -> [Int] {
        var drawn: [Int] = []
        while drawn.count < min(count, cities.count) {
            let city = aCity()
            if !drawn.contains(city) { drawn.append(city) }
        }
        return (0..<count).map { drawn[$0 % drawn.count] }
    }

    mutating func aCity() -> Int { random.index(weights: weights) ?? 0 }

    // MARK: Companies

    /// A company that is related to no other.
    ///
    /// - Parameter isListed: Whether the ownership file has it; else nothing is known of it but its claims.
    mutating func makeCompany(in city: Int, name: String? = nil, isListed: Bool = false) -> GeneratedCompany {
        let (profile, number) = (cities[city], identifiers.next())
        let company = GeneratedCompany(
            code: identifiers.creditCode(region: profile.code), name: name ?? CompanyNames.buyer(&random),
            representative: CompanyNames.person(number, &random),
            controller: random.chance(oneIn: 2) ? "" : CompanyNames.person(identifiers.next(), &random),
            address: "\(profile.name)创新路\(number)号", phone: "13\(Identifiers.padded(number, 9))",
            account: "6222\(Identifiers.padded(number, 15))")
        if isListed { list(company) }
        return company
    }

    /// Puts a company into the ownership file.
    mutating func list(_ company: GeneratedCompany) { group.companies.append(company) }

    /// Puts a company on the national list of compute providers.
    mutating func listAsProvider(_ company: GeneratedCompany, from: Int32? = nil, until: Int32? = nil) {
        var provider = GeneratedProvider(
            code: company.code, name: company.name, listedUntil: until, isStateRun: random.chance(oneIn: 5))
        if let from { provider.listedFrom = from }
        group.providers.append(provider)
    }

    /// A new provider, in both lists.
    mutating func makeProvider(in city: Int) -> GeneratedCompany {
        let company = makeCompany(in: city, name: CompanyNames.provider(&random), isListed: true)
        listAsProvider(company)
        return company
    }

    mutating func poolProvider() -> GeneratedCompany { random.choose(pool) }

    /// Different providers of the pool.
    mutating func poolProviders(_ count: Int) -> [GeneratedCompany] {
        let first = random.below(pool.count)
        return (0..<count).map { pool[(first + $0) % pool.count] }
    }

    // MARK: Vouchers

    /// A voucher of 1 to 2 million yuan for one calendar year, larger where that much is claimed on it.
    ///
    /// - Parameter until: The end of its validity, where it is another than the year's.
    mutating func makeVoucher(
        for enterprise: GeneratedCompany, in city: Int, year: Int = 2026, atLeast fen: Int64 = 0, until: Int32? = nil
    ) -> GeneratedVoucher {
        let tenThousandYuan: Int64 = 1_000_000
        let drawn = Int64(random.within(100...200)) * tenThousandYuan
        let needed = (fen + tenThousandYuan - 1) / tenThousandYuan * tenThousandYuan
        return issue(enterprise, city, year, faceFen: max(drawn, needed), until: until ?? Day.first(of: year + 1))
    }

    /// A voucher worth exactly that much.
    mutating func makeVoucher(for enterprise: GeneratedCompany, in city: Int, faceFen: Int64) -> GeneratedVoucher {
        issue(enterprise, city, 2026, faceFen: faceFen, until: Day.first(of: 2027))
    }

    private mutating func issue(
        _ enterprise: GeneratedCompany, _ city: Int, _ year: Int, faceFen: Int64, until: Int32
    ) -> GeneratedVoucher {
        let programme = random.choose(["算力券", "算力券", "算力券", "训力券", "模型券", "语料券"])
        let voucher = GeneratedVoucher(
            city: city, number: "\(cities[city].code.prefix(4))-\(year)-\(Identifiers.padded(identifiers.next(), 6))",
            programme: programme, enterprise: enterprise, faceFen: faceFen, from: Day.first(of: year), until: until)
        group.vouchers.append(voucher)
        return voucher
    }

    // MARK: Claims

    /// An amount on an invoice, 200,000 to 900,000 yuan, never just under the threshold of `split-contracts`.
    mutating func amount() -> Int64 {
        let drawn = random.below(660_000)
        return Int64(drawn < 270_000 ? 200_000 + drawn : 240_000 + drawn) * 100
    }

    /// The first of that many slots of a year that follow each other; see ``makeClaim(on:from:slot:amount:year:)``.
    mutating func firstSlot(of count: Int) -> Int { random.below(12 - count + 1) }

    /// A clean claim with one invoice, a contract of the same amount, and numbers of its own; not yet filed.
    ///
    /// - Parameter slot: Which of the year's twelve slots of 30 days the service lies in; services in different slots
    ///   never overlap.
    mutating func makeClaim(
        on voucher: GeneratedVoucher, from provider: GeneratedCompany, slot: Int? = nil, amount: Int64? = nil,
        year: Int = 2026
    ) -> GeneratedClaim {
        let start = Day.first(of: year) + Int32((slot ?? random.below(12)) * 30 + random.below(3))
        let until = start + Int32(random.within(24...27))
        let fen = amount ?? self.amount()
        let date = random.chance(oneIn: 4) ? nil : start + Int32(random.below(24))
        return GeneratedClaim(
            city: voucher.city, voucher: voucher.number, enterpriseCode: voucher.enterprise.code,
            enterpriseName: voucher.enterprise.name, providerCode: provider.code, providerName: provider.name,
            contract: identifiers.contract(year: year), contractFen: fen,
            signedOn: start - Int32(random.within(1...20)), from: start, until: until,
            resourceClass: random.index(weights: ResourceClass.all.map(\.share)) ?? 0,
            invoices: [GeneratedInvoice(number: identifiers.invoice(year: year), fen: fen, date: date)],
            bankReceipt: identifiers.bankReceipt(), usageProof: random.digest())
    }

    /// How many card hours an amount buys at a usual price.
    ///
    /// Rounded up, so that the price that comes out is never above the usual ones.
    mutating func cardHours(_ fen: Int64, resourceClass: Int) -> Int64 {
        let price = Int64(random.within(ResourceClass.all[resourceClass].prices))
        return (fen + price - 1) / price
    }

    /// What a city pays of that much, in fen.
    func subsidy(_ fen: Int64, city: Int) -> Int64 { fen * Int64(cities[city].subsidyPercent) / 100 }

    /// Files a claim, some time after the group's one before.
    ///
    /// - Parameter outcome: The label's outcome, where it does not depend on what arrives first.
    mutating func file(_ claim: GeneratedClaim, outcome: String = "") {
        var claim = claim
        claim.number = "\(cities[claim.city].code)-C\(Identifiers.padded(identifiers.next(), 7))"
        claim.filedAt = firstFiling
        firstFiling += random.within(3_600...400_000)
        if claim.cardHours == 0 { claim.cardHours = cardHours(claim.invoicedFen, resourceClass: claim.resourceClass) }
        if claim.claimedFen == 0 { claim.claimedFen = subsidy(claim.invoicedFen, city: claim.city) }
        claim.outcome = group.pattern.expectation == .clean ? "reserved" : outcome
        group.claims.append(claim)
    }

    /// Gives the invoice of a claim that was filed another name.
    mutating func renameInvoice(ofClaim index: Int, to number: String) {
        group.claims[index].invoices[0].number = number
    }

    /// States what the group's cap lets through.
    mutating func cap(_ fen: Int64) { group.capacityFen = fen }
}

extension GroupBuilder {
    private mutating func makeClaims(_ pattern: Pattern) {
        switch pattern {
        case .clean: clean()
        case .guardCofunding: guardCofunding()
        case .guardFrameworkContract: guardFrameworkContract()
        case .guardRenewalNextYear: guardRenewalNextYear()
        case .guardNumberingRestart: guardNumberingRestart()
        case .guardEqualAmounts: guardEqualAmounts()
        case .guardSequence: guardSequence()
        case .guardSpelling: guardSpelling()
        case .guardUnrelatedWorkload: guardUnrelatedWorkload()
        case .invoiceOnce: invoiceOnce()
        case .contractOneCity: contractOneCity()
        case .voucherBalance: voucherBalance()
        case .invoiceSumWithinContract: invoiceSumWithinContract()
        case .stackCap: stackCap()
        case .enterpriseYearCap: enterpriseYearCap()
        case .outOfWindow: outOfWindow()
        case .serviceOverlap: serviceOverlap()
        case .evidenceOnce: evidenceOnce()
        case .bothSides: bothSides()
        case .invalidCode, .invalidDate, .invalidMoney, .invalidInvoice: invalid(pattern)
        case .invoiceAlias: invoiceAlias()
        case .splitContracts: splitContracts()
        case .relatedParties: relatedParties()
        case .sharedWorkload: sharedWorkload()
        case .movedCompany: movedCompany()
        case .typoVariant: typoVariant()
        case .wrongName: wrongName()
        case .forumShopping: forumShopping()
        case .priceOutlier: priceOutlier(city: aCity(), resourceClass: 0)
        case .unlistedProvider: unlistedProvider()
        }
    }
}
